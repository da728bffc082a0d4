"""A parsed UDI carrier: what it says, whether it is well formed and whether its check holds, apart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from registry.model.finding import Finding


class IssuingAgency(StrEnum):
    """The FDA-accredited agencies."""

    GS1 = "gs1"
    HIBCC = "hibcc"
    ICCBBA = "iccbba"


@dataclass(frozen=True, slots=True)
class PartialDate:
    """A label's date with the precision it was printed with: no day is invented."""

    year: int
    month: int
    day: int | None = None

    def __str__(self) -> str:
        day = "" if self.day is None else f"-{self.day:02d}"
        return f"{self.year:04d}-{self.month:02d}{day}"

    def as_date(self) -> date | None:
        """The calendar date, or None where the label names no day."""
        return None if self.day is None else date(self.year, self.month, self.day)


@dataclass(frozen=True, slots=True)
class Udi:
    """One carrier, parsed. `udi_di` is in the form GUDID lists it (GTIN-14; HIBCC LIC+PCN+UoM)."""

    carrier: str
    """The input as it came, separators and all."""
    agency: IssuingAgency | None
    well_formed: bool
    check_ok: bool | None
    """None where the carrier has no check to hold or it could not be reached."""
    udi_di: str | None = None
    serial_number: str | None = None
    """The device's serial number (UDI-PI): may identify a patient, masked outside the registry."""
    lot_number: str | None = None
    manufactured_date: PartialDate | None = None
    expiration_date: PartialDate | None = None
    software_version: str | None = None
    other: tuple[tuple[str, str], ...] = ()
    """Further elements as (identifier, value) in label order."""
    findings: tuple[Finding, ...] = ()
    expiration_hour: int | None = None
    """0-23; only HIBCC prints one."""
    donation_id: str | None = None
    """ICCBBA's donation identification number: points at a donor, masked like a serial number."""
    basic_udi_di: str | None = None
    """The EU's model key (GS1 GMN): never on a label, kept apart from the UDI-DI."""

    @property
    def may_be_verified(self) -> bool:
        """A carrier that is ill formed or fails its check is kept and shown, and never called verified."""
        return self.well_formed and self.check_ok is not False
