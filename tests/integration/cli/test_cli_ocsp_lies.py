"""`medtrust ocsp query` and a responder in a test's hands: signed by our delegate, or so it says."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
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
from service import clock
from service.authority import Signing
from service.ocsp_query import Question, ask
from service.pem import from_pem_or_der
from tests.integration.cli.conftest import Answer, Cli, assert_refused
from tests.integration.cli.ocsp_steps import HOUR, now, pump, rules
from tests.integration.status_consumed import cli, consumed, pem_file
from tests.integration.status_served import Served
from tests.odd_server import answer, odd_server, says

__all__ = ["cli", "consumed", "pump"]


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
