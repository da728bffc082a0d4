"""One door for every UDI carrier: looks at how it begins and hands it to its agency's parser.

Not handled here: which product a DI is (catalogue.py), and whether anybody may rely on the label.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

from registry.identity.gs1 import SEPARATOR, parse_gs1
from registry.identity.gs1_bare import parse_bare, parse_gtin
from registry.identity.hibcc import parse_hibcc
from registry.identity.iccbba import parse_iccbba
from registry.identity.malformed import Malformed, refused
from registry.model.finding import Finding, Severity
from registry.model.udi import Udi

LONGEST_CARRIER = 512
_SYMBOLOGY = re.compile(r"\][A-Za-z][0-9A-Za-z]")
_NOT_PRINTABLE = re.compile(r"[^\x20-\x7e\x1d]")
_GTIN_SYMBOLOGIES = frozenset({"]E0", "]E3", "]E4", "]I1"})
_GS1_SYMBOLOGIES = frozenset({"]C1", "]e0", "]e1", "]e2", "]d2", "]Q3", "]J1"})
_HL7_AMPERSAND = "\\T\\"


def parse_udi(text: str, *, today: date) -> Udi:
    """A carrier as scanned, typed or sent: GS1, HIBCC or ICCBBA, at most 512 characters.

    Never raises for a bad label: `well_formed` is then False and a finding says what is wrong and where.
    """
    carrier = text[:LONGEST_CARRIER]
    try:
        _refuse_unreadable(text)
    except Malformed as problem:
        return refused(carrier, None, problem)
    symbology = _SYMBOLOGY.match(text)
    name = symbology.group() if symbology else ""
    return _dispatch(text[len(name) :], symbology=name, carrier=carrier, today=today)


def _refuse_unreadable(text: str) -> None:
    if len(text) > LONGEST_CARRIER:
        raise Malformed("too_long", f"The carrier has {len(text)} characters; {LONGEST_CARRIER} are allowed.")
    strange = _NOT_PRINTABLE.search(text)
    if strange is not None:
        raise Malformed(
            "character",
            f"Position {strange.start()}: U+{ord(strange.group()):04X} cannot stand in a UDI; "
            "of the control characters only GS (0x1D) can.",
        )
    if not text.strip(" " + SEPARATOR):
        raise Malformed("empty", "The carrier is empty: scan or type the whole label.")


def _dispatch(text: str, *, symbology: str, carrier: str, today: date) -> Udi:
    # HIBCC first and unstripped: its check character may be the space at the end.
    if symbology in _GTIN_SYMBOLOGIES:
        return parse_gtin(text.strip(" "), carrier=carrier)
    if symbology not in _GS1_SYMBOLOGIES:
        if text.startswith("+"):
            return parse_hibcc(text, carrier=carrier, today=today)
        if text.startswith("*+") and text.endswith("*"):  # Code 39 prints its start and stop as stars
            return parse_hibcc(text[1:-1], carrier=carrier, today=today)
    text = text.strip(" ")
    if _HL7_AMPERSAND in text:
        unescaped = _dispatch(
            text.replace(_HL7_AMPERSAND, "&"), symbology=symbology, carrier=carrier, today=today
        )
        message = "HL7's escape \\T\\ was read as &."
        return replace(
            unescaped, findings=(*unescaped.findings, Finding("udi.hl7_escape", Severity.NOTICE, message))
        )
    if symbology in _GS1_SYMBOLOGIES:
        return parse_gs1(text, carrier=carrier, today=today)
    if text.startswith(("=", "&")):
        return parse_iccbba(text, carrier=carrier, today=today)
    if text.startswith(("(", "{", SEPARATOR)) or text[:4].lower() == "http":
        return parse_gs1(text, carrier=carrier, today=today)
    if text[:1].isdecimal():
        return parse_bare(text, carrier=carrier, today=today)
    unknown = Malformed(
        "unknown_agency", "Position 0: no GS1, HIBCC or ICCBBA carrier begins like this.", text
    )
    return refused(carrier, None, unknown)
