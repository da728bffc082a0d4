"""The lint before the signature: bytes in, findings out. What it refuses is never signed.

It reads the twin with readers of its own accord, from bytes, and shares no code with pki.template, which
wrote it. A rule that raises is a FATAL finding, never a pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pki import lint_chain, lint_forms, lint_profile, lint_rfc5280
from pki.errors import MalformedInput, PkiError
from pki.findings import Finding, Severity, error
from pki.lint_context import LintContext, Rule, Twin
from pki.profiles import Profile
from pki.tbs import Certificate

__all__ = ["LintContext", "lint"]

RULES: Final[tuple[Rule, ...]] = (
    *(lint_rfc5280.RULES + lint_profile.RULES),
    *(lint_forms.RULES + lint_chain.RULES),
)


def lint(
    twin_der: bytes, profile: Profile, context: LintContext, rules: Sequence[Rule] = RULES
) -> tuple[Finding, ...]:
    """Everything that keeps this certificate from being signed; empty means: sign it."""
    try:
        twin = Twin.of(Certificate.parse(twin_der), profile, context)
    except MalformedInput as bad:
        return (error("certificate.malformed", str(bad), bad.field),)
    found: list[Finding] = []
    for rule in rules:
        try:
            found += rule(twin)
        except PkiError as bad:
            found.append(error(f"certificate.{rule.__name__}_malformed", str(bad), bad.field))
        except Exception as crash:  # noqa: BLE001 - rule 4 of the house: a crashed rule is a finding
            message = f"The rule crashed: {crash!r}."
            found.append(Finding(f"lint.{rule.__name__}_crashed", Severity.FATAL, message))
    return tuple(found)
