"""The first half of the story: a hospital, three labels, three certificates, telemetry."""

from __future__ import annotations

import statistics
import time
from functools import partial
from typing import Final

from cli.demo.report import looked
from cli.demo.stage import FIRMWARE, REGISTRY, Stage, Unit, until
from cli.demo.witnesses import GOOD
from cli.words import colon_hex
from mqtt_bridge.device.device import Device
from pki.tbs import Certificate
from registry import reappraisal
from registry.model.device import device_id
from service import clock

_GS: Final = "\x1d"
_SAMPLES: Final = 4
_FIRMWARE_NAME: Final = ("reference-device", "1.0.0")


def ward() -> dict[str, Unit]:
    """Three devices and their labels, under GS1's prefix for examples (952); one carrier form each."""
    scanned = f"]d2010952100000001817290331 10LOT-7A{_GS}21PUMP-0001".replace(" ", "")
    pump = Unit(
        "pump",
        "infusion pump",
        "GS1 DataMatrix as scanned, with a group separator",
        scanned,
        "09521000000018",
        "therapy",
        "ICU-2",
    )
    ventilator = Unit(
        "ventilator",
        "ventilator",
        "human readable text",
        "(01)09521000000025(11)260301(21)VENT-0001",
        "09521000000025",
        "life_sustaining",
        "ICU-2",
    )
    display = Unit(
        "display",
        "wall display",
        "GS1 Digital Link",
        "https://id.example.org/01/09521000000032/21/WALL-0001",
        "09521000000032",
        "non_clinical",
        "Corridor 4",
    )
    return {unit.name: unit for unit in (pump, ventilator, display)}


def initialise(stage: Stage) -> None:
    """medtrust init, then medtrust up."""
    made = stage.hospital.with_passphrase("init")
    stage.open(made["root_sha256"])
    stage.report.tell(f"Root certificate, SHA-256 {colon_hex(bytes.fromhex(made['root_sha256']))}")
    began = time.monotonic()
    up = stage.hospital.start()
    stage.report.figure("up_ms", (time.monotonic() - began) * 1000)
    stage.report.tell(
        f"medtrust up, process {up['pid']}: broker {up['broker']}, enrolment {up['bootstrap']}, "
        f"operation {up['ops']}, status {up['status']}."
    )
    # MQTT 5 where the broker speaks it: only there can it refuse one message with a reason.
    stage.protocol = "5" if up["broker"] == "mosquitto" else "3.1.1"
    bundle = stage.verifier.bundle()
    root, issuing = Certificate.parse(bundle.anchors[0].certificate), stage.verifier.issuing()
    stage.report.check(
        "The served trust bundle is signed by the root whose fingerprint was written down",
        looked(
            root.fingerprint.hex() == made["root_sha256"], f"version {bundle.version}", "medtrust verifier"
        ),
    )
    stage.report.check(
        "The issuing CA is valid under the root", stage.verifier.valid(issuing), stage.openssl.verify(issuing)
    )


def register(stage: Stage) -> None:
    """Label -> product, criticality with reasons -> a person's yes -> a join token."""
    for unit in stage.units.values():
        admit(stage, unit)


def admit(stage: Stage, unit: Unit) -> None:
    """One device: register, approve, token."""
    stage.report.tell(f"{unit.title}: {unit.carrier}: {unit.label.replace(_GS, '<GS>')}")
    done = stage.hospital.command("device", "register", "--udi", unit.label, "--ward", unit.ward)
    unit.id = done["device_id"]
    read = done["udi_di"] == unit.udi_di and done["created"]
    stage.report.check(
        f"{unit.title}: the label says what it is",
        looked(
            bool(read),
            f"{done['product']}, product code {done['product_code'] or '(none)'}, UDI-DI {done['udi_di']}",
            REGISTRY,
        ),
    )
    reasons = done["criticality_reasons"]
    stage.report.check(
        f"{unit.title}: classified with reasons",
        looked(
            done["criticality"] == unit.criticality and bool(reasons),
            f"{done['criticality']}: {' '.join(reasons)}",
            "medtrust rules",
        ),
    )
    stage.hospital.command("device", "approve", unit.id)
    unit.token = stage.hospital.command("token", "create", unit.id, "--hours", "1")["token"]
    state = stage.state(unit)
    said = f"{unit.id} is {state}, one join token for one hour"
    stage.report.check(f"{unit.title}: approved by a person", looked(state == "approved", said, REGISTRY))


def join(stage: Stage) -> None:
    """Keys made on the device, enrolment over MQTT with TLS, certificates judged by all who can."""
    took = [enroll(stage, unit) for unit in stage.units.values()]
    stage.report.figure("enroll_ms", statistics.median(took))
    stage.report.figure("enroll_slowest_ms", max(took))
    for unit in stage.units.values():
        stage.report.check(
            f"{unit.title}: its certificate is valid",
            stage.verifier.valid(unit.known),
            stage.openssl.verify(unit.known),
        )
        stage.report.check(
            f"{unit.title}: its status is good",
            stage.verifier.ocsp(unit.known, GOOD),
            stage.openssl.ocsp(unit.known, GOOD),
            stage.verifier.crl(unit.known, GOOD),
            stage.openssl.crl(unit.known, GOOD),
        )


def enroll(stage: Stage, unit: Unit) -> float:
    """From the token to a live session; milliseconds."""
    root = (stage.hospital.home.public / "root.pem").read_bytes()
    unit.device = Device(stage.hospital.room(unit.name), root, protocol=stage.protocol)
    stage.opened.callback(unit.device.close)
    began = time.monotonic()
    unit.device.enroll(bootstrap=stage.hospital.bootstrap, token=unit.token, device_id=unit.id)
    took = (time.monotonic() - began) * 1000
    held = stage.keep_certificate(unit)
    session = looked(unit.device.is_connected, f"live session over TLS after {took:.0f} ms", "the device")
    stage.report.check(f"{unit.title}: enrolled over MQTT with TLS", session, held)
    return took


def report_in(stage: Stage) -> None:
    """Reference firmware listed, clean samples sent, trust earned."""
    list_firmware(stage, *stage.units.values())
    for unit in stage.units.values():
        for _ in range(_SAMPLES):
            unit.live.publish_telemetry(fw={"sha256": FIRMWARE})
    for unit in stage.units.values():
        until(partial(_heard, stage, unit))
        seen = reappraisal.view(device_id(unit.id), ports=stage.runtime.ports)
        stage.report.check(
            f"{unit.title}: trusted after clean telemetry",
            looked(seen.tier == "trusted", f"{seen.tier} after {seen.messages} messages", REGISTRY),
        )
    stage.explain(
        stage.units["ventilator"], "Judgements", about=("firmware.", "boot.", "certificate.in_force")
    )


def _heard(stage: Stage, unit: Unit) -> bool:
    return stage.messages(unit) >= _SAMPLES


def list_firmware(stage: Stage, *units: Unit) -> None:
    """The makers' published digests, as reference values."""
    name, version = _FIRMWARE_NAME
    with stage.runtime.store.write() as uow:
        for unit in units:
            uow.trust.add_reference(
                udi_di=unit.udi_di, sha256=FIRMWARE, name=name, version=version, added_at=clock.now()
            )
