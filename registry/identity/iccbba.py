"""ICCBBA carriers: the UDI subset of ISBT 128. Each structure begins with its data identifier; no check."""

from __future__ import annotations

import re
from datetime import date

from registry.identity.label_dates import day_of_year, future_manufacture
from registry.identity.malformed import Malformed, refused
from registry.model.finding import Finding, Severity
from registry.model.udi import IssuingAgency, PartialDate, Udi

_STRUCTURES = (
    ("di", re.compile(r"=/([A-Z0-9]{16})")),
    ("serial", re.compile(r"=,([A-Z0-9]{6})")),
    ("expiration", re.compile(r"=>([0-9]{6})")),
    ("manufactured", re.compile(r"=\}([0-9]{6})")),
    ("lot", re.compile(r"&,1([A-Z0-9]{18})")),
    ("compound", re.compile(r"=\+([0-9]{5})")),
    ("di", re.compile(r"=\)([A-Z0-9]{10})")),  # blood container: catalogue number (DS 017)
    ("lot", re.compile(r"&\)([A-Z0-9]{10})")),  # blood container: lot (DS 018)
    ("donation", re.compile(r"=([A-NP-Z1-9][A-Z0-9]{4}[0-9]{8}[A-Z0-9]{2})")),
)
_FIRST_YEAR_OF_2 = 900
"""YYY 900 and above is the second millennium's 1900s; below, the 2000s."""


def parse_iccbba(text: str, *, carrier: str, today: date) -> Udi:
    """One ISBT 128 carrier beginning with `=` or `&`. Never raises for a bad label."""
    try:
        found = _read(text)
        return _udi(found, carrier=carrier, today=today)
    except Malformed as problem:
        return refused(carrier, IssuingAgency.ICCBBA, problem)


def _read(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        name, match = _structure_at(text, at)
        if found.setdefault(name, match.group(1)) != match.group(1):
            raise Malformed(
                "iccbba_repeated", f"Position {at}: {name} stands twice with two values.", match.group(1)
            )
        at = match.end()
    return found


def _structure_at(text: str, at: int) -> tuple[str, re.Match[str]]:
    for name, pattern in _STRUCTURES:
        match = pattern.match(text, at)
        if match is not None:
            return name, match
    message = f"Position {at}: no known ISBT 128 structure begins here, or it is cut short."
    raise Malformed("iccbba_structure", message, text[at:])


def _day(digits: str | None, what: str) -> PartialDate | None:
    """YYYJJJ."""
    if digits is None:
        return None
    year = int(digits[:3])
    return day_of_year(year + (1000 if year >= _FIRST_YEAR_OF_2 else 2000), int(digits[3:]), what=what)


def _udi(found: dict[str, str], *, carrier: str, today: date) -> Udi:
    manufactured = _day(found.get("manufactured"), "ICCBBA manufacturing date")
    missing = "The carrier names no device identifier (=/ or =))."
    di_missing = () if "di" in found else (Finding("udi.di_missing", Severity.WARNING, missing),)
    return Udi(
        carrier=carrier,
        agency=IssuingAgency.ICCBBA,
        well_formed=True,
        check_ok=None,
        udi_di=found.get("di"),
        serial_number=found.get("serial"),
        lot_number=found.get("lot"),
        manufactured_date=manufactured,
        expiration_date=_day(found.get("expiration"), "ICCBBA expiration date"),
        donation_id=found.get("donation"),
        other=(("compound", found["compound"]),) if "compound" in found else (),
        findings=(*di_missing, *future_manufacture(manufactured, today)),
    )
