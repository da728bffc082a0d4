"""GS1 keys without an application identifier: a bare GTIN, and a GMN (the EU's Basic UDI-DI)."""

from __future__ import annotations

import re
from datetime import date

from registry.identity.gs1 import begins_with_element, parse_gs1
from registry.identity.gs1_checks import digit_holds, pair_holds
from registry.identity.malformed import Malformed, refused
from registry.model.finding import Finding, Severity
from registry.model.udi import IssuingAgency, Udi

_GTIN_LENGTHS = (8, 12, 13, 14)
_DATE_FIRST = ("11", "17")
_GMN = re.compile(r"[0-9]{4}[!%-?A-Z_a-z\"]{1,19}[2-9A-HJ-NP-Z]{2}")
"""A GMN begins with a company prefix (at least four digits) and ends with its check pair."""


def parse_bare(text: str, *, carrier: str, today: date) -> Udi:
    """Text without identifiers in brackets: a GTIN, an element string as scanned, or a GMN."""
    if text.isdecimal() and len(text) in _GTIN_LENGTHS:
        return _gtin_or_elements(text, carrier=carrier, today=today)
    as_scan = parse_gs1(text, carrier=carrier, today=today)
    if as_scan.well_formed or text.isdecimal() or _GMN.fullmatch(text) is None:
        return as_scan
    # A broken scan must not pass for a GMN: then only a check pair that holds tells them apart.
    if begins_with_element(text) and not pair_holds(text):
        return as_scan
    return _gmn(text, carrier=carrier)


def parse_gtin(text: str, *, carrier: str) -> Udi:
    """What an EAN, UPC or ITF-14 symbol holds: 8, 12, 13 or 14 digits. The DI is the GTIN-14."""
    if not text.isdecimal() or len(text) not in _GTIN_LENGTHS:
        problem = Malformed("gs1_bad_value", "A GTIN has 8, 12, 13 or 14 digits.", text)
        return refused(carrier, IssuingAgency.GS1, problem)
    holds = digit_holds(text)
    findings = () if holds else (_check_fails("The GTIN's check digit does not hold."),)
    return Udi(
        carrier=carrier,
        agency=IssuingAgency.GS1,
        well_formed=True,
        check_ok=holds,
        udi_di=text.zfill(14),
        findings=findings,
    )


def _gtin_or_elements(text: str, *, carrier: str, today: date) -> Udi:
    """Digits of a GTIN's length: where its check fails, `17201231` is an expiration date."""
    as_gtin = parse_gtin(text, carrier=carrier)
    if as_gtin.check_ok or not text.startswith(_DATE_FIRST):
        return as_gtin
    as_scan = parse_gs1(text, carrier=carrier, today=today)
    return as_scan if as_scan.well_formed else as_gtin


def _gmn(text: str, *, carrier: str) -> Udi:
    holds = pair_holds(text)
    notice = Finding(
        "udi.basic_udi_di",
        Severity.NOTICE,
        "This is a Basic UDI-DI: it names a model family, never a device.",
        text,
    )
    findings = (notice,) if holds else (notice, _check_fails("The GMN's check pair does not hold."))
    return Udi(
        carrier=carrier,
        agency=IssuingAgency.GS1,
        well_formed=True,
        check_ok=holds,
        udi_di=text,
        basic_udi_di=text,
        findings=findings,
    )


def _check_fails(message: str) -> Finding:
    return Finding(
        "udi.check_fails", Severity.WARNING, f"{message} Compare it with the label before trusting it."
    )
