"""`medtrust demo` as a stranger runs it: what it claims is looked at again, with openssl and our own reader.

Two runs: mosquitto with openssl at hand, and the embedded broker on a machine without either program.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from audit.keys import parse_vkey
from audit.receipt import decode_receipt, verify_receipt
from pki.bundle import open_bundle
from pki.path import Status, VerifyPolicy, verify
from pki.tbs import Certificate
from service import clock
from service.authority import log_origin
from service.pem import read_certificate
from tests.integration.demo_runs import Played, ended, running, start
from tests.tools import require_tool

MISSING = "not checked: openssl is not installed"


@pytest.fixture(scope="module")
def with_mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Played:
    require_tool("mosquitto", "the broker of the demo")
    require_tool("openssl", "the second pair of eyes")
    folder = tmp_path_factory.mktemp("mosquitto")
    return ended(start(folder, "--broker", "mosquitto"), folder)


@pytest.fixture(scope="module")
def on_a_bare_machine(tmp_path_factory: pytest.TempPathFactory) -> Played:
    folder = tmp_path_factory.mktemp("bare")
    return ended(start(folder, "--broker", "embedded", path=str(folder)), folder)


def openssl(*arguments: str | Path) -> tuple[int, str]:
    program = require_tool("openssl", "the second pair of eyes")
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def verified(played: Played, name: str) -> tuple[int, str]:
    lists = played.temporary / "lists.pem"
    texts = [
        openssl("crl", "-inform", "DER", "-in", played.out / each)[1] for each in ("issuing.crl", "root.crl")
    ]
    lists.write_text("".join(texts))
    chain = ("-CAfile", played.out / "root.pem", "-untrusted", played.out / "issuing.pem")
    return openssl("verify", *chain, "-crl_check_all", "-CRLfile", lists, played.out / name)


def assert_all_is_well(played: Played) -> None:
    document = played.document
    assert played.code == 0, played.printed
    assert document["ok"] is True
    assert [step["name"] for step in document["steps"] if not step["ok"]] == []
    assert len(document["steps"]) >= 40
    assert all(step["checked_by"] and step["detail"] for step in document["steps"])
    for figure in ("enroll_ms", "revoke_to_cut_ms", "commit_to_cut_ms", "tamper_to_cut_ms", "renew_ms"):
        assert document["figures"][figure] > 0


def test_every_step_holds_with_mosquitto_and_openssl(with_mosquitto: Played) -> None:
    assert_all_is_well(with_mosquitto)
    witnesses = {by for step in with_mosquitto.document["steps"] for by in step["checked_by"].split(", ")}
    assert {"openssl verify -crl_check_all", "openssl ocsp", "openssl crl", "medtrust verifier"} <= witnesses
    assert MISSING not in with_mosquitto.printed


def test_every_step_holds_without_mosquitto_and_openssl_and_says_who_did_not_look(
    on_a_bare_machine: Played,
) -> None:
    assert_all_is_well(on_a_bare_machine)
    steps = on_a_bare_machine.document["steps"]
    assert not [step for step in steps if "openssl" in step["checked_by"]]
    assert [step for step in steps if MISSING in step["detail"]]
    assert not [step for step in steps if "passes openssl" in step["name"]]


@pytest.fixture(params=["with_mosquitto", "on_a_bare_machine"])
def played(request: pytest.FixtureRequest) -> Played:
    found: Played = request.getfixturevalue(request.param)
    return found


def test_nothing_is_left_running_and_no_key_is_left_lying(played: Played) -> None:
    (played.temporary / "lists.pem").unlink(missing_ok=True)
    assert running(played.temporary) == []
    assert list(played.temporary.iterdir()) == []
    left = {path.name for path in played.out.rglob("*") if path.is_file()}
    assert not [name for name in left if b"PRIVATE KEY" in next(played.out.rglob(name)).read_bytes()]
    assert {"root.pem", "issuing.pem", "pump.pem", "ventilator.pem", "display.pem", "root.crl"} <= left
    assert {"issuing.crl", "trust-bundle.json", "checkpoint", "demo.json", "medtrust.log"} <= left


def test_openssl_agrees_with_what_was_left(played: Played) -> None:
    assert verified(played, "devices/ventilator.pem")[0] == 0
    for name in ("devices/pump.pem", "devices/display.pem"):
        code, said = verified(played, name)
        assert code != 0
        assert "certificate revoked" in said
    _, text = openssl("crl", "-inform", "DER", "-in", played.out / "issuing.crl", "-noout", "-text")
    assert {"Key Compromise", "Certificate Hold", "Superseded"} <= {
        line.strip() for line in text.splitlines()
    }


def test_the_stripped_certificate_passes_openssl_and_not_us(played: Played) -> None:
    assert verified(played, "forged/ventilator-stripped.pem")[0] == 0
    root = read_certificate(played.out / "root.pem")
    bundle = open_bundle((played.out / "trust-bundle.json").read_bytes(), pinned_fingerprint=root.fingerprint)
    issuing = (Certificate.parse(bundle.intermediates[0]),)

    def judged(name: str) -> Status:
        certificate = read_certificate(played.out / name)
        policy = VerifyPolicy(revocation="off")
        return verify(
            certificate, bundle=bundle, now=clock.now(), intermediates=issuing, policy=policy
        ).status

    assert judged("forged/ventilator-stripped.pem") is Status.INVALID
    assert judged("devices/ventilator.pem") is Status.HYBRID_VALID


def test_the_receipt_proves_the_revocation_of_the_pump(played: Played) -> None:
    keys = [parse_vkey(line) for line in (played.out / "log.vkeys").read_text().splitlines()]
    receipt = decode_receipt((played.out / "receipt-pump-revoked.json").read_text())
    origin = log_origin(read_certificate(played.out / "root.pem"))
    leaf = verify_receipt(receipt, origin=origin, keys=keys)
    pump = read_certificate(played.out / "devices/pump.pem")
    assert (leaf.kind, leaf.subject) == ("certificate.revoked", f"{pump.serial:x}")
    assert receipt.checkpoint == (played.out / "checkpoint").read_text()
