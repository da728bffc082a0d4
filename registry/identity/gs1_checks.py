"""GS1's two checks: the mod 10 digit of its numeric keys and the mod 1021 pair of a GMN."""

from __future__ import annotations

from collections.abc import Iterable

Element = tuple[str, str]
"""An application identifier and its value, e.g. ("01", "09506000117843")."""

_CSET82 = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
_VALUE82 = {character: value for value, character in enumerate(_CSET82)}
_PAIR = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83)
_LONGEST_GMN = 25

_DIGIT_AT_END_OF = {
    **dict.fromkeys(("01", "02", "03", "8006", "8026", "8003"), 14),
    **dict.fromkeys(("00", "8017", "8018"), 18),
    **dict.fromkeys(("410", "411", "412", "413", "414", "415", "416", "417", "253", "255"), 13),
    "402": 17,
}
"""How many leading digits of the value end in a mod 10 check digit (GS1 syntax dictionary, `csum`)."""
_PAIR_AT_END_OF = frozenset({"8013", "8014"})


def check_digit(payload: str) -> str:
    """The mod 10 digit for a string of ASCII digits (GS1 General Specifications 7.9.1)."""
    weighted = sum(map(int, payload[::-1][0::2])) * 3 + sum(map(int, payload[::-1][1::2]))
    return str(-weighted % 10)


def digit_holds(key: str) -> bool:
    """Whether the last digit of a GTIN, GLN or SSCC is its check digit."""
    return check_digit(key[:-1]) == key[-1]


def check_pair(payload: str) -> str:
    """The two check characters of a GMN for 1-23 characters of CSET 82 (GS1 General Specifications 7.9.5)."""
    total = sum(
        _VALUE82[character] * prime for character, prime in zip(reversed(payload), _PRIMES, strict=False)
    )
    return _PAIR[total % 1021 // 32] + _PAIR[total % 1021 % 32]


def pair_holds(gmn: str) -> bool:
    """Whether a GMN (3-25 characters) ends in its check pair."""
    if not 3 <= len(gmn) <= _LONGEST_GMN or any(character not in _VALUE82 for character in gmn):
        return False
    return check_pair(gmn[:-2]) == gmn[-2:]


def checks(elements: Iterable[Element]) -> dict[str, bool]:
    """Which elements carry a check, and whether it holds."""
    return {
        identifier: _holds(identifier, value)
        for identifier, value in elements
        if identifier in _DIGIT_AT_END_OF or identifier in _PAIR_AT_END_OF
    }


def checks_hold(elements: Iterable[Element]) -> bool | None:
    """Whether every check in the message holds; None where no element carries one."""
    answers = checks(elements)
    return all(answers.values()) if answers else None


def _holds(identifier: str, value: str) -> bool:
    if identifier in _PAIR_AT_END_OF:
        return pair_holds(value)
    return digit_holds(value[: _DIGIT_AT_END_OF[identifier]])
