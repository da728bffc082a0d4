"""Reads GS1 carriers into elements: scans, HRI, braces, Digital Links. The only file that imports biip.

biip gives the table of application identifiers, their patterns and the Digital Link grammar. Its message
parser is not used: it accepts a missing separator and reads the year from the wall clock.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from urllib.parse import parse_qsl, urlsplit

from biip import ParseConfig, ParseError
from biip.gs1_application_identifiers import GS1ApplicationIdentifier
from biip.gs1_digital_link_uris import GS1DigitalLinkURI

from registry.identity.gs1_checks import Element, checks_hold
from registry.identity.gs1_meaning import meaning
from registry.identity.malformed import Malformed, refused
from registry.model.udi import IssuingAgency, Udi

SEPARATOR = "\x1d"
_HRI_IDENTIFIER = {"(": re.compile(r"\(([0-9]{2,4})\)"), "{": re.compile(r"\{([0-9]{2,4})\}")}
_DATES_ARE_OURS = ParseConfig(gs1_element_strings_verify_date=False)


def parse_gs1(text: str, *, carrier: str, today: date) -> Udi:
    """A GS1 message: `text` is the carrier without its symbology identifier. Never raises for a bad label."""
    elements: list[Element] = []
    try:
        if text[:1] in _HRI_IDENTIFIER:
            _read_hri(text, elements)
        elif text[:4].lower() == "http":
            _read_digital_link(text, elements)
        else:
            _read_scan(text, elements)
        return meaning(elements, carrier=carrier, today=today)
    except Malformed as problem:
        return refused(carrier, IssuingAgency.GS1, problem, check_ok=checks_hold(elements))


def begins_with_element(text: str) -> bool:
    """Whether a whole, well-formed element stands at the start of a scan."""
    format_ = _format_of(text[:4])
    return format_ is not None and format_.pattern.match(text.split(SEPARATOR, 1)[0]) is not None


class _Format:
    """One application identifier with its compiled pattern."""

    __slots__ = ("identifier", "needs_separator", "pattern", "title")

    def __init__(self, source: GS1ApplicationIdentifier) -> None:
        self.identifier = source.ai
        self.needs_separator = source.separator_required
        self.title = source.data_title
        # The anchors go: the pattern is matched at a place inside a segment. biip's \\d would take any digit.
        self.pattern = re.compile(source.pattern.removeprefix("^").removesuffix("$"), re.ASCII)


@lru_cache(maxsize=4096)
def _format_of(head: str) -> _Format | None:
    """The identifier that the first four characters begin with: no identifier is a prefix of another."""
    try:
        return _Format(GS1ApplicationIdentifier.extract(head))
    except ParseError:
        return None


def _read_scan(text: str, elements: list[Element]) -> None:
    """Superfluous separators are tolerated anywhere between elements; a missing one is refused."""
    start = 0
    for segment in text.split(SEPARATOR):
        at = 0
        while at < len(segment):
            format_, value = _element_at(segment, at, place=start + at)
            elements.append((format_.identifier, value))
            at += len(format_.identifier) + len(value)
            if format_.needs_separator and at < len(segment):
                _refuse_run_on(format_, value, place=start + at)
        start += len(segment) + 1
    if not elements:
        raise Malformed("empty", "The carrier holds no element.")


def _element_at(segment: str, at: int, *, place: int) -> tuple[_Format, str]:
    format_ = _format_of(segment[at : at + 4])
    if format_ is None:
        rest = segment[at:]
        raise Malformed(
            "gs1_unknown_identifier",
            f"Position {place}: no GS1 application identifier begins here. "
            "A separator may be missing before it, or a character may have been lost.",
            rest,
        )
    match = format_.pattern.match(segment, at)
    if match is None:
        raise _bad_value(format_, segment[at + len(format_.identifier) :], place)
    return format_, match.group(0)[len(format_.identifier) :]


def _bad_value(format_: _Format, value: str, place: int) -> Malformed:
    return Malformed(
        "gs1_bad_value",
        f"Position {place}: the value of ({format_.identifier}) {format_.title} "
        "has the wrong length or characters.",
        value,
    )


def _refuse_run_on(format_: _Format, value: str, *, place: int) -> None:
    raise Malformed(
        "gs1_missing_separator",
        f"Position {place}: ({format_.identifier}) {format_.title} ends without a separator "
        "and more follows. Let the scanner send FNC1 as GS (0x1D).",
        value,
    )


def _read_hri(text: str, elements: list[Element]) -> None:
    """`(01)...(10)...` and FHIR's `{01}...`: every character belongs to an identifier or to its value."""
    joined = text.replace(" ", "")  # a space is in no GS1 value: it comes from printing
    parts = _HRI_IDENTIFIER[joined[0]].split(joined)
    if parts[0]:
        raise Malformed("gs1_unknown_identifier", "Position 0: an application identifier has 2 to 4 digits.")
    place = 0
    for identifier, value in zip(parts[1::2], parts[2::2], strict=True):
        elements.append((identifier, _hri_value(identifier, value, place=place)))
        place += len(identifier) + 2 + len(value)


def _hri_value(identifier: str, value: str, *, place: int) -> str:
    format_ = _format_of(identifier)
    if format_ is None or format_.identifier != identifier:
        raise Malformed(
            "gs1_unknown_identifier", f"Position {place}: ({identifier}) is no GS1 application identifier."
        )
    if format_.pattern.fullmatch(identifier + value) is None:
        raise _bad_value(format_, value, place)
    return value


def _read_digital_link(text: str, elements: list[Element]) -> None:
    """GS1 Digital Link URI syntax; a query that names one identifier twice is refused, not settled."""
    try:
        keys = [key for key, _ in parse_qsl(urlsplit(text).query)]
        link = GS1DigitalLinkURI.parse(text, config=_DATES_ARE_OURS)
    except (ParseError, ValueError) as refusal:  # ValueError: urlsplit, for a broken host
        raise Malformed(
            "gs1_digital_link", "The address is no GS1 Digital Link with readable values."
        ) from refusal
    elements.extend((element.ai.ai, element.value) for element in link.element_strings)
    twice = sorted({key for key in keys if keys.count(key) > 1} & {identifier for identifier, _ in elements})
    if twice:
        raise Malformed("gs1_repeated", f"({twice[0]}) stands more than once in the query.")
