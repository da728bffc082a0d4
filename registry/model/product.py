"""What the FDA's records say a product is, and how critical we judge it, with the reasons."""

from __future__ import annotations

from dataclasses import dataclass

from registry.model.criticality import Criticality


@dataclass(frozen=True, slots=True)
class Product:
    """Facts of one device type. None means that the record is silent: unknown, never 'no'."""

    product_code: str | None
    """FDA's three letters, e.g. FRN."""
    device_name: str
    device_class: str | None = None
    """1, 2, 3, N, U or f; None where it is not known."""
    regulation_number: str | None = None
    """21 CFR, e.g. 880.5725."""
    medical_specialty: str | None = None
    life_sustain_support: bool | None = None
    """FDA's flag, one input of several."""
    implant: bool | None = None
    brand_name: str | None = None
    company_name: str | None = None
    version_model_number: str | None = None
    udi_di: str | None = None
    source: str = "seed"
    """Where the facts come from."""


@dataclass(frozen=True, slots=True)
class CriticalityJudgement:
    """A criticality and the sentences that led to it, strongest first."""

    criticality: Criticality
    reasons: tuple[str, ...]
