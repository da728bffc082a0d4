"""From a box label to a certificate that is trusted, renewed and taken back, over the real wire."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

import pytest

from mqtt_bridge.device import session
from mqtt_bridge.device.device import Device, utc_now
from mqtt_bridge.errors import BrokerRefused
from registry import audit_trail
from registry.model.appraisal import Tier
from registry.model.certificate import CertificateState
from registry.revocation import revoke_device
from service.control import wake
from tests.integration.wire.hospital_running import (
    DISPLAY,
    ENGINEER,
    FIRMWARE,
    RunningHospital,
    eventually,
)
from tests.tools import require_tool


def openssl(*words: str | Path) -> subprocess.CompletedProcess[str]:
    program = require_tool("openssl", "another pair of eyes")
    return subprocess.run(
        [program, *map(str, words)], capture_output=True, text=True, timeout=20, check=False
    )


def said_by_openssl(hospital: RunningHospital, chain: Path, room: Path) -> tuple[str, str]:
    """What `openssl ocsp` and `openssl verify -crl_check` say of a certificate."""
    issuing, root = hospital.home.public / "issuing.pem", hospital.home.public / "root.pem"
    status = hospital.at.status
    ocsp = openssl(
        *("ocsp", "-issuer", issuing, "-cert", chain, "-CAfile", root, "-verify_other", issuing, "-no_nonce"),
        *("-url", f"http://{status.host}:{status.port}/ocsp"),
    )
    crl = room / "issuing.crl.pem"
    crl.write_text(openssl("crl", "-inform", "DER", "-in", hospital.home.public / "issuing.crl").stdout)
    verify = openssl("verify", "-crl_check", "-CRLfile", crl, "-CAfile", root, "-untrusted", issuing, chain)
    return ocsp.stdout + ocsp.stderr, verify.stdout + verify.stderr


def chain_of(device: Device) -> Path:
    home = device._home
    return home.path / str(home.active) / "chain.pem"


def test_the_whole_path(both: RunningHospital, tmp_path: Path) -> None:
    both.know_firmware()
    device_id, device = both.enrolled(DISPLAY)
    assert device.state == "active"
    for _ in range(4):
        device.publish_telemetry(fw={"sha256": FIRMWARE})
    assert eventually(lambda: both.tier(device_id) is Tier.TRUSTED)

    first = device.certificate().certificate_serial
    second = device.renew().certificate_serial
    with both.ports.store.read() as uow:
        states = {int(c.certificate_serial, 16): c.state for c in uow.certificates.of_device(device_id)}
    assert states[int(first, 16)] is CertificateState.SUPERSEDED
    assert states[int(second, 16)] is CertificateState.ACTIVE
    ocsp, verify = said_by_openssl(both, chain_of(device), tmp_path)
    assert ": good" in ocsp
    assert verify.rstrip().endswith(": OK")

    revoke_device(device_id, "keyCompromise", ENGINEER, ports=both.ports)
    report = wake(both.home)
    assert report is not None
    assert device.on_disconnected.wait(2)
    life = session.Life(0.05, 20, utc_now, lambda _text, _error: None)
    with pytest.raises(BrokerRefused) as refused:
        session.run(device, life, threading.Event(), session.Backoff(0.01, 0.1))
    assert refused.value.kind == "refused"
    ocsp, verify = said_by_openssl(both, chain_of(device), tmp_path)
    assert ": revoked" in ocsp
    assert "keyCompromise" in ocsp
    assert "certificate revoked" in verify


def test_the_audit_log_holds_and_verifies(both: RunningHospital) -> None:
    assert both.log_problems() == ()
    kinds = {leaf.kind for _, leaf in audit_trail.entries(ports=both.ports, limit=500)}
    assert {"device.registered", "certificate.confirmed", "device.revoked"} <= kinds
