"""What must never enter: patients' data in the strings that devices send us.

Detectors answer with a code and never with the text. This is a net, not a proof: a bare surname passes it,
which is why claims are an allow-list first (registry.trust.claims).
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from typing import Final

from registry.model.errors import BadInput

MAX_TEXT: Final = 65_536
"""Longest text that is looked through, in characters."""

_YEAR_19: Final = r"(?:18|19)\d\d"
_YEAR_20: Final = r"20\d\d"
_MONTH_DAY: Final = r"(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])"
_DAY_OR_MONTH: Final = r"(?:0?[1-9]|[12]\d|3[01])"

_DETECTORS: Final[tuple[tuple[str, re.Pattern[str]], ...]] = tuple(
    (code, re.compile(pattern, re.ASCII | re.IGNORECASE))
    for code, pattern in (
        ("phi.mrn", r"(?<![a-z])(?:mrn|medical[ _-]?record|patient[ _-]?(?:id|name|number|no))(?![a-z])"),
        ("phi.ssn", r"(?<!\d)(?!000|666)\d{3}([- ])\d\d\1\d{4}(?!\d)"),
        # SSN and a short number is a model (a guedel airway's, in the FDA's data), not a person's.
        ("phi.ssn", r"(?<![a-z])(?:ssn(?!\d{1,4}(?!\d))|social[ _-]?security)(?![a-z])"),
        ("phi.birth_date", r"(?<![a-z])(?:dob|(?:date[ _-]?of[ _-]?birth)|birth[ _-]?(?:date|day))(?![a-z])"),
        ("phi.birth_date", rf"(?<![0-9a-z]){_YEAR_19}([-/.]?){_MONTH_DAY}(?!\d)"),
        ("phi.birth_date", rf"(?<!\d){_DAY_OR_MONTH}([-/.]){_DAY_OR_MONTH}\1{_YEAR_19}(?!\d)"),
        ("phi.email", r"[a-z0-9._%+'-]{1,64}@[a-z0-9-]{1,63}\.[a-z0-9]"),
        ("phi.hl7", r"(?<![a-z0-9])(?:MSH|PID|PD1|PV1|NK1|OBX|OBR|ORC|EVN|IN1|GT1)\|"),
        ("phi.hl7", r"\^~\\&"),
        (
            "phi.dicom",
            r"\(\s*0010\s*,\s*[0-9a-f]{4}\s*\)|(?<![0-9a-f])0010(?:00[1-4]0|10[0-4]0|2160)(?![0-9a-f])",
        ),
        ("phi.dicom", r"patient'?s?(?:name|id|birthdate|sex)|(?<![0-9a-z])DICM"),
        ("phi.fhir", r"resourceType|(?<![a-z])Patient/[a-z0-9.-]"),
    )
)
_RECENT_DATES: Final = tuple(
    re.compile(rf"(?<![0-9A-Za-z]){date}(?![0-9A-Za-z])", re.ASCII)
    for date in (
        rf"{_YEAR_20}([-/.]){_MONTH_DAY}",
        rf"{_DAY_OR_MONTH}([-/.]){_DAY_OR_MONTH}\1{_YEAR_20}",
    )
)
"""A child's birth date or a build date: stopped except where a version stands."""

_BARE_NUMBER: Final = re.compile(r"(?<![0-9A-Za-z])\d{7,12}(?![0-9A-Za-z])", re.ASCII)
"""A record number without its label."""

_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{12,}", re.ASCII)
_TO_STANDARD: Final = str.maketrans("-_", "+/")
_HIDDEN: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})


class ClaimsRefused(BadInput):
    """A text or payload we do not take. `reason` is a code; no message holds the content."""

    def __init__(self, reason: str, *, field: str, next_step: str = "") -> None:
        self.reason = reason
        super().__init__(f"{field} is refused: {reason}.", next_step=next_step, field=field)


class PhiStopped(ClaimsRefused):
    """It looks like a patient's data. Count it, quarantine the sender's stream, keep nothing."""

    def __init__(self, reason: str, *, field: str) -> None:
        super().__init__(
            reason,
            field=field,
            next_step="Remove patient data at the device; nothing of the content was kept.",
        )


def guard_text(where: str, text: str) -> None:
    """For topic names, client ids, wills, user properties and CSR subjects: PhiStopped or ClaimsRefused.

    `where` is our own word for the place and stands in the message; `text` never does.
    """
    if len(text) > MAX_TEXT:
        raise ClaimsRefused("too_large", field=where)
    if (code := find_phi(text)) is not None:
        raise PhiStopped(code, field=where)
    if has_hidden(text):
        raise ClaimsRefused("control_characters", field=where, next_step="Send printable text only.")


def guard_claim_text(where: str, text: str, *, is_version: bool = False) -> None:
    """As `guard_text`, stricter: bare record numbers stop it too, and recent dates unless it is a version."""
    guard_text(where, text)
    if (code := find_unlabelled(text, is_version=is_version)) is not None:
        raise PhiStopped(code, field=where)


def find_phi(text: str) -> str | None:
    """The code of the first detector that fires on the text, or on what base64 in it hides; else None."""
    plain = unicodedata.normalize("NFKC", text) if not text.isascii() else text
    code = _detect(plain)
    if code is not None or len(plain) < len("MTk1Ni0wNC0"):
        return code
    for run in _BASE64.findall(plain):
        for shift in range(4):
            if (code := _detect(_decoded(run[shift:]))) is not None:
                return code
    return None


def find_unlabelled(text: str, *, is_version: bool) -> str | None:
    """The code for a number or date that only context makes harmless; else None."""
    if _BARE_NUMBER.search(text):
        return "phi.bare_number"
    is_dated = not is_version and any(pattern.search(text) for pattern in _RECENT_DATES)
    return "phi.birth_date" if is_dated else None


def has_hidden(text: str) -> bool:
    """Whether it holds control, bidirectional, zero-width, private-use or surrogate characters."""
    return not text.isprintable() and any(unicodedata.category(character) in _HIDDEN for character in text)


def _detect(text: str) -> str | None:
    return next((code for code, pattern in _DETECTORS if pattern.search(text)), None)


def _decoded(run: str) -> str:
    """The bytes behind a base64 run as text; latin-1, so that one stray byte hides nothing."""
    whole = run[: len(run) // 4 * 4 + (len(run) % 4 if len(run) % 4 > 1 else 0)]
    padded = whole.translate(_TO_STANDARD) + "=" * (-len(whole) % 4)
    try:
        return base64.b64decode(padded).decode("latin-1")
    except binascii.Error:
        return ""
