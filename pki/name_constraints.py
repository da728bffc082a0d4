"""What the CAs above allow a certificate to be called (RFC 5280 4.2.1.10, 6.1.3 (b) and (c), 6.1.4 (g)).

`permitted` of several CAs must all hold, which is their intersection; `excluded` is their union. Every
comparison is announced to Work, so that many names under many constraints end in a finding. A kind of name
that is constrained and cannot be compared here (otherName, x400Address ...) refuses where it appears.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from pki import asn1, oids
from pki.constraint_extensions import network_mask, subtree_bases
from pki.findings import Finding, error
from pki.general_names import Name, NameKind, labels, mailbox, read_name, read_names, subject_mailboxes
from pki.name_comparison import is_empty, rdns
from pki.path_work import Work
from pki.tbs import Certificate

_MAPPED: Final = bytes(10) + b"\xff\xff"
"""What stands before an IPv4 address that is written as one of IPv6 (RFC 4291 2.5.5.2)."""


@dataclass(frozen=True, slots=True)
class Base:
    """The base of one subtree; `form` as in Name, but for hosts and mailboxes see `_reaches`."""

    kind: NameKind
    form: object
    below_only: bool = False
    """A host constraint with a leading dot: what lies below, not the host itself (mailboxes and URIs)."""


@dataclass(frozen=True, slots=True)
class Constraints:
    """One certificate's extension."""

    permitted: tuple[Base, ...]
    excluded: tuple[Base, ...]


def read(value: bytes) -> Constraints:
    """Both lists in comparable form; MalformedInput as of subtree_bases, and for malformed bases."""
    permitted, excluded = (tuple(_base(value, each) for each in found) for found in subtree_bases(value))
    return Constraints(permitted, excluded)


def _base(buf: bytes, element: asn1.Tlv) -> Base:
    octets = asn1.content(buf, element)
    if element.tag == NameKind.IP:
        return Base(NameKind.IP, _network(octets))
    if element.tag == NameKind.DIRECTORY:
        return Base(NameKind.DIRECTORY, rdns(octets))
    if element.tag not in (NameKind.DNS, NameKind.EMAIL, NameKind.URI):
        return Base(read_name(buf, element).kind, None)
    text = octets.decode("ascii", "backslashreplace")
    kind = NameKind(element.tag)
    if kind is NameKind.DNS:
        return Base(kind, labels(text) if text else ())
    if kind is NameKind.EMAIL and "@" in text:
        return Base(kind, mailbox(text))
    return Base(kind, labels(text.removeprefix(".")) if text else (), below_only=text.startswith("."))


def _network(octets: bytes) -> tuple[int, int, int]:
    """(octets of an address, network without host bits, mask): others' constraints may have host bits."""
    size, address, mask = network_mask(octets)
    return size, address & mask, mask


@dataclass(slots=True)
class ConstraintState:
    """permitted_subtrees and excluded_subtrees of 6.1.2, as they grow from the anchor down."""

    permitted: list[tuple[Base, ...]] = field(default_factory=list)
    excluded: list[Base] = field(default_factory=list)

    def add(self, certificate: Certificate) -> None:
        """6.1.4 (g): what this CA demands of everything below it."""
        value = certificate.extension(oids.NAME_CONSTRAINTS)
        if value is not None:
            found = read(value)
            self.permitted.append(found.permitted)
            self.excluded += found.excluded

    def findings(self, certificate: Certificate, work: Work, who: str) -> Iterator[Finding]:
        """6.1.3 (b) and (c) for one certificate; WorkExhausted where there is too much to compare."""
        if not self.permitted:
            return
        for name in _names(certificate):
            work.compare(1 + len(self.excluded) + sum(map(len, self.permitted)))
            yield from self._judge(name, who)

    def _judge(self, name: Name, who: str) -> Iterator[Finding]:
        excluded = _of(name.kind, self.excluded)
        permitted = [bases for bases in (_of(name.kind, listed) for listed in self.permitted) if bases]
        if not excluded and not permitted:
            return
        if name.form is None or any(
            base.form is None for base in (*excluded, *(b for p in permitted for b in p))
        ):
            problem = f"A name of kind {name.kind.name} is constrained and cannot be compared here."
            yield error("path.name_constraint_not_understood", problem, who)
        elif any(_reaches(base, name, touching=True) for base in excluded):
            problem = f"A CA above excludes a name of the certificate ({_kind(name)})."
            yield error("path.name_excluded", problem, who)
        elif not all(any(_reaches(base, name, touching=False) for base in bases) for bases in permitted):
            problem = f"A CA above does not permit a name of the certificate ({_kind(name)})."
            yield error("path.name_not_permitted", problem, who)


def _kind(name: Name) -> str:
    return name.kind.name.lower().replace("_", " ")


def _of(kind: NameKind, bases: Iterable[Base]) -> list[Base]:
    return [base for base in bases if base.kind is kind]


def _names(certificate: Certificate) -> Iterator[Name]:
    if not is_empty(certificate.subject):
        yield Name(NameKind.DIRECTORY, rdns(certificate.subject))
    yield from subject_mailboxes(certificate.subject)
    value = certificate.extension(oids.SUBJECT_ALT_NAME)
    if value is not None:
        yield from read_names(value)


def _reaches(base: Base, name: Name, *, touching: bool) -> bool:
    """Whether the name lies in the subtree; `touching`: whether a wildcard could stand for one that does."""
    form: object = name.form
    if base.kind is NameKind.IP:
        # An excluded host is not reached by its IPv4 address in IPv6's dress either.
        bare = form[12:] if touching and isinstance(form, bytes) and form.startswith(_MAPPED) else form
        return _in_network(base.form, form) or _in_network(base.form, bare)
    if base.kind is NameKind.EMAIL:
        return _mailbox_within(base, form)
    if not isinstance(form, tuple) or not isinstance(base.form, tuple):
        return False
    if base.kind is NameKind.URI:
        return _host_within(base, form)
    if form[: len(base.form)] == base.form:
        return True
    wild = base.kind is NameKind.DNS and touching and form[-1:] == ("*",)
    return wild and len(form) == len(base.form) and form[:-1] == base.form[:-1]


def _in_network(base: object, address: object) -> bool:
    if not isinstance(base, tuple) or not isinstance(address, bytes):
        return False
    size, network, mask = base
    return bool(len(address) == size and int.from_bytes(address, "big") & mask == network)


def _mailbox_within(base: Base, name: object) -> bool:
    if not isinstance(name, tuple):
        return False
    _, host = name
    if isinstance(base.form, tuple) and len(base.form) == 2 and isinstance(base.form[1], tuple):
        return name == base.form
    return _host_within(base, host)


def _host_within(base: Base, host: tuple[object, ...]) -> bool:
    """Mailboxes and URIs: a host is itself only; with a leading dot, what lies below it; empty, anything."""
    if not isinstance(base.form, tuple) or not base.form:
        return True
    if base.below_only:
        return len(host) > len(base.form) and host[: len(base.form)] == base.form
    return host == base.form
