"""One walk over a whole DER element, before anybody looks at its parts."""

from __future__ import annotations

from typing import Final

from pki import asn1
from pki.errors import MalformedInput

_MAX_DEPTH: Final = 40


def check(buf: bytes, what: str = "input", *, above: int = 0) -> None:
    """Refuses anything that is not one DER element all the way down; linear, no recursion.

    `above`: in how many elements the whole of it stands already.
    """
    total = asn1.whole(buf, buf[0] if buf else asn1.SEQUENCE, what).end
    at, limit, ends, deepest = 0, total, [total], _MAX_DEPTH + 1 - above
    while at < total:
        while at == limit:
            ends.pop()
            limit = ends[-1]
        if len(ends) > deepest:
            raise MalformedInput(f"The {what} is nested deeper than {_MAX_DEPTH}.", field=what)
        # As in asn1.children: what is short is cut here, what is long or wrong is asn1.read's.
        if at + 2 <= limit and (size := buf[at + 1]) < 0x80 and (tag := buf[at]) & 0x1F != 0x1F:
            start = at + 2
            end = start + size
            if end > limit:
                asn1.read(buf, at, limit)
        else:
            tag, _, start, end = asn1.read(buf, at, limit)
        if tag & 0x20:
            at, limit = start, end
            ends.append(end)
            continue
        if tag == asn1.INTEGER:
            asn1.int_value(buf, asn1.Tlv(tag, at, start, end))
        elif tag == asn1.BOOLEAN and buf[start:end] not in (b"\xff", b"\x00"):
            raise MalformedInput("A BOOLEAN is neither 00 nor FF.", field=f"offset {at}")
        at = end
