"""GeneralName (RFC 5280 4.2.1.6): read strictly, in the form in which names can be compared.

Not handled here: whom a name belongs to. The names that our own certificates carry are read for people by
pki.identity_extensions.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Final

from pki import asn1
from pki.errors import MalformedInput
from pki.name_comparison import Rdn, rdns

EMAIL_ADDRESS: Final = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01"
"""1.2.840.113549.1.9.1, content octets: the attribute for mailboxes in subjects."""
_SMTP_UTF8_MAILBOX: Final = asn1.oid("1.3.6.1.5.5.7.8.9")
_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LOCAL: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
_AUTHORITY: Final = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*://(?:[^@/?#]*@)?(?P<host>\[[^\]]*\]|[^:/?#]*)(?::[0-9]*)?(?:[/?#].*)?"
)
_SHORT: Final = 512


class NameKind(IntEnum):
    """The tags of GeneralName."""

    OTHER = 0xA0
    EMAIL = 0x81
    DNS = 0x82
    X400 = 0xA3
    DIRECTORY = 0xA4
    EDI_PARTY = 0xA5
    URI = 0x86
    IP = 0x87
    REGISTERED_ID = 0x88


_KINDS: Final = {kind.value: kind for kind in NameKind}
Labels = tuple[str, ...]
NameForm = Labels | tuple[str, Labels] | tuple[Rdn, ...] | bytes | None


@dataclass(frozen=True, slots=True)
class Name:
    """One name. `form` by kind: host labels from the right, mailbox (local, labels), octets or RDNs."""

    kind: NameKind
    form: NameForm
    """None: a URI without a host, or a kind that nothing here compares."""


def labels(text: str) -> Labels:
    """A host name in small letters, rightmost label first; MalformedInput for what is none."""
    parts = text.lower().split(".")
    if len(text) > 253 or not all(_LABEL.fullmatch(part) for part in parts) or parts[-1].isdigit():
        raise MalformedInput(f"{text[:80]!r} is not a DNS name.", field="dNSName")
    return tuple(reversed(parts))


def read_names(value: bytes, what: str = "subjectAltName") -> tuple[Name, ...]:
    """GeneralNames, one at least; MalformedInput for a malformed one."""
    return _read_short(value, what) if len(value) <= _SHORT else _read(value, what)


def _read(value: bytes, what: str) -> tuple[Name, ...]:
    found = tuple(read_name(value, e) for e in asn1.children(value, asn1.whole(value, what=what)))
    if not found:
        raise MalformedInput(f"{what} holds no name.", field=what)
    return found


_read_short = lru_cache(maxsize=256)(_read)


def read_name(buf: bytes, element: asn1.Tlv) -> Name:
    """One GeneralName."""
    kind, octets = _KINDS.get(element.tag), asn1.content(buf, element)
    if kind is None:
        raise MalformedInput(f"Tag 0x{element.tag:02x} is no kind of name.", field="GeneralName")
    # RFC 9598: a mailbox in another guise. Constraints on mailboxes cover it, and nothing here compares it.
    if kind is NameKind.OTHER and octets.startswith(_SMTP_UTF8_MAILBOX):
        return Name(NameKind.EMAIL, None)
    reader = _READERS.get(kind)
    return Name(kind, reader(octets) if reader else None)


def mailbox(text: str) -> tuple[str, Labels]:
    """(local part as it stands, host labels); MalformedInput for what is no plain mailbox."""
    local, _, host = text.rpartition("@")
    if not _LOCAL.fullmatch(local) or local.startswith(".") or local.endswith(".") or ".." in local:
        raise MalformedInput(f"{text[:80]!r} is not a mailbox.", field="rfc822Name")
    return local, labels(host)


def subject_mailboxes(subject: bytes) -> tuple[Name, ...]:
    """The emailAddress attributes of a subject, which rfc822Name constraints cover (4.2.1.10)."""
    if EMAIL_ADDRESS not in subject:
        return ()
    found = []
    for rdn in asn1.children(subject, asn1.whole(subject, what="subject")):
        for pair in asn1.children(subject, rdn):
            kind, value = asn1.children(subject, pair)
            if asn1.content(subject, kind) == EMAIL_ADDRESS:
                found.append(Name(NameKind.EMAIL, mailbox(_ascii(asn1.content(subject, value)))))
    return tuple(found)


def _ascii(octets: bytes) -> str:
    try:
        return octets.decode("ascii")
    except UnicodeDecodeError as bad:
        raise MalformedInput("A name is not ASCII.", field="GeneralName") from bad


def _dns(octets: bytes) -> Labels:
    text = _ascii(octets)
    # RFC 9525 6.3: a wildcard is the whole leftmost label, above at least one other.
    return (*labels(text[2:]), "*") if text.startswith("*.") else labels(text)


def _uri(octets: bytes) -> Labels | None:
    text = _ascii(octets)
    if not text.isprintable() or ":" not in text:
        raise MalformedInput("A URI is not printable, or is relative.", field="uniformResourceIdentifier")
    found = _AUTHORITY.fullmatch(text)
    try:
        return labels(found["host"]) if found else None
    except MalformedInput:
        return None


def _ip(octets: bytes) -> bytes:
    if len(octets) not in (4, 16):
        raise MalformedInput("An iPAddress is neither 4 nor 16 octets.", field="iPAddress")
    return octets


_READERS: Final[dict[NameKind, Callable[[bytes], NameForm]]] = {
    NameKind.DNS: _dns,
    NameKind.EMAIL: lambda octets: mailbox(_ascii(octets)),
    NameKind.URI: _uri,
    NameKind.IP: _ip,
    NameKind.DIRECTORY: rdns,
}
