"""The built-in certificate profiles: a closed list of what a certificate of each kind may contain.

They are data, `profile_data/<name>.toml`, each read when it is first asked for. Nothing here encodes;
pki.template writes by a profile, pki.csr and pki.lint judge by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pki.errors import PkiError
from pki.profile_limits import ProfileMalformed, check_narrows, malformed
from pki.profile_model import (
    MAX_BACKDATE,
    AltNames,
    Form,
    IssuerIdentity,
    Kind,
    NamePolicy,
    Profile,
    StatusUrls,
    SubjectFacts,
)

__all__ = [
    "MAX_BACKDATE",
    "NAMES",
    "PROFILES",
    "AltNames",
    "Form",
    "IssuerIdentity",
    "Kind",
    "NamePolicy",
    "Profile",
    "ProfileMalformed",
    "ProfileNotFound",
    "StatusUrls",
    "SubjectFacts",
    "by_name",
    "own",
]

_FOLDER: Final = Path(__file__).parent / "profile_data"
NAMES: Final = (
    *("root", "root-classical", "root-pure", "root-slh-dsa", "root-composite"),
    *("offline-ca", "offline-ca-classical", "offline-ca-pure", "offline-ca-composite"),
    *("issuing-ca", "issuing-ca-classical", "issuing-ca-pure", "issuing-ca-composite"),
    *("ocsp-ecdsa", "ocsp-ml-dsa", "ocsp-composite"),
    *("server", "server-pure", "registry", "bridge", "operator"),
    *("device", "device-classical", "device-pure", "device-composite", "device-related", "device-kem"),
    *("device-life-sustaining", "device-therapy", "device-monitoring", "device-diagnostic"),
    "device-non-clinical",
)
"""The built-in profiles, in the order in which they are listed."""


class ProfileNotFound(PkiError):
    """No profile has that name."""

    kind = "not_found"


def built_in_text(name: str) -> str:
    """The TOML of a built-in profile; ProfileNotFound names those that exist."""
    if name not in NAMES:
        raise ProfileNotFound(
            f"There is no certificate profile {name[:64]!r}.",
            next_step=f"Choose one of {', '.join(NAMES)}.",
            field="profile",
        )
    return (_FOLDER / f"{name}.toml").read_text(encoding="utf-8")


@lru_cache(maxsize=len(NAMES))
def by_name(name: str) -> Profile:
    """The built-in profile; ProfileNotFound names those that exist."""
    text = built_in_text(name)
    from pki import profile_toml  # where a command needs no profile, it needs no schema either

    return profile_toml.parse(text, built_in_text)


def own(text: str, *, file_name: str = "") -> Profile:
    """A hospital's own profile; one that has a built-in's name may only narrow it. ProfileMalformed."""
    from pki import profile_toml

    profile = profile_toml.parse(text, built_in_text)
    if file_name and file_name != profile.name:
        raise malformed(f"The file is named {file_name}, the profile {profile.name}.", "name")
    findings = check_narrows(profile, by_name(profile.name)) if profile.name in NAMES else ()
    if findings:
        raise malformed(findings[0].message, findings[0].subject)
    return profile


class _BuiltIn(Mapping[str, Profile]):
    """All built-in profiles by name, each read when it is looked at."""

    def __getitem__(self, name: str) -> Profile:
        if name not in NAMES:
            raise KeyError(name)
        return by_name(name)

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)


PROFILES: Final[Mapping[str, Profile]] = _BuiltIn()

if TYPE_CHECKING:
    ROOT: Profile
    ISSUING_CA: Profile
    OFFLINE_CA: Profile
    OCSP_ECDSA: Profile
    OCSP_ML_DSA: Profile
    OCSP_COMPOSITE: Profile
    SERVER: Profile
    SERVER_PURE: Profile
    REGISTRY: Profile
    BRIDGE: Profile
    OPERATOR: Profile
    DEVICE: Profile
    DEVICE_CLASSICAL: Profile
    DEVICE_PURE: Profile
    DEVICE_COMPOSITE: Profile
    DEVICE_RELATED: Profile
    DEVICE_KEM: Profile
else:

    def __getattr__(constant: str) -> Profile:
        """DEVICE, ISSUING_CA ...: a built-in profile by its name in capitals, read when first used."""
        name = constant.lower().replace("_", "-")
        if name in NAMES and constant.isupper():
            return by_name(name)
        raise AttributeError(f"module {__name__!r} has no attribute {constant!r}")
