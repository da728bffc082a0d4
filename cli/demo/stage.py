"""The people, devices and tools of the story, handed from chapter to chapter."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final, Literal

from cli.demo.errors import StoryBroken
from cli.demo.hospital import Hospital
from cli.demo.output_folder import OutputFolder
from cli.demo.report import Report, Said, looked
from cli.demo.witnesses import OpenSsl, Verifier
from mqtt_bridge.device.device import Device
from mqtt_bridge.errors import BridgeError
from pki.tbs import Certificate
from registry import reappraisal
from registry.lookup import get_device
from registry.model.certificate import CertificateRecord, of_int
from registry.model.device import DeviceState, device_id
from service.authority import Authority, unlock
from service.pem import to_pem
from service.runtime import Runtime, open_runtime

FIRMWARE: Final = "ab" * 32
"""SHA-256 of the release that each product's maker has published, as the story has it."""
TAMPERED: Final = "66" * 32
REGISTRY: Final = "medtrust registry"
DEVICE: Final = "the device"


@dataclass(slots=True)
class Unit:
    """One device on the ward."""

    name: str
    title: str
    carrier: str
    """In words, how its label is written."""
    label: str
    udi_di: str
    criticality: str
    """As the rules must find it."""
    ward: str
    id: str = ""
    token: str = ""
    device: Device | None = None
    certificate: Certificate | None = None

    @property
    def live(self) -> Device:
        """The enrolled device. StoryBroken where it never came to that."""
        if self.device is None:
            raise StoryBroken(f"The {self.title} did not enrol.", field=self.name)
        return self.device

    @property
    def known(self) -> Certificate:
        """Its certificate. StoryBroken as above."""
        if self.certificate is None:
            raise StoryBroken(f"The {self.title} has no certificate.", field=self.name)
        return self.certificate

    @property
    def serial(self) -> str:
        """Its certificate's serial number in the stored form."""
        return of_int(self.known.serial)


@dataclass(slots=True)
class Stage:
    """Everything a chapter may use."""

    report: Report
    hospital: Hospital
    folder: OutputFolder
    openssl: OpenSsl
    opened: ExitStack
    """Closed when the story ends, however it ends."""
    units: dict[str, Unit]
    protocol: Literal["5", "3.1.1"] = "5"
    _runtime: Runtime | None = None
    _verifier: Verifier | None = None
    _authority: Authority | None = field(default=None, repr=False)

    def open(self, root_sha256: str) -> None:
        """After the ceremony: the registry, and a relying party that pins the root's fingerprint."""
        self._runtime = self.opened.enter_context(open_runtime(self.hospital.home))
        self._verifier = Verifier(self.hospital, bytes.fromhex(root_sha256))

    @property
    def runtime(self) -> Runtime:
        """The hospital's registry."""
        if self._runtime is None:
            raise StoryBroken("The hospital was not initialised.", field="home")
        return self._runtime

    @property
    def verifier(self) -> Verifier:
        """Our relying party."""
        if self._verifier is None:
            raise StoryBroken("The hospital was not initialised.", field="root")
        return self._verifier

    @property
    def authority(self) -> Authority:
        """The CA's keys: for the log's checkpoint, and for the forger who is given one of them."""
        if self._authority is None:
            self._authority = unlock(self.hospital.home, self.runtime.settings, self.hospital.passphrase)
        return self._authority

    def state(self, unit: Unit) -> DeviceState:
        """Where the registry has it."""
        with self.runtime.store.read() as uow:
            return get_device(unit.id, uow).state

    def record(self, serial: str) -> CertificateRecord:
        """The registry's row of a certificate. StoryBroken where there is none."""
        with self.runtime.store.read() as uow:
            found = uow.certificates.get(serial)
        if found is None:
            raise StoryBroken(f"The registry knows no certificate {serial}.", field="certificate_serial")
        return found

    def keep_certificate(self, unit: Unit) -> Said:
        """The certificate in use, into devices/; whether device and registry hold the same."""
        told = unit.live.certificate()
        record = self.record(told.certificate_serial)
        unit.certificate = Certificate.parse(record.der or b"")
        if unit.name in DEVICE_FILES:
            self.folder.write(f"devices/{unit.name}.pem", to_pem(unit.certificate.der))
        same = unit.certificate.fingerprint.hex() == told.fingerprint
        return looked(
            same and record.state == "active", f"certificate {unit.serial} is {record.state}", REGISTRY
        )

    def messages(self, unit: Unit) -> int:
        """Accepted telemetry so far."""
        with self.runtime.store.read() as uow:
            found = uow.trust.get(unit.id)
        return found.messages if found else 0

    def explain(self, unit: Unit, *titles: str, about: tuple[str, ...] = ("",)) -> None:
        """The registry's own words on a device's trust: these sections, lines about these rules."""
        told = reappraisal.view(device_id(unit.id), ports=self.runtime.ports).explanation
        sections = [section for section in told.sections if section.title in titles]
        lines = [line for s in sections for line in s.lines if any(rule in line for rule in about)]
        self.report.explain(f"medtrust on the {unit.title}: {told.headline}", lines)


DEVICE_FILES: Final = ("pump", "ventilator", "display")
"""Those whose certificates are left to look at."""


def until(true: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Whether it became true in time."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def lost_within(unit: Unit, began: float, seconds: float = 5.0) -> tuple[Said, float | None]:
    """Whether the device itself saw its session end, and how many milliseconds after `began`."""
    loss = unit.live.on_disconnected
    if not loss.wait(seconds) or loss.at is None:
        return looked(False, f"its session still stands after {seconds:g} s", DEVICE), None
    took = (loss.at - began) * 1000
    return looked(not unit.live.is_connected, f"session lost after {took:.0f} ms", DEVICE), took


def cannot_return(unit: Unit) -> Said:
    """What happens when it connects again."""
    try:
        unit.live.connect()
    except BridgeError as no:
        return looked(no.kind == "refused", f"connects again: {no.problem}", DEVICE)
    return looked(False, "connected again", DEVICE)
