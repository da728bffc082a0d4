"""Masks for UDI production identifiers: a serial or lot number can lead to a patient."""

from __future__ import annotations

_SHORTEST_SHOWN = 8
_EDGE = 2


def masked(text: str) -> str:
    """`SN1234567` as `SN*****67`: two characters at each end stay; under eight characters none do."""
    if len(text) < _SHORTEST_SHOWN:
        return "*" * len(text)
    return text[:_EDGE] + "*" * (len(text) - 2 * _EDGE) + text[-_EDGE:]
