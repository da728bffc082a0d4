"""Is it the peer that was meant? A host's name or address against subjectAltName alone (RFC 9525 6)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from pki import oids
from pki.errors import MalformedInput
from pki.findings import Finding, error
from pki.general_names import Labels, Name, NameKind, labels, read_names
from pki.tbs import Certificate

_LEAST_UNDER_A_WILDCARD = 2
"""Labels that must follow `*.`: nobody speaks for a whole top-level domain."""


def expected_peer(host: str) -> Name:
    """The name to look for; MalformedInput for what is neither a DNS name nor an IP address."""
    try:
        return Name(NameKind.IP, ipaddress.ip_address(host).packed)
    except ValueError:
        return Name(NameKind.DNS, labels(host))


def findings(certificate: Certificate, host: str, who: str) -> Iterator[Finding]:
    """Nothing where no host is asked for; the subject's common name is never looked at."""
    if not host:
        return
    try:
        wanted = expected_peer(host)
    except MalformedInput as bad:
        yield error("path.peer_name_malformed", f"The host that is asked for does not read: {bad}", who)
        return
    value = certificate.extension(oids.SUBJECT_ALT_NAME)
    names = read_names(value) if value is not None else ()
    if not any(name.kind is wanted.kind and _stands_for(name.form, wanted.form) for name in names):
        yield error("path.peer_name_differs", f"The certificate is not one for {host[:253]!r}.", who)


def _stands_for(form: object, wanted: object) -> bool:
    if form == wanted:
        return True
    return isinstance(form, tuple) and isinstance(wanted, tuple) and _wildcard(form, wanted)


def _wildcard(form: Labels | tuple[object, ...], wanted: tuple[object, ...]) -> bool:
    """One label, the leftmost, for the star."""
    return len(form) > _LEAST_UNDER_A_WILDCARD and form[-1] == "*" and form[:-1] == wanted[:-1]
