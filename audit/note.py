"""C2SP signed-note: text, a blank line, signature lines. The form only; keys stand elsewhere."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass

from audit.errors import Malformed

_DASH = "\u2014 "
_MAX_NOTE = 256 * 1024
"""Characters: room for 16 signatures of 5 kB and more (C2SP signed-note, format)."""

_NAME = re.compile(r"[^\s+\x00-\x1f]+")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line: whose key, and 4 bytes of key id before the signature."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """`text` ends in a newline and is what was signed."""

    text: str
    signatures: tuple[NoteSignature, ...]


def format_note(text: str, signatures: Sequence[NoteSignature]) -> str:
    """The note as it is published."""
    lines = [
        f"{_DASH}{each.name} {base64.b64encode(each.key_id + each.signature).decode()}\n"
        for each in signatures
    ]
    return f"{text}\n{''.join(lines)}"


def parse_note(note: str) -> Note:
    """The parts of a note; nothing is verified. Raises Malformed."""
    if len(note) > _MAX_NOTE or _CONTROL.search(note):
        raise Malformed("The note is too long or holds control characters.", field="note")
    text, blank, tail = note.rpartition("\n\n")
    if not blank or not tail.endswith("\n"):
        raise Malformed("The note has no signature lines after an empty line.", field="note")
    return Note(text + "\n", tuple(_signature(line) for line in tail[:-1].split("\n")))


def check_name(name: str) -> str:
    """A key name: not empty, no spaces, no plus, at most 255 bytes (C2SP signed-note, tlog-cosignature)."""
    # Half of a surrogate pair is not printable, so encoding is safe from here on.
    if not name.isprintable() or not _NAME.fullmatch(name) or len(name.encode()) > 255:
        raise Malformed("A key name has no spaces, no plus and 1 to 255 bytes.", field="name")
    return name


def strict_base64(text: str, *, name: str) -> bytes:
    """Standard base64 with its padding; refuses a second spelling of the same bytes."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as problem:
        raise Malformed(f"{name} is not base64.", field=name) from problem
    if base64.b64encode(data).decode() != text:
        raise Malformed(f"{name} is not in the one canonical base64 form.", field=name)
    return data


def _signature(line: str) -> NoteSignature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space:
        raise Malformed("A signature line is not: dash, key name, base64.", field="signature")
    data = strict_base64(encoded, name="signature")
    if len(data) < 5:
        raise Malformed("A signature line holds no signature.", field="signature")
    return NoteSignature(check_name(name), data[:4], data[4:])
