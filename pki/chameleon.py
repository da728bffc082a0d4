"""Delta certificates (draft-bonnell-lamps-chameleon-certs): rebuilt to be shown, never believed for that.

A base certificate may describe a second one by its differences. Here it is put together octet for octet, so
that whoever wants to may judge it like any other certificate; no verdict of the base rests on it. Drafts up
to -04 tag the parts implicitly, later ones explicitly: both read.
"""

from __future__ import annotations

from typing import Final

from pki import asn1
from pki.errors import MalformedInput
from pki.extensions import Extension, read_extensions
from pki.tbs import Certificate

DELTA_DESCRIPTOR: Final = "2.16.840.1.114027.80.6.1"
"""id-ce-deltaCertificateDescriptor, under the drafts' temporary arc."""
_WHAT: Final = "deltaCertificateDescriptor"
_SIGNATURE, _ISSUER, _VALIDITY, _SUBJECT, _EXTENSIONS = range(0xA0, 0xA5)
_STARTS_WITH: Final = {
    _SIGNATURE: (asn1.OID,),
    _ISSUER: (asn1.SET,),
    _VALIDITY: (asn1.UTC_TIME, asn1.GENERALIZED_TIME),
    _SUBJECT: (asn1.SET,),
    _EXTENSIONS: (asn1.SEQUENCE,),
}
"""What stands first inside each part's own SEQUENCE: tells implicit tagging from explicit."""


def delta_certificate(base: Certificate) -> Certificate | None:
    """The certificate that the base describes beside itself; None where it describes none.

    MalformedInput where the description does not read, or what it describes is no certificate.
    """
    value = base.extension(DELTA_DESCRIPTOR)
    if value is None:
        return None
    parts = asn1.children(value, asn1.whole(value, what=_WHAT))
    tagged = {part.tag: _sequence(value, part) for part in parts if part.tag in _STARTS_WITH}
    plain = [part for part in parts if part.tag not in _STARTS_WITH]
    order = [part.tag for part in parts]
    expected = [asn1.INTEGER, *sorted(tagged.keys() - {_EXTENSIONS}), asn1.SEQUENCE]
    expected += [_EXTENSIONS] * (_EXTENSIONS in tagged) + [asn1.BIT_STRING]
    if order != expected:
        raise MalformedInput("The descriptor's parts are not those of the draft, in order.", field=_WHAT)
    serial, spki, signature = (asn1.encoded(value, part) for part in plain)
    fields = base.signed.fields
    algorithm = tagged.get(_SIGNATURE, fields[2])
    listed = _extensions(base, tagged.get(_EXTENSIONS))
    tbs = asn1.sequence(
        fields[0],
        serial,
        algorithm,
        tagged.get(_ISSUER, fields[3]),
        tagged.get(_VALIDITY, fields[4]),
        tagged.get(_SUBJECT, fields[5]),
        spki,
        asn1.explicit(3, asn1.sequence(*(e.encode() for e in listed))),
    )
    return Certificate.parse(asn1.sequence(tbs, algorithm, signature))


def _sequence(value: bytes, part: asn1.Tlv) -> bytes:
    """A part's SEQUENCE, under either way of tagging."""
    inside = asn1.children(value, part)
    if not inside or inside[0].tag in _STARTS_WITH[part.tag]:
        if part.tag == _EXTENSIONS and _is_explicit_list(value, inside):
            return asn1.encoded(value, inside[0])
        return asn1.tlv(asn1.SEQUENCE, asn1.content(value, part))
    if len(inside) != 1 or inside[0].tag != asn1.SEQUENCE:
        raise MalformedInput("A part of the descriptor is not the draft's.", field=_WHAT)
    return asn1.encoded(value, inside[0])


def _is_explicit_list(value: bytes, inside: list[asn1.Tlv]) -> bool:
    # Extensions hold SEQUENCEs, one Extension begins with its type.
    if len(inside) != 1:
        return False
    first = asn1.children(value, inside[0])
    return bool(first) and first[0].tag == asn1.SEQUENCE


def _extensions(base: Certificate, changed: bytes | None) -> list[Extension]:
    """The base's in their order without the descriptor, those that differ replaced."""
    others = {e.oid: e for e in read_extensions(changed)} if changed is not None else {}
    kept = [e for e in base.extensions if e.oid != DELTA_DESCRIPTOR]
    if not others.keys() <= {e.oid for e in kept}:
        raise MalformedInput("The delta has an extension that the base has not.", field=_WHAT)
    return [others.get(e.oid, e) for e in kept]
