"""Every row of docs/requests.md's table of refusals, from bytes: the rule, the field, and no signature."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from pki import csr
from pki.errors import MalformedInput, RequestRefused
from pki.related import related_certificate
from pki.request_rules import check_request
from tests.unit.pki.issuing_fixtures import DEVICE_FACTS, NOW, entropy, house
from tests.unit.pki.refusals import MALFORMED, Refusal
from tests.unit.pki.refusals_of_content import REFUSALS

PAGE = Path(__file__).parents[3] / "docs" / "requests.md"
ROW = re.compile(r"^\| ([^|]+) \| `([a-z_.]+)` \| `([^|`]*)` \|$", re.MULTILINE)
READ = [row for row in REFUSALS if row.rule != MALFORMED]
NOT_READ = [row for row in REFUSALS if row.rule == MALFORMED]


def what(row: Refusal) -> str:
    return row.what


@pytest.mark.parametrize("row", READ, ids=what)
def test_a_request_for_what_it_may_not_have_is_refused_by_name(row: Refusal) -> None:
    parsed = csr.Request.parse(row.make())
    findings = check_request(parsed, row.profile, DEVICE_FACTS)
    assert (row.rule, row.field) in [(finding.rule, finding.subject) for finding in findings]
    bound = related_certificate(house().issuing.der) if row.profile.related else None
    facts = replace(DEVICE_FACTS, related=bound)
    with pytest.raises(RequestRefused, match=row.rule):
        house().issuer.prepare(row.profile, facts, parsed, now=NOW, entropy=entropy)


@pytest.mark.parametrize("row", NOT_READ, ids=what)
def test_a_request_that_cannot_be_read_names_the_field(row: Refusal) -> None:
    with pytest.raises(MalformedInput) as refused:
        csr.Request.parse(row.make())
    assert refused.value.problem
    assert refused.value.field == row.field or not row.field


@pytest.mark.parametrize("row", READ, ids=what)
def test_what_is_refused_is_refused_for_one_reason(row: Refusal) -> None:
    findings = check_request(csr.Request.parse(row.make()), row.profile, DEVICE_FACTS)
    # A weak RSA key is also one that no profile takes.
    rules = {finding.rule for finding in findings} - {"request.key_not_allowed"}
    assert rules <= {row.rule}


def test_the_page_lists_these_refusals_and_no_other() -> None:
    documented = ROW.findall(PAGE.read_text())
    assert documented == [(row.what, row.rule, row.field or "offset …") for row in REFUSALS]


def test_no_two_rows_are_called_the_same() -> None:
    assert len({row.what for row in REFUSALS}) == len(REFUSALS)
