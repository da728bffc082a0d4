"""Text that is safe on a terminal: what a device or a file said may hold control characters."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import datetime


def clean(text: str) -> str:
    """The text in one line, without control, format and other invisible characters."""
    return "".join(c if unicodedata.category(c)[0] != "C" else "?" for c in text.replace("\n", " "))


def shown(value: object) -> str:
    """A value for people: times to the second in UTC, lists with commas, nothing as a dash."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}Z"
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ", ".join(shown(item) for item in value) or "-"
    return clean(str(value))


def colon_hex(octets: bytes) -> str:
    """`AB:CD:...`, as other tools print fingerprints."""
    return octets.hex(":").upper()


def examples(*lines: str) -> str:
    """An epilog that click leaves unwrapped."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
