"""HIBCC carriers (ANSI/HIBC 2.6): primary, concatenated secondary, and the older pair of symbols.

LIC(4) PCN(1-18) UoM(1). The check is mod 43 and may be a space: nothing here strips.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date

from registry.identity.hibcc_secondary import Secondary, read_secondary, read_supplement
from registry.identity.label_dates import future_manufacture
from registry.identity.malformed import Malformed, refused
from registry.model.finding import Finding, Severity
from registry.model.udi import IssuingAgency, Udi

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-. $/+%"
_VALUE = {character: value for value, character in enumerate(_ALPHABET)}
_OUTSIDE = re.compile(r"[^0-9A-Z\-. $/+%]")
_PRIMARY = re.compile(r"([A-Z][A-Z0-9]{3})([A-Z0-9]{1,18})([0-9])")
_TWO_SYMBOLS = re.compile(r"(\+[A-Z][A-Z0-9]{3}[A-Z0-9]{1,18}[0-9].)(\+[$0-9].*)")
_SECONDARY_START = re.compile(r"\$|[0-9]{5}")
_LONE_SECONDARY = re.compile(r"\+[$0-9].*")


@dataclass(slots=True)
class _Reading:
    """What is known so far; the check is answered before the grammar is, and survives its refusal."""

    check_ok: bool | None = None
    findings: list[Finding] = field(default_factory=list)
    primary: tuple[str, str, str] | None = None
    secondary: Secondary = field(default_factory=Secondary)


def check_character(body: str) -> str:
    """The mod 43 character over everything before it, the leading `+` included."""
    return _ALPHABET[sum(_VALUE[character] for character in body) % 43]


def parse_hibcc(text: str, *, carrier: str, today: date) -> Udi:
    """One HIBCC carrier beginning with `+`. Never raises for a bad label."""
    reading = _Reading()
    try:
        _read(text, reading, today)
        return _udi(reading, carrier=carrier, today=today)
    except Malformed as problem:
        return refused(carrier, IssuingAgency.HIBCC, problem, check_ok=reading.check_ok)


def _read(text: str, reading: _Reading, today: date) -> None:
    outside = _OUTSIDE.search(text)
    if outside is not None:
        raise Malformed(
            "hibcc_character",
            f"Position {outside.start()}: HIBCC has 0-9 A-Z - . space $ / + % only.",
            outside.group(),
        )
    pair = _TWO_SYMBOLS.fullmatch(text)
    if pair is not None:
        _read_two_symbols(pair.group(1), pair.group(2), reading, today)
    elif _LONE_SECONDARY.fullmatch(text):
        _read_lone_secondary(text, reading, today)
    else:
        _read_concatenated(text, reading, today)


def _read_concatenated(text: str, reading: _Reading, today: date) -> None:
    """`+LIC PCN UoM/secondary/supplements check`: one check over the whole."""
    body = _checked(text, reading)
    primary, *rest = body[1:].split("/")
    _take_primary(primary, reading)
    for part in rest:
        if _SECONDARY_START.match(part):
            read_secondary(part, reading.secondary, today)
        elif not read_supplement(part, reading.secondary):
            _take_unknown(part, reading)


def _read_two_symbols(first: str, second: str, reading: _Reading, today: date) -> None:
    """Primary, then `+secondary link check`: the link repeats the primary's check character."""
    body = _checked(first, reading)
    _take_primary(body[1:], reading)
    data = _checked(second, reading)
    if data[-1:] != first[-1]:
        reading.check_ok = False
        message = (
            "The secondary's link character is not the primary's check: the two may be of different devices."
        )
        reading.findings.append(Finding("udi.hibcc_link", Severity.WARNING, message))
    read_secondary(data[1:-1], reading.secondary, today)


def _read_lone_secondary(text: str, reading: _Reading, today: date) -> None:
    """The second symbol alone: production identifiers without a DI."""
    read_secondary(_checked(text, reading)[1:-1], reading.secondary, today)
    message = "The secondary symbol alone names no device: scan the primary symbol too."
    reading.findings.append(Finding("udi.di_missing", Severity.WARNING, message))


def _checked(text: str, reading: _Reading) -> str:
    """The text without its check character; the answer is added to what the other symbol said."""
    body = text[:-1]
    holds = len(text) > 1 and check_character(body) == text[-1]
    reading.check_ok = holds and reading.check_ok is not False
    if not holds:
        message = "The check character does not hold: compare the carrier with the label before trusting it."
        reading.findings.append(Finding("udi.check_fails", Severity.WARNING, message))
        if check_character(text) == " ":
            message = "With a space at its end the check would hold: something on the way may strip spaces."
            reading.findings.append(Finding("udi.hibcc_check_stripped", Severity.WARNING, message))
    return body


def _take_primary(text: str, reading: _Reading) -> None:
    match = _PRIMARY.fullmatch(text)
    if match is None:
        raise Malformed(
            "hibcc_primary",
            "Position 1: a primary is LIC (a letter and 3 letters or digits), PCN (1-18), one unit digit.",
            text,
        )
    reading.primary = (match.group(1), match.group(2), match.group(3))


def _take_unknown(part: str, reading: _Reading) -> None:
    match = re.fullmatch(r"([0-9]{0,3}[A-Z])(.+)", part)
    if match is None:
        raise Malformed(
            "hibcc_supplement", "A part after `/` begins with a data identifier such as S or 16D.", part
        )
    reading.secondary.other.append((match.group(1), match.group(2)))
    message = f"The data identifier {match.group(1)} is kept and not understood."
    reading.findings.append(Finding("udi.hibcc_unknown_identifier", Severity.NOTICE, message))


def _udi(reading: _Reading, *, carrier: str, today: date) -> Udi:
    secondary = reading.secondary
    lic, pcn, unit = reading.primary or ("", "", "")
    named = (("lic", lic), ("pcn", pcn), ("unit_of_measure", unit)) if reading.primary else ()
    return Udi(
        carrier=carrier,
        agency=IssuingAgency.HIBCC,
        well_formed=True,
        check_ok=reading.check_ok,
        udi_di=(lic + pcn + unit) or None,  # as GUDID lists it: without + and check
        serial_number=secondary.serial_number,
        lot_number=secondary.lot_number,
        manufactured_date=secondary.manufactured_date,
        expiration_date=secondary.expiration_date,
        expiration_hour=secondary.expiration_hour,
        other=(*named, *secondary.other),
        findings=(*reading.findings, *future_manufacture(secondary.manufactured_date, today)),
    )
