"""HIBCC secondary data: `$`, `$$` with dates and quantities, `$+` serials, `/S` and `/16D` supplements."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

from registry.identity.label_dates import calendar_day, day_of_year, full_year, month_only, yymmdd
from registry.identity.malformed import Malformed
from registry.model.udi import PartialDate

_Value = TypeVar("_Value", str, PartialDate)

_LONGEST = 18
_WHAT = "HIBCC expiration date"


@dataclass(slots=True)
class Secondary:
    """The production identifiers, filled in part after part."""

    serial_number: str | None = None
    lot_number: str | None = None
    manufactured_date: PartialDate | None = None
    expiration_date: PartialDate | None = None
    expiration_hour: int | None = None
    other: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _DateForm:
    """How many digits follow a date flag, and how they are read into a date and an hour."""

    digits: int
    read: Callable[[str, date], tuple[PartialDate | None, int | None]]


def _mmyy(text: str, today: date) -> tuple[PartialDate, None]:
    return month_only(full_year(int(text[2:4]), today), int(text[:2]), what=_WHAT), None


def _mmddyy(text: str, today: date) -> tuple[PartialDate, None]:
    return yymmdd(text[4:6] + text[:4], today, what=_WHAT), None


def _yymmdd_hour(text: str, today: date) -> tuple[PartialDate, int | None]:
    return yymmdd(text, today, what=_WHAT), _hour(text[6:])


def _yyjjj_hour(text: str, today: date) -> tuple[PartialDate, int | None]:
    return day_of_year(full_year(int(text[:2]), today), int(text[2:5]), what=_WHAT), _hour(text[5:])


def _no_date(_text: str, _today: date) -> tuple[None, None]:
    return None, None


def _hour(text: str) -> int | None:
    if not text:
        return None
    if int(text) > 23:
        raise Malformed("no_such_date", f"{_WHAT}: there is no hour {text}.")
    return int(text)


_FLAGGED = {
    "2": _DateForm(6, _mmddyy),
    "3": _DateForm(6, _yymmdd_hour),
    "4": _DateForm(8, _yymmdd_hour),
    "5": _DateForm(5, _yyjjj_hour),
    "6": _DateForm(7, _yyjjj_hour),
    "7": _DateForm(0, _no_date),
}
_OLDEST = _FLAGGED["5"]
_QUANTITY_DIGITS = {"8": 2, "9": 5}
"""Obsolete since HIBC 2.4 and still printed."""


def read_secondary(text: str, into: Secondary, today: date) -> None:
    """One secondary data structure. Raises Malformed naming what does not fit."""
    if text.startswith("$$+"):
        _take_serial(_read_dated(text[3:], into, today), into)
    elif text.startswith("$$"):
        _take_lot(_read_dated(_read_quantity(text[2:], into), into, today), into)
    elif text.startswith("$+"):
        _take_serial(text[2:], into)
    elif text.startswith("$"):
        _take_lot(text[1:], into)
    else:  # the oldest form: YYJJJ and the lot, no flag
        _take_expiration(_OLDEST, _digits(text, 5), into, today)
        _take_lot(text[5:], into)


def read_supplement(text: str, into: Secondary) -> bool:
    """A part after `/`: serial, dates with a full year, quantity. False where the identifier is not ours."""
    if re.fullmatch(r"1[46]D[0-9]{8}", text):
        year, month, day = int(text[3:7]), int(text[7:9]), int(text[9:11])
        found = calendar_day(year, month, day, what=f"HIBCC {text[:3]}")
        if text.startswith("16D"):
            into.manufactured_date = _same(into.manufactured_date, found, "manufacturing date")
        else:
            into.expiration_date = _same(into.expiration_date, found, "expiration date")
    elif re.match(r"1[46]D", text):
        raise Malformed("hibcc_supplement", f"{text[:3]} is followed by YYYYMMDD.", text)
    elif text.startswith("S"):
        _take_serial(text[1:], into)
    elif re.fullmatch(r"Q[0-9]{1,5}", text):
        into.other.append(("quantity", str(int(text[1:]))))
    else:
        return False
    return True


def _read_quantity(text: str, into: Secondary) -> str:
    count = _QUANTITY_DIGITS.get(text[:1])
    if count is None:
        return text
    into.other.append(("quantity", str(int(_digits(text[1:], count)))))
    return text[1 + count :]


def _read_dated(text: str, into: Secondary, today: date) -> str:
    """Takes the date off the front; what is left is the lot or the serial."""
    form = _FLAGGED.get(text[:1])
    if form is not None:
        text = text[1:]
    elif text[:1] in ("0", "1"):
        form = _DateForm(4, _mmyy)
    elif not text:
        return text
    else:
        raise Malformed("hibcc_date_flag", "After `$$` comes MMYY or a date flag 2 to 9.", text)
    _take_expiration(form, _digits(text, form.digits), into, today)
    return text[form.digits :]


def _take_expiration(form: _DateForm, digits: str, into: Secondary, today: date) -> None:
    found, hour = form.read(digits, today)
    if found is not None:
        into.expiration_date = _same(into.expiration_date, found, "expiration date")
        into.expiration_hour = hour


def _digits(text: str, count: int) -> str:
    taken = text[:count]
    if len(taken) < count or (count and not taken.isdecimal()):
        raise Malformed("hibcc_date", f"{count} digits are expected where the date or quantity stands.", text)
    return taken


def _take_lot(text: str, into: Secondary) -> None:
    if text:
        into.lot_number = _same(into.lot_number, _fitting(text, "lot number"), "lot number")


def _take_serial(text: str, into: Secondary) -> None:
    if not text:
        raise Malformed("hibcc_length", "A serial number is announced and missing.")
    into.serial_number = _same(into.serial_number, _fitting(text, "serial number"), "serial number")


def _fitting(text: str, what: str) -> str:
    if len(text) > _LONGEST:
        raise Malformed(
            "hibcc_length", f"The {what} has {len(text)} characters; HIBCC allows {_LONGEST}.", text
        )
    return text


def _same(already: _Value | None, found: _Value, what: str) -> _Value:
    if already is not None and already != found:
        raise Malformed("hibcc_repeated", f"The {what} stands twice with two values.")
    return found
