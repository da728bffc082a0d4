"""Cross certificates in a ceremony: a CA's name and key, certified once more by another CA of ours."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from pki import names, oids, profiles
from pki.constraint_extensions import read_name_constraints
from pki.extensions import read_basic_constraints
from pki.profiles import Profile, SubjectFacts
from pki.tbs import Certificate
from pki.template import subject_name
from service.errors import BadSetting

_FOR_ROOTS: Final = "offline-ca"
_ATTRIBUTES: Final = frozenset({oids.COMMON_NAME, oids.ORGANIZATION, oids.SERIAL_NUMBER_ATTRIBUTE})


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCross:
    """One certificate for `subject`'s key by `issuer`; both are short names."""

    subject: str
    issuer: str

    @property
    def name(self) -> str:
        """Under which it is kept."""
        return f"{self.subject}-by-{self.issuer}"


def cross_profile(profile: Profile, certificate: Certificate) -> Profile:
    """By which profile a CA is certified by another: a root as an intermediate, others as they are.

    What its own certificate forbids below it, a ceremony's constraints too, is forbidden in the other one.
    """
    basic, named = (certificate.extension(o) for o in (oids.BASIC_CONSTRAINTS, oids.NAME_CONSTRAINTS))
    return replace(
        _form_for(profile),
        path_length=read_basic_constraints(basic)[1] if basic is not None else None,
        name_constraints=read_name_constraints(named) if named is not None else None,
    )


def _form_for(profile: Profile) -> Profile:
    if not profile.self_issued:
        return profile
    suffix = "" if str(profile.form) == "catalyst" else f"-{profile.form}"
    base = profiles.by_name(f"{_FOR_ROOTS}{suffix}")
    # The key is what it is: the root's profile has judged it.
    return replace(base, main=profile.main, alternative=profile.alternative)


def cross_facts(certificate: Certificate) -> SubjectFacts:
    """The facts that write the same subject again, octet by octet; BadSetting where there are none."""
    found = {attribute.oid: attribute.value for attribute in names.parse(certificate.subject)}
    facts = SubjectFacts(
        common_name=found.get(oids.COMMON_NAME, ""),
        organization=found.get(oids.ORGANIZATION, ""),
        serial_number=found.get(oids.SERIAL_NUMBER_ATTRIBUTE, ""),
    )
    if not found.keys() <= _ATTRIBUTES or subject_name(facts) != certificate.subject:
        raise BadSetting(
            f"The subject {names.show(certificate.subject)} cannot be written again octet by octet.",
            next_step="Roll over without a cross certificate, and give out the new bundle first.",
            field="cross",
        )
    return facts
