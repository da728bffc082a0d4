"""DER, written and read byte-exactly (X.690). No tree of objects: certificates are cut, not re-encoded.

A signature rests on the bytes, so writing and cutting are ours (docs/adr/0002). Not handled here: meaning.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from struct import Struct
from typing import Final, NamedTuple

from pki.der_time import moment_of, octets_of
from pki.errors import MalformedInput

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID, ENUMERATED = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0A
UTF8_STRING, PRINTABLE_STRING, IA5_STRING, UTC_TIME, GENERALIZED_TIME = 0x0C, 0x13, 0x16, 0x17, 0x18
SEQUENCE, SET = 0x30, 0x31
MAX_BYTES: Final = 16 * 1024 * 1024
_SHORT_HEADER, _LONG_HEADER = Struct(">BB").pack, Struct(">BBH").pack


def tlv(tag: int, content: bytes) -> bytes:
    """One element with a definite, minimal length."""
    size = len(content)
    return (_SHORT_HEADER(tag, size) if size < 0x80 else header(tag, size)) + content


def header(tag: int, size: int) -> bytes:
    """Tag and length of an element whose content follows."""
    if size < 0x80:
        return _SHORT_HEADER(tag, size)
    if 0x100 <= size < 0x10000:
        return _LONG_HEADER(tag, 0x82, size)
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length


def sequence(*parts: bytes) -> bytes:
    """SEQUENCE of encoded parts, in the order given."""
    return tlv(SEQUENCE, b"".join(parts))


def long_sequence(*parts: bytes | bytearray | memoryview) -> bytes:
    """SEQUENCE of large parts, copied once: a list of a million entries has fifty megabytes."""
    return b"".join((header(SEQUENCE, sum(map(len, parts))), *parts))


def set_of(parts: Iterable[bytes]) -> bytes:
    """SET OF, in DER's order (X.690 11.6)."""
    return tlv(SET, b"".join(sorted(parts)))


def explicit(number: int, content: bytes) -> bytes:
    """[number] EXPLICIT, constructed."""
    return tlv(0xA0 | number, content)


def implicit(number: int, content: bytes) -> bytes:
    """[number] IMPLICIT over a primitive's content."""
    return tlv(0x80 | number, content)


def integer(value: int) -> bytes:
    """INTEGER, minimal two's complement."""
    return tlv(INTEGER, value.to_bytes(max(value, ~value).bit_length() // 8 + 1, "big", signed=True))


def boolean(value: bool) -> bytes:
    """BOOLEAN, 0xFF for TRUE."""
    return b"\x01\x01\xff" if value else b"\x01\x01\x00"


def null() -> bytes:
    """NULL."""
    return b"\x05\x00"


def octet_string(content: bytes) -> bytes:
    """OCTET STRING."""
    return tlv(OCTET_STRING, content)


def bit_string(content: bytes, unused: int = 0) -> bytes:
    """BIT STRING over whole bytes, or with `unused` trailing bits."""
    return tlv(BIT_STRING, bytes((unused,)) + content)


@lru_cache(maxsize=512)
def oid(dotted: str) -> bytes:
    """OBJECT IDENTIFIER from its dotted form; arcs of any size (2.25 holds 128 bits)."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    out = bytearray()
    for arc in (first * 40 + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(0x80 | (arc & 0x7F))
        out += bytes(reversed(groups))
    return tlv(OID, bytes(out))


def utf8_string(text: str) -> bytes:
    """UTF8String."""
    return tlv(UTF8_STRING, text.encode("utf-8"))


@lru_cache(maxsize=256)
def time(moment: datetime) -> bytes:
    """UTCTime through 2049, GeneralizedTime from 2050 (RFC 5280 4.1.2.5), whole seconds, Z."""
    octets = octets_of(moment)
    if b"1950" <= octets < b"2050":
        return tlv(UTC_TIME, octets[2:])
    return tlv(GENERALIZED_TIME, octets)


def generalized_time(moment: datetime) -> bytes:
    """GeneralizedTime without fractions, Z."""
    return tlv(GENERALIZED_TIME, octets_of(moment))


class Tlv(NamedTuple):
    """One element's place in a buffer: `start` header, `content` first octet, `end` past the last."""

    tag: int
    start: int
    content: int
    end: int


def read(buf: bytes, offset: int = 0, limit: int | None = None) -> Tlv:
    """The element at `offset`, which must end by `limit`; indefinite or padded lengths are refused."""
    limit = len(buf) if limit is None else limit
    if offset + 2 > limit:
        raise MalformedInput("The DER ends in the middle of an element's header.", field=f"offset {offset}")
    tag, size, content = buf[offset], buf[offset + 1], offset + 2
    if tag & 0x1F == 0x1F:
        raise MalformedInput("A multi-byte tag is not used by X.509.", field=f"offset {offset}")
    if size == 0x82 and content + 2 <= limit and buf[content]:
        # What holds an ML-DSA key or signature: the form that is met most.
        size, content = buf[content] << 8 | buf[content + 1], content + 2
    elif size >= 0x80:
        octets = size & 0x7F
        if not 1 <= octets <= 4 or content + octets > limit:
            raise MalformedInput("The length is indefinite or cut off: not DER.", field=f"offset {offset}")
        size = int.from_bytes(buf[content : content + octets], "big")
        if size < 0x80 or size >> (8 * (octets - 1)) == 0:
            raise MalformedInput("The length is not minimal: BER, not DER.", field=f"offset {offset}")
        content += octets
    if content + size > limit:
        raise MalformedInput("The element is longer than what holds it.", field=f"offset {offset}")
    return tuple.__new__(Tlv, (tag, offset, content, content + size))  # Tlv() would cost as much again


def whole(buf: bytes, tag: int = SEQUENCE, what: str = "input") -> Tlv:
    """The one element that fills the buffer; trailing bytes are refused."""
    size = len(buf)
    if size > MAX_BYTES:
        raise MalformedInput(f"The {what} is {size} bytes; at most {MAX_BYTES} are read.", field=what)
    if 2 <= size < 0x82 and buf[1] == size - 2 and buf[0] == tag and tag & 0x1F != 0x1F:
        return tuple.__new__(Tlv, (tag, 0, 2, size))  # As read would: most are short.
    element = read(buf)
    if element.tag != tag:
        raise MalformedInput(f"The {what} starts with tag 0x{element.tag:02x}, not 0x{tag:02x}.", field=what)
    if element.end != size:
        raise MalformedInput(f"{size - element.end} bytes trail behind the {what}.", field=what)
    return element


def children(buf: bytes, element: Tlv) -> list[Tlv]:
    """The elements inside a constructed one, which they fill exactly."""
    tag, start, at, limit = element
    if not tag & 0x20:
        raise MalformedInput(f"Tag 0x{tag:02x} holds no elements.", field=f"offset {start}")
    found: list[Tlv] = []
    while at < limit:
        # Most elements are short: without a call each they cost half. Long and malformed ones are read's.
        start = at + 2
        if start <= limit and (size := buf[at + 1]) < 0x80 and (after := start + size) <= limit:
            tag = buf[at]
            if tag & 0x1F != 0x1F:
                found.append(tuple.__new__(Tlv, (tag, at, start, after)))
                at = after
                continue
        found.append(read(buf, at, limit))
        at = found[-1].end
    return found


def pieces(buf: bytes, element: Tlv) -> tuple[bytes, ...]:
    """`children`, encoded."""
    return tuple([buf[start:end] for _, start, _, end in children(buf, element)])


def encoded(buf: bytes, element: Tlv) -> bytes:
    """Header and content, as they stand."""
    return bytes(buf[element.start : element.end])


def content(buf: bytes, element: Tlv, tag: int | None = None) -> bytes:
    """The content octets, after checking the tag where one is given."""
    if tag is not None and element.tag != tag:
        raise MalformedInput(f"Tag {element.tag:#04x}, not {tag:#04x}.", field=f"offset {element.start}")
    return bytes(buf[element.content : element.end])


def int_value(buf: bytes, element: Tlv) -> int:
    """An INTEGER's value; padded encodings are refused."""
    octets = content(buf, element, INTEGER)
    if not octets or (len(octets) > 1 and octets[0] in (0, 0xFF) and (octets[0] ^ octets[1]) < 0x80):
        raise MalformedInput("The INTEGER is empty or padded: not DER.", field=f"offset {element.start}")
    return int.from_bytes(octets, "big", signed=True)


def oid_value(buf: bytes, element: Tlv) -> str:
    """An OBJECT IDENTIFIER, dotted."""
    return _dotted(content(buf, element, OID))


@lru_cache(maxsize=1024)
def _dotted(octets: bytes) -> str:
    if not octets or octets[-1] & 0x80 or len(octets) > 128:
        raise MalformedInput("The OBJECT IDENTIFIER is empty, cut off or too long.", field="oid")
    arcs, value, fresh = [], 0, True
    for octet in octets:
        if fresh and octet == 0x80:
            raise MalformedInput("An arc of the OBJECT IDENTIFIER is padded.", field="oid")
        value, fresh = (value << 7) | (octet & 0x7F), not octet & 0x80
        if fresh:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(str(arc) for arc in (first, arcs[0] - 40 * first, *arcs[1:]))


def bits(buf: bytes, element: Tlv) -> bytes:
    """A BIT STRING of whole bytes: unused bits must be 0."""
    octets = content(buf, element, BIT_STRING)
    if not octets or octets[0] != 0:
        raise MalformedInput("The BIT STRING has unused bits.", field=f"offset {element.start}")
    return octets[1:]


def time_value(buf: bytes, element: Tlv) -> datetime:
    """UTCTime or GeneralizedTime in the one form that RFC 5280 4.1.2.5 allows."""
    moment = moment_of(element.tag, content(buf, element))
    if moment is None:
        raise MalformedInput("The time is not in DER's form.", field=f"offset {element.start}")
    return moment
