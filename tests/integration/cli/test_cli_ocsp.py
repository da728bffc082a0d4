"""`medtrust ocsp query` against our responder, openssl's, and ones that lie, break off or are not there."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pki.cert_id import CertId
from pki.ocsp import (
    GOOD,
    NEVER_ISSUED,
    UNKNOWN,
    Responder,
    ResponseStatus,
    SingleAnswer,
    build_response,
    error_response,
)
from pki.ocsp_response import CertStatus
from pki.tbs import Certificate
from pki.trust_anchor import key_fingerprint
from registry.revocation import hold_certificate, revoke_certificate
from service import clock
from service.authority import Signing
from service.ocsp_query import Question, ask
from service.pem import from_pem_or_der
from tests.integration.cli.conftest import Answer, Cli, assert_refused
from tests.integration.status_consumed import away, cli, consumed, free_port, pem_file
from tests.integration.status_served import Served
from tests.odd_server import answer, odd_server, says
from tests.tools import require_tool
from tests.unit.service.status_fixtures import WHO

__all__ = ["away", "cli", "consumed"]

HOUR = timedelta(hours=1)


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def rules(said: Answer) -> list[str]:
    return [finding["rule"] for finding in said.json["findings"] if finding["severity"] == "error"]


@pytest.fixture
def pump(consumed: Served, tmp_path: Path) -> Path:
    """A good certificate in a file."""
    return pem_file(consumed.certify(), tmp_path)


@pytest.mark.parametrize("digest", ["sha1", "sha256", "sha384", "sha512"])
@pytest.mark.parametrize("nonce", ["--nonce", "--no-nonce"])
def test_good_is_zero_and_says_how_it_was_said(
    cli: Cli, consumed: Served, pump: Path, digest: str, nonce: str
) -> None:
    said = cli.done("ocsp", "query", pump, "--hash", digest, nonce)
    assert (said["status"], said["nonce"]) == ("good", "echoed" if nonce == "--nonce" else "not asked")
    assert said["responder"] == "CN=medtrust OCSP responder"
    assert said["algorithm"] == "ecdsa-with-sha256"
    assert said["url"] == f"http://127.0.0.1:{consumed.address.port}/ocsp"
    assert said["this_update"] <= said["next_update"]
    assert said["bytes"] > 200
    assert said["milliseconds"] > 0
    assert "since" not in said


def test_a_person_reads_a_table(cli: Cli, pump: Path) -> None:
    said = cli("ocsp", "query", pump)
    assert said.code == 0
    lines = dict(line.split("  ", 1) for line in said.out.splitlines() if "  " in line.strip())
    assert lines["status"].strip() == "good"
    assert "notice: ocsp.signature_classical_only" in said.out


def test_a_serial_of_ours_is_enough(cli: Cli, consumed: Served) -> None:
    record = consumed.certify()
    assert cli.done("ocsp", "query", record.certificate_serial)["status"] == "good"
    assert_refused(cli("ocsp", "query", "1234567890abcdef"), 4, "1234567890abcdef")


def test_a_revocation_is_three_with_reason_and_time(cli: Cli, consumed: Served, tmp_path: Path) -> None:
    record = consumed.certify()
    revoke_certificate(record.certificate_serial, "keyCompromise", WHO, ports=consumed.runtime.ports)
    time.sleep(0.5)
    said = cli("ocsp", "query", pem_file(record, tmp_path), "--json")
    assert (said.code, said.json["status"], said.json["reason"]) == (3, "revoked", "key_compromise")
    assert said.json["since"] <= said.json["this_update"]
    assert rules(said) == []


def test_a_hold_is_three_and_called_so(cli: Cli, consumed: Served) -> None:
    record = consumed.certify()
    hold_certificate(record.certificate_serial, WHO, ports=consumed.runtime.ports)
    time.sleep(0.5)
    said = cli("ocsp", "query", record.certificate_serial, "--json")
    assert (said.code, said.json["status"]) == (3, "on hold")


def test_the_day_after_is_answered_with_ml_dsa(cli: Cli, pump: Path) -> None:
    said = cli.done("ocsp", "query", pump, "--pq")
    assert (said["status"], said["algorithm"], said["findings"]) == ("good", "ml-dsa-65", [])


def test_a_bundle_is_enough_where_there_is_no_home(away: Cli, consumed: Served, pump: Path) -> None:
    bundle = consumed.home.public / "trust-bundle.json"
    pin = consumed.authority.root.fingerprint.hex()
    said = away("ocsp", "query", pump, "--bundle", bundle, "--root-fingerprint", pin, "--pq", "--json")
    assert (said.code, said.json["status"], said.err) == (0, "good", "")
    unpinned = away("ocsp", "query", pump, "--bundle", bundle)
    assert unpinned.code == 0
    assert "only agrees with itself" in unpinned.err
    another = away("ocsp", "query", pump, "--bundle", bundle, "--root-fingerprint", "00" * 32)
    assert_refused(another, 3, "no anchor that is trusted")
    assert_refused(away("ocsp", "query", pump), 4, "There is no CA")


def test_an_issuer_that_is_named_is_believed_and_another_is_not(
    away: Cli, consumed: Served, pump: Path
) -> None:
    public = consumed.home.public
    assert away.done("ocsp", "query", pump, "--issuer", public / "issuing.pem")["status"] == "good"
    said = away("ocsp", "query", pump, "--issuer", public / "root.pem", "--json")
    assert (said.code, said.json["status"]) == (3, "not asked")
    assert "path.no_path_to_a_trust_anchor" in rules(said)


def test_a_certificate_that_names_nobody_is_told_what_to_do(cli: Cli, consumed: Served) -> None:
    said = cli("ocsp", "query", consumed.home.public / "root.pem")
    assert_refused(said, 2, "names no OCSP responder", "--url", "crl fetch --from-cert")
    asked = cli("ocsp", "query", consumed.home.public / "root.pem", "--url", "http://127.0.0.1:1/", "--json")
    assert (asked.code, rules(asked)) == (3, ["ocsp.nobody_to_ask"])


def test_a_forgery_with_a_good_certificates_serial_is_not_asked_about(
    cli: Cli, pump: Path, tmp_path: Path
) -> None:
    der = pem_der(pump)
    forged = tmp_path / "forged.der"
    forged.write_bytes(der[:-1] + bytes((der[-1] ^ 1,)))
    said = cli("ocsp", "query", forged, "--json")
    assert (said.code, said.json["status"]) == (3, "not asked")
    assert "path.signature_invalid" in rules(said)


def test_a_responder_whose_key_was_withdrawn_is_not_believed(consumed: Served, pump: Path) -> None:
    gone = key_fingerprint(consumed.authority.default.ocsp_ecdsa.certificate.spki)
    question = Question(certificate=Certificate.parse(pem_der(pump)), issuer=consumed.issuer)
    url = f"http://127.0.0.1:{consumed.address.port}/ocsp"
    assert ask(url, question, clock.now).believed is not None
    answered = ask(url, replace(question, withdrawn=(gone,)), clock.now)
    assert answered.believed is None
    assert "ocsp.delegate_key_withdrawn" in [finding.rule for finding in answered.findings]


# A responder in a test's hands: everything below is signed by our delegate, or pretends to be.


def signed(
    consumed: Served, pump: Path, status: CertStatus = GOOD, *, by: Signing | None = None, **how: object
) -> bytes:
    """A response about the pump by our own delegate's key, or another's."""
    who = by or consumed.authority.default.ocsp_ecdsa
    certificate = Certificate.parse(pem_der(pump))
    moment = now()
    single = SingleAnswer(
        CertId.of(consumed.issuer, certificate.serial).der,
        status,
        how.get("this_update", moment),  # type: ignore[arg-type]
        how.get("next_update", moment + HOUR),  # type: ignore[arg-type]
        how.get("archive_cutoff"),  # type: ignore[arg-type]
    )
    return build_response(
        answers=[single],
        responder=Responder(who.certificate, who.key.classical),
        produced_at=how.get("produced_at", moment),  # type: ignore[arg-type]
        extended_revoke=status == NEVER_ISSUED,
    )


def pem_der(path: Path) -> bytes:
    return from_pem_or_der(path.read_bytes())[0]


def asked(cli: Cli, pump: Path, response: bytes, *options: str) -> Answer:
    """What the query makes of that response; without a nonce unless told."""
    with odd_server(says(answer(response, "Content-Type: application/ocsp-response"))) as url:
        return cli("ocsp", "query", pump, "--url", url, *(options or ("--no-nonce",)), "--json")


def test_the_hand_made_responder_is_believed_and_its_archive_shown(
    cli: Cli, consumed: Served, pump: Path
) -> None:
    cutoff = now() - 365 * 24 * HOUR
    said = asked(cli, pump, signed(consumed, pump, archive_cutoff=cutoff))
    assert (said.code, said.json["status"]) == (0, "good")
    assert datetime.fromisoformat(said.json["archive_cutoff"]) == cutoff


@pytest.mark.parametrize(("status", "word"), [(UNKNOWN, "unknown"), (NEVER_ISSUED, "never issued")])
def test_what_is_neither_good_nor_revoked_is_three(
    cli: Cli, consumed: Served, pump: Path, status: CertStatus, word: str
) -> None:
    said = asked(cli, pump, signed(consumed, pump, status))
    assert (said.code, said.json["status"], rules(said)) == (3, word, [])


def test_nothing_that_does_not_verify_is_shown_as_a_status(cli: Cli, consumed: Served, pump: Path) -> None:
    good, moment = signed(consumed, pump), now()
    lies = {
        "ocsp.signature_invalid": good.replace(b"\x80\x00", b"\x82\x00"),
        "ocsp.answer_lapsed": signed(
            consumed,
            pump,
            this_update=moment - 2 * HOUR,
            next_update=moment - HOUR,
        ),
        "ocsp.response_from_the_future": signed(consumed, pump, produced_at=moment + HOUR),
        "ocsp.certificate_not_answered": signed(consumed, pem_file(consumed.certify(), pump.parent)),
        "ocsp.delegate_without_ocsp_signing": signed(consumed, pump, by=consumed.authority.registry),
    }
    for rule, response in lies.items():
        said = asked(cli, pump, response)
        assert said.code == 3, rule
        assert rule in rules(said)
        assert said.json["status"] == "not believed"
        assert "this_update" not in said.json


def test_a_clock_a_little_ahead_is_no_lie(cli: Cli, consumed: Served, pump: Path) -> None:
    soon = now() + timedelta(minutes=2)
    said = asked(cli, pump, signed(consumed, pump, this_update=soon, produced_at=soon))
    assert (said.code, said.json["status"]) == (0, "good")


def test_an_answer_for_everybody_is_not_one_for_us(cli: Cli, consumed: Served, pump: Path) -> None:
    said = asked(cli, pump, signed(consumed, pump), "--nonce")
    assert (said.code, said.json["status"], said.json["nonce"]) == (3, "not believed", "missing")
    assert rules(said) == ["ocsp.nonce_missing"]


def test_a_classical_answer_is_not_believed_on_the_day_after(cli: Cli, consumed: Served, pump: Path) -> None:
    said = asked(cli, pump, signed(consumed, pump), "--no-nonce", "--pq")
    assert (said.code, rules(said)) == (3, ["ocsp.signature_not_post_quantum"])


@pytest.mark.parametrize("status", [ResponseStatus.UNAUTHORIZED, ResponseStatus.MALFORMED_REQUEST])
def test_a_refusal_is_three(cli: Cli, pump: Path, status: ResponseStatus) -> None:
    said = asked(cli, pump, error_response(status))
    assert (said.code, rules(said)) == (3, ["ocsp.response_not_successful"])
    assert said.json["response_status"] == status.name.lower()


@pytest.mark.parametrize(
    ("response", "word"),
    [
        (error_response(ResponseStatus.TRY_LATER), "answers tryLater"),
        (error_response(ResponseStatus.INTERNAL_ERROR), "answers internalError"),
        (b"<html>login</html>", "no OCSP response"),
        (b"", "no OCSP response"),
        (b"\x30\x03\x0a\x01\x07", "no OCSP response"),
        (b"x" * (1024 * 1024 + 1), "more than 1048576 octets"),
    ],
)
def test_a_responder_that_does_not_answer_is_six(cli: Cli, pump: Path, response: bytes, word: str) -> None:
    with odd_server(says(answer(response))) as url:
        said = cli("ocsp", "query", pump, "--url", url, "--no-nonce")
    assert_refused(said, 6, word, url.rpartition("/")[0])


def test_nobody_there_is_six_and_no_url_is_two(cli: Cli, pump: Path) -> None:
    nobody = f"http://127.0.0.1:{free_port()}/ocsp"
    assert_refused(cli("ocsp", "query", pump, "--url", nobody), 6, nobody, "Connection refused")
    assert_refused(cli("ocsp", "query", pump, "--url", "file:///etc/passwd"), 2, "no http or https URL")


# openssl as the other side: its CA, its responder.


def openssl(folder: Path, *arguments: str) -> None:
    tool = require_tool("openssl", "another's CA and responder")
    subprocess.run([tool, *arguments], check=True, capture_output=True, cwd=folder, timeout=30)


EXTENSIONS = """
[ca]
basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign,cRLSign,digitalSignature
subjectKeyIdentifier=hash
[leaf]
keyUsage=critical,digitalSignature
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
subjectAltName=DNS:www.example
"""


@contextmanager
def another_house(folder: Path, index: str) -> Iterator[str]:
    """The URL of `openssl ocsp` as the responder of a CA that openssl made, which signs for itself."""
    tool = require_tool("openssl", "another's CA and responder")
    (folder / "x.cnf").write_text("[req]\ndistinguished_name=dn\n[dn]\n" + EXTENSIONS)
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-config", "x.cnf")
    ca = ("-x509", "-extensions", "ca", "-subj", "/CN=Another CA", "-days", "3")
    openssl(folder, "req", *key, *ca, "-keyout", "ca.key", "-out", "ca.pem")
    openssl(folder, "req", *key, "-subj", "/CN=www.example", "-keyout", "www.key", "-out", "www.csr")
    signing = ("-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", "0x1001", "-days", "2")
    leaf = ("-extfile", "x.cnf", "-extensions", "leaf", "-out", "www.pem")
    openssl(folder, "x509", "-req", "-in", "www.csr", *signing, *leaf)
    (folder / "index.txt").write_text(index)
    port = free_port()
    command = [tool, "ocsp", "-index", "index.txt", "-port", str(port), "-nmin", "5", "-CA", "ca.pem"]
    command += ["-rsigner", "ca.pem", "-rkey", "ca.key"]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True) as ran:
        try:
            # It says when it listens; a connection to try it would be its first question, and its last.
            assert ran.stderr is not None
            assert "waiting for OCSP client" in ran.stderr.readline()
            yield f"http://127.0.0.1:{port}/"
        finally:
            ran.terminate()


def test_openssls_responder_is_asked_about_openssls_certificate(away: Cli, tmp_path: Path) -> None:
    index = "V\t301231000000Z\t\t1001\tunknown\t/CN=www.example\n"
    with another_house(tmp_path, index) as url:
        ask = ("ocsp", "query", tmp_path / "www.pem", "--issuer", tmp_path / "ca.pem", "--url", url)
        for digest in ("sha1", "sha256"):
            said = away.done(*ask, "--hash", digest)
            assert (said["status"], said["nonce"], said["responder"]) == ("good", "echoed", "CN=Another CA")
        hopeless = away(*ask, "--pq", "--json")
        assert (hopeless.code, hopeless.json["status"]) == (3, "not asked")


def test_openssls_responder_says_revoked(away: Cli, tmp_path: Path) -> None:
    index = "R\t301231000000Z\t261101000000Z,superseded\t1001\tunknown\t/CN=www.example\n"
    with another_house(tmp_path, index) as url:
        said = away(
            "ocsp", "query", tmp_path / "www.pem", "--issuer", tmp_path / "ca.pem", "--url", url, "--json"
        )
    assert (said.code, said.json["status"], said.json["reason"]) == (3, "revoked", "superseded")
    assert datetime.fromisoformat(said.json["since"]) == datetime(2026, 11, 1, tzinfo=UTC)
