"""What GS1 elements mean: components, dates, and which element may stand with which."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from registry.identity.gs1_checks import Element, checks
from registry.identity.label_dates import future_manufacture, yymmd0, yymmdd
from registry.identity.malformed import Malformed
from registry.model.finding import Finding, Severity
from registry.model.udi import IssuingAgency, PartialDate, Udi

_ANY_GTIN = ("01", "02", "03", "8006", "8026")
_REQUIRES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("10", "11", "12", "13", "15", "16", "20", "240", "241"), _ANY_GTIN),
    "17": (*_ANY_GTIN, "255"),
    "21": ("01", "03", "8006"),
    "22": ("01",),
    "235": ("01",),
    "242": ("01", "02", "8006", "8026"),
    "243": ("01", "03"),
    "30": ("01", "02"),
    "02": ("37",),
    "8012": ("01", "03", "8006"),
    "8014": ("01",),
    **dict.fromkeys(("710", "711", "712", "713", "714", "715", "716", "717"), ("01",)),
}
"""One of these must stand with the identifier (GS1 syntax dictionary, `req`), as far as devices carry it."""
_EXCLUDES: dict[str, tuple[str, ...]] = {
    "01": ("255", "37"),
    "02": ("01", "03"),
    "03": ("01", "02", "37", "235"),
    "21": ("235",),
    "8006": ("01", "03", "37"),
}
"""None of these may stand with the identifier (`ex`)."""
_DATES = frozenset({"11", "12", "13", "15", "16", "17"})
_DATES_WITH_TIME = frozenset({"7003", "8008"})
_FIELDS = frozenset({"01", "10", "11", "17", "21", "8012"})
_DI_OTHERWISE = {"03": 14, "8006": 14, "8013": 25}
"""Keys that name the product where no (01) does, and how much of the value: a GMN names a model."""


def meaning(elements: Sequence[Element], *, carrier: str, today: date) -> Udi:
    """The Udi that the elements add up to. Raises Malformed for a contradiction or an impossible date."""
    found = _once_each(elements)
    dates, notices = _dates(found, today)
    manufactured = dates.get("11") or dates.get("8008")
    answers = checks(found.items())
    return Udi(
        carrier=carrier,
        agency=IssuingAgency.GS1,
        well_formed=True,
        check_ok=all(answers.values()) if answers else None,
        udi_di=_di(found),
        serial_number=found.get("21"),
        lot_number=found.get("10"),
        manufactured_date=manufactured,
        expiration_date=dates.get("17") or dates.get("7003"),
        software_version=found.get("8012"),
        basic_udi_di=found.get("8014") or found.get("8013"),
        other=tuple((key, value) for key, value in found.items() if key not in _FIELDS),
        findings=(
            *_check_findings(answers, found),
            *future_manufacture(manufactured, today),
            *notices,
            *_associations(found),
        ),
    )


def _once_each(elements: Sequence[Element]) -> dict[str, str]:
    """An element may be printed twice with one value; two values contradict each other."""
    found: dict[str, str] = {}
    for identifier, value in elements:
        if found.setdefault(identifier, value) != value:
            raise Malformed("gs1_repeated", f"({identifier}) stands twice with two values.", value)
    return found


def _di(found: dict[str, str]) -> str | None:
    if "01" in found:
        return found["01"]
    return next((found[key][:length] for key, length in _DI_OTHERWISE.items() if key in found), None)


def _dates(found: dict[str, str], today: date) -> tuple[dict[str, PartialDate], list[Finding]]:
    dates: dict[str, PartialDate] = {}
    notices: list[Finding] = []
    for identifier in _DATES_WITH_TIME & found.keys():
        dates[identifier] = yymmdd(found[identifier], today, what=f"({identifier})")
    for identifier in _DATES & found.keys():
        dates[identifier] = yymmd0(found[identifier], today, what=f"({identifier})")
        if found[identifier].endswith("00"):
            message = f"({identifier}) names no day: the last day of the month is meant."
            notices.append(Finding("udi.day_zero", Severity.NOTICE, message, found[identifier]))
    return dates, sorted(notices, key=lambda finding: finding.message)


def _check_findings(answers: dict[str, bool], found: dict[str, str]) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            "udi.check_fails",
            Severity.WARNING,
            f"The check of ({key}) does not hold: compare the number with the label before trusting it.",
            found[key][:14],  # what follows a key's digits may be a serial number
        )
        for key, holds in answers.items()
        if not holds
    )


def _associations(found: dict[str, str]) -> tuple[Finding, ...]:
    """Association rules are warnings: a label in two symbols gives one half per scan."""
    messages = [
        f"({key}) must stand with one of ({'), ('.join(needed)})."
        for key in found
        if (needed := _REQUIRES.get(key)) is not None and found.keys().isdisjoint(needed)
    ]
    messages += [
        f"({key}) and ({other}) exclude each other."
        for key in found
        for other in _EXCLUDES.get(key, ())
        if other in found
    ]
    return tuple(Finding("udi.gs1_association", Severity.WARNING, message) for message in messages)
