"""The second half: altered firmware, a revocation, stolen names, a renewal."""

from __future__ import annotations

import time
from contextlib import suppress

from cli.demo import thief
from cli.demo.opening import admit, enroll, list_firmware
from cli.demo.report import Said, looked
from cli.demo.stage import DEVICE, REGISTRY, TAMPERED, Stage, Unit, cannot_return, lost_within, until
from cli.demo.witnesses import GOOD, Expected
from mqtt_bridge.errors import BridgeError
from pki.path import Verdict
from service.pem import to_pem


def tamper(stage: Stage) -> None:
    """The same evidence on two devices: a display that may be cut, and a ventilator that may not."""
    display, ventilator = stage.units["display"], stage.units["ventilator"]
    stage.report.tell("Both report the release they should run, with another SHA-256.")
    began = time.monotonic()
    for unit in (ventilator, display):
        # The cut may come before the broker's acknowledgement.
        with suppress(BridgeError):
            unit.live.publish_telemetry(fw={"sha256": TAMPERED})
    lost, took = lost_within(display, began)
    if took is not None:
        stage.report.figure("tamper_to_cut_ms", took)
    _display_is_held(stage, display, lost)
    _ventilator_is_contained(stage, ventilator)
    stage.explain(display, "Findings", "What follows")
    stage.explain(ventilator, "Findings", "What follows")


def _display_is_held(stage: Stage, display: Unit, lost: Said) -> None:
    held = Expected(revoked=True, reason="certificateHold")
    state = stage.state(display)
    stage.report.check(
        "wall display: held, and its live session cut",
        looked(state == "held", f"device {state}", REGISTRY),
        lost,
        cannot_return(display),
    )
    _status(stage, "wall display: its certificate is on hold for everybody", display, held)


def _ventilator_is_contained(stage: Stage, ventilator: Unit) -> None:
    state = stage.state(ventilator)
    with stage.runtime.store.read() as uow:
        alarms = [a for a in uow.alarms.open(ventilator.id) if a.rule == "trust.firmware.unaltered"]
    before = stage.messages(ventilator)
    ventilator.live.publish_telemetry(fw={"sha256": TAMPERED})
    heard = until(lambda: stage.messages(ventilator) > before)
    stage.report.check(
        "ventilator: contained and alarmed, never cut",
        looked(state == "contained", f"device {state}", REGISTRY),
        looked(
            bool(alarms), "; ".join(f"{a.severity} {a.rule}: {a.message}" for a in alarms), "medtrust alarms"
        ),
        looked(
            ventilator.live.is_connected and heard, "session stands and its telemetry still arrives", DEVICE
        ),
    )
    _status(stage, "ventilator: its certificate stays good", ventilator, GOOD)


def _status(stage: Stage, name: str, unit: Unit, expected: Expected) -> None:
    stage.report.check(
        name,
        stage.verifier.ocsp(unit.known, expected),
        stage.openssl.ocsp(unit.known, expected),
        stage.verifier.crl(unit.known, expected),
        stage.openssl.crl(unit.known, expected),
    )


def revoke(stage: Stage) -> None:
    """A person revokes the pump; the clock runs from the command to the device's own notice."""
    pump = stage.units["pump"]
    stage.report.tell(f"medtrust cert revoke {pump.serial} --reason keyCompromise --yes")
    stage.hospital.command("cert", "show", pump.serial)  # a person looks first; it also loads the command
    began = time.monotonic()
    told = stage.hospital.command("cert", "revoke", pump.serial, "--reason", "keyCompromise", "--yes")
    lost, took = lost_within(pump, began)
    if took is not None:
        stage.report.figure("revoke_to_cut_ms", took)
        stage.report.tell(f"From the command to the cut: {took:.1f} ms.")
    if told["effects"] and told["effects"]["cut_ms"] is not None:
        stage.report.figure("commit_to_cut_ms", told["effects"]["cut_ms"])
    state = stage.state(pump)
    stage.report.check(
        "infusion pump: revoked, and its live session cut",
        looked(state == "revoked", f"device {state}", REGISTRY),
        lost,
        cannot_return(pump),
    )
    _status(stage, "infusion pump: OCSP and CRL say so", pump, Expected(revoked=True, reason="keyCompromise"))
    verdict = stage.verifier.judge(pump.known)
    stage.report.check(
        "infusion pump: its certificate is no longer accepted",
        looked(not verdict.is_valid, f"{verdict.status}: {_why(verdict)}", "medtrust verifier"),
        stage.openssl.verify(pump.known, refused_as="certificate revoked"),
    )


def _why(verdict: Verdict) -> str:
    return "; ".join(f.rule for f in verdict.findings if f.refuses)


def steal(stage: Stage) -> None:
    """A fourth device, rightly registered, tries to be the ventilator in four ways."""
    victim = stage.units["ventilator"]
    monitor = Unit(
        "monitor",
        "patient monitor",
        "human readable text",
        "(01)09521000000049(21)MON-0001",
        "09521000000049",
        "monitoring",
        "ICU-2",
    )
    admit(stage, monitor)
    for name, attempt in (
        ("its own token under the ventilator's name", thief.claims_the_name),
        ("its own token with a request that names the ventilator", thief.asks_for_the_name),
    ):
        stage.report.check(f"patient monitor: {name} is refused", attempt(stage, monitor, victim))
    enroll(stage, monitor)
    list_firmware(stage, monitor)
    stage.report.check(
        "patient monitor: speaking on the ventilator's topic with its own certificate reaches nobody",
        *thief.speaks_for(stage, monitor, victim),
    )
    forged = thief.stripped(victim.known, stage.authority.issuing.key)
    stage.folder.write("forged/ventilator-stripped.pem", to_pem(forged.der))
    verdict = stage.verifier.judge(forged)
    stage.report.tell(
        "A forger with a quantum computer has the issuing CA's classical key: the ventilator's certificate "
        "without its post-quantum half, signed anew."
    )
    passed = stage.openssl.verify(forged)
    contrast = "passes openssl and " if passed.ok is not None else ""
    stage.report.check(
        f"The stripped certificate {contrast}is refused by medtrust",
        passed,
        looked(
            not verdict.is_valid and "hybrid.alternative_signature_missing" in _why(verdict),
            f"{verdict.status}: {_why(verdict)}",
            "medtrust verifier",
        ),
    )


def renew(stage: Stage) -> None:
    """New keys under the current certificate, also for a device that is contained."""
    ventilator = stage.units["ventilator"]
    old = ventilator.known
    began = time.monotonic()
    ventilator.live.renew()
    stage.report.figure("renew_ms", (time.monotonic() - began) * 1000)
    held = stage.keep_certificate(ventilator)
    fresh = old.spki != ventilator.known.spki
    keys = looked(fresh and ventilator.live.is_connected, "new keys, live session under them", DEVICE)
    stage.report.check("ventilator: renewed", keys, held)
    stage.report.check(
        "ventilator: the new certificate is valid",
        stage.verifier.valid(ventilator.known),
        stage.openssl.verify(ventilator.known),
    )
    _status(stage, "ventilator: the new certificate's status is good", ventilator, GOOD)
    gone = Expected(revoked=True, reason="superseded")
    until(lambda: bool(stage.verifier.crl(old, gone).ok))
    stage.report.check(
        "ventilator: the old certificate is superseded",
        stage.verifier.ocsp(old, gone),
        stage.openssl.ocsp(old, gone),
        stage.verifier.crl(old, gone),
        stage.openssl.crl(old, gone),
    )
