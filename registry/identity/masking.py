"""Masks for UDI production identifiers: a serial or lot number can lead to a patient."""

from __future__ import annotations

from dataclasses import replace

from registry.model.udi import Udi

_SHORTEST_SHOWN = 8
_EDGE = 2
_PUBLIC_ELEMENTS = frozenset({"lic", "pcn", "unit_of_measure"})
"""Elements of `Udi.other` that describe the product and not one unit of it."""


def masked(text: str) -> str:
    """`SN1234567` as `SN*****67`: two characters at each end stay; under eight characters none do."""
    if len(text) < _SHORTEST_SHOWN:
        return "*" * len(text)
    return text[:_EDGE] + "*" * (len(text) - 2 * _EDGE) + text[-_EDGE:]


def masked_udi(udi: Udi) -> Udi:
    """The same carrier for exports and public artefacts: the DI in clear, every production identifier masked.

    The carrier text holds the production identifiers too: the DI takes its place.
    """
    return replace(
        udi,
        carrier=udi.udi_di or "",
        serial_number=_optional(udi.serial_number),
        lot_number=_optional(udi.lot_number),
        donation_id=_optional(udi.donation_id),
        other=tuple((key, value if key in _PUBLIC_ELEMENTS else masked(value)) for key, value in udi.other),
    )


def _optional(text: str | None) -> str | None:
    return None if text is None else masked(text)
