"""Which of our CAs signs a certificate: the one that was named, else the one of the profile's form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar, Final

from pki.bundle import TrustAnchor
from pki.profiles import Profile
from pki.tbs import Certificate
from service.authorities import CaEntry, CaState, UnknownAuthority
from service.errors import Kind, ServiceError

_PREFERRED: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "catalyst": ("catalyst",),
        "classical": ("classical",),
        "pure": ("pure",),
        "related": ("pure",),
        "composite": ("composite",),
        "kem": ("pure", "composite"),
    }
)
"""The forms of a CA that suit a form of certificate best. Where no such CA is there, the default one signs:
any form of ours signs any other, and a catalyst CA's signature is never weaker than the subject's own."""


class CaRefused(ServiceError):
    """The CA that was named cannot issue this."""

    kind: ClassVar[Kind] = "refused"


def choose(profile: Profile, cas: Sequence[tuple[CaEntry, Certificate]], name: str = "") -> CaEntry:
    """The CA for a profile; `cas` has the default one first, and only those whose key is open."""
    if name:
        return _named(name, cas)
    active = [
        (entry, certificate)
        for entry, certificate in cas
        if entry.state is CaState.ACTIVE and _may_sign(profile, certificate)
    ]
    for form in _PREFERRED.get(_form(profile), ()):
        for entry, certificate in active:
            if form_of(certificate) == form:
                return entry
    return active[0][0] if active else _none(cas)


def _may_sign(profile: Profile, certificate: Certificate) -> bool:
    return not profile.issuer_forms or form_of(certificate) in map(str, profile.issuer_forms)


def form_of(certificate: Certificate) -> str:
    """A CA's form, as its certificate has it: catalyst, classical, pure or composite."""
    return str(TrustAnchor.of(certificate).form)


def _form(profile: Profile) -> str:
    return str(profile.form)


def _named(name: str, cas: Sequence[tuple[CaEntry, Certificate]]) -> CaEntry:
    for entry, _ in cas:
        if entry.name == name:
            if entry.state is not CaState.ACTIVE:
                raise CaRefused(
                    f"The CA {name} is {entry.state}: it issues nothing any more.",
                    next_step="Choose an active one: medtrust ca list.",
                    field="--ca",
                )
            return entry
    raise UnknownAuthority(
        f"There is no CA {name[:40]!r} that issues here.",
        next_step=f"Choose one of {', '.join(entry.name for entry, _ in cas)}.",
        field="--ca",
    )


def _none(cas: Sequence[tuple[CaEntry, Certificate]]) -> CaEntry:
    raise CaRefused(
        f"None of the CAs {', '.join(entry.name for entry, _ in cas)} is active and may sign this.",
        next_step="Make one of a form that the profile allows: medtrust ca ceremony.",
        field="ca",
    )
