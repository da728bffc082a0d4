"""PEM blocks (RFC 7468): one writer for all of ours; the reader of a request, or a key, in PEM or DER."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from pki.errors import MalformedInput

MAX_BYTES: Final = 32 * 1024
"""Twice what two ML-DSA-87 keys and their proofs need; small enough to refuse hostile nesting at once."""
LABEL: Final = "CERTIFICATE REQUEST"
_OLD_LABEL: Final = "NEW CERTIFICATE REQUEST"
"""What Windows' certreq and Java's keytool write; RFC 7468 section 7 lets a reader take it."""


def der_from_pem_or_der(data: bytes, label: str = LABEL) -> bytes:
    """The DER in `data`: itself, or its one PEM block of that label, nothing behind it; 32 KiB at most."""
    if len(data) > (MAX_BYTES if data[:1] == b"\x30" else 2 * MAX_BYTES):
        problem = f"The input is {len(data)} bytes; at most {MAX_BYTES} of DER are read."
        raise MalformedInput(problem, field=label)
    if data[:1] == b"\x30":
        return bytes(data)
    lines = [line.strip() for line in data.decode("ascii", "replace").strip().splitlines()]
    labels = (label, _OLD_LABEL) if label == LABEL else (label,)
    begins = [at for at, line in enumerate(lines) if line.startswith("-----BEGIN ")]
    # Text before the block is for people (RFC 7468 section 2): certtool and `openssl req -text` write it.
    block = lines[begins[0] :] if len(begins) == 1 else []
    if len(block) < 3 or (block[0], block[-1]) not in [
        (f"-----BEGIN {each}-----", f"-----END {each}-----") for each in labels
    ]:
        raise MalformedInput(
            f"The input is neither DER nor one PEM block of {label}.",
            next_step=f"Give a file that holds only -----BEGIN {label}-----.",
            field=label,
        )
    try:
        return base64.b64decode("".join(block[1:-1]), validate=True)
    except (binascii.Error, ValueError) as bad:
        raise MalformedInput(f"The PEM block of {label} is not base64.", field=label) from bad


def to_pem(der: bytes, label: str = LABEL) -> bytes:
    """One PEM block, lines of 64 characters (RFC 7468)."""
    text = base64.b64encode(der)
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return b"\n".join(
        (b"-----BEGIN %b-----" % label.encode(), *lines, b"-----END %b-----" % label.encode(), b"")
    )
