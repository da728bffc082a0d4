"""Every lint rule fires for the certificate that breaks it, and none for the one that we issue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from pki import asn1, oids
from pki.extensions import (
    Extension,
)
from pki.findings import Finding, Severity
from pki.lint import RULES, lint
from pki.lint_context import LintContext, Twin
from pki.profiles import DEVICE, DEVICE_CLASSICAL, OCSP_ML_DSA, SERVER, Profile
from pki.providers.interface import KeyAlgorithm
from tests.unit.pki.draft_certificate import Draft
from tests.unit.pki.issuing_fixtures import DEVICE_FACTS, device_context, house
from tests.unit.pki.lint_cases import CASES


def rules_of(findings: tuple[Finding, ...]) -> set[str]:
    return {finding.rule for finding in findings}


@pytest.mark.parametrize("case", CASES)
def test_the_rule_fires(case: str) -> None:
    rule, change = CASES[case]
    draft = Draft()
    change(draft)
    findings = lint(draft.der(), DEVICE, device_context())
    assert rule in rules_of(findings), findings
    assert all(finding.severity is Severity.ERROR for finding in findings)


def test_an_unchanged_draft_passes() -> None:
    assert lint(Draft().der(), DEVICE, device_context()) == ()


def other_keys() -> LintContext:
    return replace(device_context(), public=house().issuing_key.public)


def classical_keys() -> LintContext:
    public = replace(device_context().public, alternative=None)
    return replace(device_context(), public=public)


BY_INTENTION: dict[str, tuple[str, Profile, Callable[[], LintContext]]] = {
    "other keys": ("profile.key_not_the_proven", DEVICE, other_keys),
    "key kind": ("profile.key_not_allowed", OCSP_ML_DSA, device_context),
    "needs alternative": ("profile.alternative_key_missing", DEVICE, classical_keys),
    "no alternative allowed": (
        "profile.alternative_key_not_allowed",
        DEVICE_CLASSICAL,
        device_context,
    ),
    "server without names": ("profile.alternative_names_not_as_facts", SERVER, device_context),
    "no-check missing": ("profile.ocsp_no_check_not_as_profile", OCSP_ML_DSA, device_context),
}


@pytest.mark.parametrize("case", BY_INTENTION)
def test_the_rule_fires_for_another_intention(case: str) -> None:
    rule, profile, context = BY_INTENTION[case]
    assert rule in rules_of(lint(Draft().der(), profile, context()))


def test_a_server_needs_a_name() -> None:
    draft = Draft()
    draft.drop(oids.SUBJECT_ALT_NAME)
    assert "profile.alternative_names_missing" in rules_of(lint(draft.der(), SERVER, device_context()))


def test_an_empty_list_of_names_is_refused() -> None:
    draft = Draft()
    draft.put(Extension(oids.SUBJECT_ALT_NAME, False, asn1.sequence()))
    nameless = replace(device_context(), facts=replace(DEVICE_FACTS, hardware_serial=None, udi=None))
    assert "profile.alternative_names_empty" in rules_of(lint(draft.der(), DEVICE, nameless))


def test_a_rule_that_crashes_is_fatal_and_others_still_run() -> None:
    def broken(_twin: Twin) -> Iterator[Finding]:
        raise ZeroDivisionError

    findings = lint(Draft().der(), DEVICE, device_context(), rules=(broken, *RULES))
    assert [(f.rule, f.severity) for f in findings] == [("lint.broken_crashed", Severity.FATAL)]
    assert findings[0].refuses


def test_no_truncation_of_a_certificate_passes() -> None:
    der = Draft().der()
    assert all(lint(der[:size], DEVICE, device_context()) for size in range(0, len(der), 97))


def test_every_rule_has_a_case() -> None:
    fired = set()
    for rule in RULES:
        for _expected, change in CASES.values():
            draft = Draft()
            change(draft)
            if lint(draft.der(), DEVICE, device_context(), rules=(rule,)):
                fired.add(rule.__name__)
                break
    context = classical_keys()
    fired |= {rule.__name__ for rule in RULES if lint(Draft().der(), DEVICE, context, rules=(rule,))}
    assert fired == {rule.__name__ for rule in RULES}


def test_a_key_of_another_kind_is_known_by_its_name() -> None:
    findings = lint(Draft().der(), OCSP_ML_DSA, device_context())
    assert str(KeyAlgorithm.EC_P256) in {finding.subject for finding in findings}
