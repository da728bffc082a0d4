"""Every lint rule fires for the certificate that breaks it, and none for the one that we issue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from pki import asn1, names, oids, profiles
from pki.constraint_extensions import NameConstraints, Subtrees
from pki.extensions import (
    Extension,
)
from pki.findings import Finding, Severity
from pki.lint import RULES, lint
from pki.lint_context import ChainFacts, LintContext, Rule, Twin
from pki.name_constraints import ConstraintState, read
from pki.profiles import DEVICE, DEVICE_CLASSICAL, OCSP_ML_DSA, SERVER, Form, NamePolicy, Profile
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


def below(**facts: object) -> Callable[[], LintContext]:
    """The same intention under a CA of which this is known."""
    return lambda: replace(device_context(), chain=ChainFacts(**facts))  # type: ignore[arg-type]


def constrained(excluded: str) -> ConstraintState:
    state = ConstraintState()
    name = asn1.explicit(4, names.encode(common_name="", organization=excluded))
    value = asn1.sequence(asn1.tlv(0xA1, asn1.sequence(name)))
    state.excluded += read(value).excluded
    state.permitted.append(())
    return state


def with_facts(**changed: object) -> Callable[[], LintContext]:
    return lambda: replace(device_context(), facts=replace(DEVICE_FACTS, **changed))  # type: ignore[arg-type]


MUD = "https://maker.example/pump.json"
A_CA = replace(DEVICE, ca=True, path_length=1)
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
    "another form": ("form.main_key_not_of_form", profiles.DEVICE_PURE, device_context),
    "alternative key in another form": (
        "form.alternative_key_not_of_form",
        DEVICE_CLASSICAL,
        device_context,
    ),
    "no binding": ("form.related_not_the_proven", profiles.DEVICE_RELATED, with_facts(related=b"\x30\x00")),
    "no policy": (
        "profile.policies_not_as_profile",
        replace(DEVICE, policies=("1.2.3",)),
        device_context,
    ),
    "no constraints of names": (
        "profile.name_constraints_not_as_profile",
        replace(DEVICE, name_constraints=NameConstraints(permitted=Subtrees(dns=("a.example",)))),
        device_context,
    ),
    "no MUD URL": ("profile.mud_url_not_as_facts", DEVICE, with_facts(mud_url=MUD)),
    "denied CN": (
        "profile.common_name_denied",
        replace(DEVICE, names=NamePolicy(deny_common_names=("device-000.",))),
        device_context,
    ),
    "another organization": (
        "profile.organization_not_allowed",
        replace(DEVICE, names=NamePolicy(organizations=("Clinic",))),
        device_context,
    ),
    "a profile that left its kind": ("profile.ca_not_of_kind", A_CA, device_context),
    "no CA left": ("chain.path_length_exhausted", A_CA, below(path_length=0)),
    "too many CAs below": ("chain.path_length_too_long", A_CA, below(path_length=1)),
    "a CA without end": (
        "chain.path_length_too_long",
        replace(A_CA, path_length=None),
        below(path_length=3),
    ),
    "excluded name": ("chain.name_not_permitted", DEVICE, below(constraints=constrained("Hospital"))),
    "a key from above": (
        "chain.key_is_the_issuers",
        DEVICE,
        below(keys=frozenset({house().device_key.public.classical.spki})),
    ),
    "issuer of another form": (
        "chain.issuer_form_not_allowed",
        replace(DEVICE, issuer_forms=(Form.PURE,)),
        below(form=Form.CATALYST, resists_quantum=True),
    ),
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


def test_a_classical_ca_vouches_for_no_post_quantum_main_key() -> None:
    draft = Draft()
    under = below(form=Form.CLASSICAL)()
    assert "chain.issuer_falls_first" not in rules_of(lint(draft.der(), DEVICE, under))
    draft.spki = draft.value(oids.SUBJECT_ALT_PUBLIC_KEY_INFO)
    assert "chain.issuer_falls_first" in rules_of(lint(draft.der(), DEVICE, under))


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


def fires(rule: Rule, draft: Draft, profile: Profile, context: LintContext) -> bool:
    found = lint(draft.der(), profile, context, rules=(rule,))
    # What cannot be read makes every rule speak, and shows nothing of what it is for.
    unread = {"certificate.malformed", f"certificate.{rule.__name__}_malformed"}
    return any(finding.rule not in unread for finding in found)


def test_every_rule_has_a_case() -> None:
    silent = {rule.__name__: rule for rule in RULES}
    for _expected, change in CASES.values():
        draft = Draft()
        change(draft)
        for name in [n for n, rule in silent.items() if fires(rule, draft, DEVICE, device_context())]:
            del silent[name]
    for _expected, profile, intend in BY_INTENTION.values():
        for name in [n for n, rule in silent.items() if fires(rule, Draft(), profile, intend())]:
            del silent[name]
    assert silent.keys() == {"issuer_stands_as_long"}  # its case changes both, in a test of its own


def test_a_key_of_another_kind_is_known_by_its_name() -> None:
    findings = lint(Draft().der(), OCSP_ML_DSA, device_context())
    assert str(KeyAlgorithm.EC_P256) in {finding.subject for finding in findings}
