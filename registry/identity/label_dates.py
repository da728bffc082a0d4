"""Dates as labels print them: two-digit years, day 00, days of the year. `today` is an argument (rule 1)."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

from registry.identity.malformed import Malformed
from registry.model.finding import Finding, Severity
from registry.model.udi import PartialDate


def full_year(two_digits: int, today: date) -> int:
    """The year within 49 past and 50 coming years (GS1 General Specifications 7.12)."""
    century = today.year - today.year % 100
    ahead = two_digits - today.year % 100
    if ahead > 50:
        return century + two_digits - 100
    if ahead < -49:
        return century + two_digits + 100
    return century + two_digits


def yymmdd(digits: str, today: date, *, what: str) -> PartialDate:
    """GS1 and HIBCC YYMMDD. Raises Malformed for a day that the calendar does not have."""
    return calendar_day(full_year(int(digits[:2]), today), int(digits[2:4]), int(digits[4:6]), what=what)


def yymmd0(digits: str, today: date, *, what: str) -> PartialDate:
    """GS1 YYMMDD where day 00 is the last day of its month."""
    if digits[4:6] != "00":
        return yymmdd(digits, today, what=what)
    year, month = full_year(int(digits[:2]), today), int(digits[2:4])
    first = calendar_day(year, month, 1, what=what)
    return PartialDate(year, month, monthrange(first.year, first.month)[1])


def month_only(year: int, month: int, *, what: str) -> PartialDate:
    """A month without a day: none is invented."""
    calendar_day(year, month, 1, what=what)
    return PartialDate(year, month)


def day_of_year(year: int, day: int, *, what: str) -> PartialDate:
    """The JJJ of YYJJJ and YYYJJJ: 1-366."""
    calendar_day(year, 1, 1, what=what)
    if not 1 <= day <= 365 + (monthrange(year, 2)[1] == 29):
        raise Malformed("no_such_date", f"{what}: {year} has no day {day}.")
    found = date(year, 1, 1) + timedelta(days=day - 1)
    return PartialDate(found.year, found.month, found.day)


def calendar_day(year: int, month: int, day: int, *, what: str) -> PartialDate:
    """A full date, or Malformed naming it."""
    try:
        date(year, month, day)
    except ValueError as refusal:
        raise Malformed(
            "no_such_date", f"{what}: {year:04d}-{month:02d}-{day:02d} is not in the calendar."
        ) from refusal
    return PartialDate(year, month, day)


def future_manufacture(manufactured: PartialDate | None, today: date) -> tuple[Finding, ...]:
    """A warning for a device made after today: two-digit years slide (75 reads as 2075)."""
    if manufactured is None:
        return ()
    if (manufactured.year, manufactured.month, manufactured.day or 1) <= (today.year, today.month, today.day):
        return ()
    message = (
        f"The manufacturing date {manufactured} is in the future; a two-digit year may have slid a century."
    )
    return (Finding("udi.manufactured_in_future", Severity.WARNING, message, str(manufactured)),)
