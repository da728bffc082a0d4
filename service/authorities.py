"""Which CAs a home holds: their names, parents, states and where their keys are, in one file of the home.

The file is written last whatever changes: a CA that it does not name is not one of ours, whichever keys and
certificates a crash left beside it. Homes made before this file existed hold `root` and `issuing`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import msgspec

from service.errors import ServiceError
from service.home import Home, write_private

ROOT: Final = "root"
ISSUING: Final = "issuing"
FILE: Final = "authorities.json"
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
_TAKEN: Final = frozenset({"registry", "chain", "log", "delta", "trust-bundle"})
"""Names that our other keys and files have."""


class CaState(StrEnum):
    """What a CA still does."""

    ACTIVE = "active"
    RETIRED = "retired"
    """Issues nothing; its lists and OCSP answers go on until its last certificate has expired."""
    DISTRUSTED = "distrusted"
    """Its certificate was revoked or withdrawn from the trust bundle; nothing is signed with its key."""


class KeyPlace(StrEnum):
    """Where a CA's private key is."""

    HERE = "here"
    """Sealed, in the home."""
    AWAY = "away"
    """On a medium that people carry to where it is needed."""
    PKCS11 = "pkcs11"
    """In a token, the classical half; the other one sealed in the home."""
    FOREIGN = "foreign"
    """With the house that an imported CA comes from: we hold its certificate only."""


class UnknownAuthority(ServiceError):
    """No CA of this home has that name."""

    kind = "not_found"


class BadAuthority(ServiceError):
    """A CA's name or record that cannot be used."""

    kind = "usage"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaEntry:
    """One CA of the home."""

    name: str
    """Short: stands in file names, URLs, and in the store's `issuer` column."""
    profile: str
    issuer_name: str
    """The CA above; its own name for a root."""
    state: CaState = CaState.ACTIVE
    key_place: KeyPlace = KeyPlace.HERE
    issues: bool = True
    """Whether it certifies devices and servers; others certify CAs only."""
    imported: bool = False
    """It issued before it came here: certificates that we never heard of may exist."""
    sha256: str = ""
    """The certificate's fingerprint, hex."""

    @property
    def is_root(self) -> bool:
        """Whether it signed itself."""
        return self.issuer_name == self.name

    @property
    def answers(self) -> bool:
        """Whether the running process signs its lists and OCSP answers."""
        held = self.key_place in (KeyPlace.HERE, KeyPlace.PKCS11)
        return self.issues and self.state is not CaState.DISTRUSTED and held


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossEntry:
    """A second certificate of a CA of ours, by another one of ours: a bridge for older relying parties."""

    subject: str
    issuer: str
    sha256: str

    @property
    def name(self) -> str:
        """Its file's name in home/certs."""
        return f"{self.subject}-by-{self.issuer}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """All CAs of a home. `default` issues where nobody says otherwise."""

    entries: tuple[CaEntry, ...]
    cross: tuple[CrossEntry, ...] = ()
    default: str = ISSUING

    def get(self, name: str) -> CaEntry:
        """The CA of that name; UnknownAuthority says which there are."""
        for entry in self.entries:
            if entry.name == name:
                return entry
        raise UnknownAuthority(
            f"There is no CA {name[:40]!r} here.",
            next_step=f"Choose one of {', '.join(entry.name for entry in self.entries)}.",
            field="ca",
        )

    @property
    def roots(self) -> tuple[CaEntry, ...]:
        """Those that signed themselves, the first one first."""
        return tuple(entry for entry in self.entries if entry.is_root)

    def above(self, name: str) -> tuple[CaEntry, ...]:
        """The CA and those above it, the root last."""
        chain = [self.get(name)]
        while not chain[-1].is_root and len(chain) <= len(self.entries):
            chain.append(self.get(chain[-1].issuer_name))
        return tuple(chain)

    def with_entry(self, entry: CaEntry) -> Register:
        """The same with this CA added, or changed where it was there."""
        if any(known.name == entry.name for known in self.entries):
            changed = tuple(entry if known.name == entry.name else known for known in self.entries)
            return replace(self, entries=changed)
        return replace(self, entries=(*self.entries, entry))

    def with_cross(self, cross: CrossEntry) -> Register:
        """The same with a cross certificate; one a pair, the newest."""
        others = tuple(known for known in self.cross if known.name != cross.name)
        return replace(self, cross=(*others, cross))


_FIRST: Final = Register(
    entries=(
        CaEntry(name=ROOT, profile="root", issuer_name=ROOT, issues=False),
        CaEntry(name=ISSUING, profile="issuing-ca", issuer_name=ROOT),
    )
)


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    default: str
    authorities: list[CaEntry]
    cross: list[CrossEntry]


def read_authorities(home: Home) -> tuple[CaEntry, ...]:
    """Every CA of the home, the oldest first."""
    return read_register(home).entries


def read_register(home: Home) -> Register:
    """The home's CAs; BadAuthority where the file is damaged."""
    path = home.root / FILE
    if not path.exists():
        return _FIRST
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_Document)
    except (msgspec.MsgspecError, UnicodeDecodeError, OSError) as bad:
        raise _damaged(str(bad)) from bad
    if found.version != 1:
        raise _damaged(f"it has version {found.version}, and this medtrust knows version 1")
    register = Register(entries=tuple(found.authorities), cross=tuple(found.cross), default=found.default)
    _check(register)
    return register


def write_register(home: Home, register: Register) -> None:
    """Atomically; this is the moment at which a change of the CAs is true."""
    _check(register)
    document = _Document(
        version=1,
        default=register.default,
        authorities=list(register.entries),
        cross=list(register.cross),
    )
    write_private(home.root / FILE, msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")


def checked_name(name: str, *, field: str = "name") -> str:
    """A CA's short name, or BadAuthority."""
    if not _NAME.fullmatch(name) or name in _TAKEN or "ocsp" in name or "-by-" in name:
        raise BadAuthority(
            f"{name[:40]!r} cannot be a CA's short name.",
            next_step="Use up to 32 small letters, digits and hyphens, such as issuing-2.",
            field=field,
        )
    return name


def _check(register: Register) -> None:
    names = [entry.name for entry in register.entries]
    for entry in register.entries:
        checked_name(entry.name)
        if entry.issuer_name not in names or names.count(entry.name) > 1:
            raise _damaged(f"{entry.name} is there twice, or its issuer {entry.issuer_name} is not")
        if not register.above(entry.name)[-1].is_root:
            raise _damaged(f"{entry.name} is not below a root")
    if register.default not in names or not register.get(register.default).issues:
        raise _damaged(f"the default {register.default} is no CA that issues")


def _damaged(why: str) -> BadAuthority:
    return BadAuthority(
        f"The list of CAs ({FILE}) cannot be used: {why}.",
        next_step="Restore the home folder from its backup.",
        field=FILE,
    )
