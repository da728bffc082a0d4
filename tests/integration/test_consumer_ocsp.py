"""`medtrust doctor --consumer ocsp+URL`: responders, and caches in front of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from pki.ocsp import (
    GOOD,
    OcspRequest,
    Responder,
    ResponseStatus,
    Revoked,
    SingleAnswer,
    build_response,
    decode_get_path,
    error_response,
)
from pki.ocsp_response import CertStatus
from registry.revocation import hold_certificate, release_certificate, revoke_certificate
from tests.integration.cli.conftest import Cli
from tests.integration.consumer_doctor import HOUR, doctor, now
from tests.integration.status_consumed import cli, consumed
from tests.integration.status_served import Served
from tests.odd_server import answer, odd_server, says
from tests.unit.service.status_fixtures import WHO

__all__ = ["cli", "consumed"]


@contextmanager
def cache(consumed: Served, statuses: dict[int, CertStatus], **how: object) -> Iterator[str]:
    """A cache that gives what it once kept: our delegate's word, signed when `this_update` says."""
    delegate = consumed.authority.default.ocsp_ecdsa
    begins: datetime = how.get("this_update", now())  # type: ignore[assignment]

    def deed(connection: object, head: bytes) -> None:
        assert head.startswith(b"GET /ocsp/"), "as a cache is asked"
        request = OcspRequest.parse(decode_get_path(head.split()[1].decode().removeprefix("/ocsp/")))
        assert request.nonce is None
        (cert_id,) = request.cert_ids
        said = SingleAnswer(
            cert_id.der,
            statuses.get(cert_id.certificate_serial, GOOD),
            begins,
            how.get("next_update", begins + HOUR),  # type: ignore[arg-type]
        )
        response = build_response(
            answers=[said],
            responder=Responder(delegate.certificate, delegate.key.classical),
            produced_at=now(),
        )
        connection.sendall(answer(response))  # type: ignore[attr-defined]

    with odd_server(deed) as url:
        yield f"ocsp+{url.replace('/list.crl', '/ocsp')}"


def revoked(consumed: Served) -> int:
    """The serial of a certificate that was revoked just now."""
    record = consumed.certify()
    revoke_certificate(record.certificate_serial, "keyCompromise", WHO, ports=consumed.runtime.ports)
    return int(record.certificate_serial, 16)


def test_our_own_responder_is_fresh_before_and_after_every_change(cli: Cli, consumed: Served) -> None:
    place = f"ocsp+http://127.0.0.1:{consumed.address.port}/ocsp"
    serial = f"{revoked(consumed):x}"
    time.sleep(0.5)
    said = doctor(cli, place)
    assert [check["message"].partition(",")[0] for check in said.checks] == ["good", "revoked"]
    assert serial in said.checks[1]["name"]
    record = consumed.certify()
    hold_certificate(record.certificate_serial, WHO, ports=consumed.runtime.ports)
    time.sleep(0.5)
    assert doctor(cli, place).checks[1]["message"].startswith("revoked")
    release_certificate(record.certificate_serial, WHO, ports=consumed.runtime.ports)
    time.sleep(0.5)
    assert doctor(cli, place).checks[1]["message"].startswith("good")


def test_a_cache_that_has_not_heard_is_a_warning_and_one_that_lies_critical(
    cli: Cli, consumed: Served
) -> None:
    revoked(consumed)
    time.sleep(1.1)
    with cache(consumed, {}, this_update=now() - timedelta(minutes=10)) as place:
        said = doctor(cli, place)
    assert "It says good, and we revoked it" in said.at("warning")[0]
    with cache(consumed, {}, this_update=now()) as place:
        said = doctor(cli, place)
    assert "It says good, and our store says revoked" in said.at("critical")[0]
    ours = consumed.authority.registry.certificate.serial
    with cache(consumed, {ours: Revoked(now())}) as place:
        assert "It says revoked, and our store says good" in doctor(cli, place).at("critical")[0]


def test_an_answer_near_its_end_is_a_warning_and_one_past_it_critical(cli: Cli, consumed: Served) -> None:
    moment = now()
    statuses: dict[int, CertStatus] = {revoked(consumed): Revoked(moment)}
    with cache(consumed, statuses, this_update=moment - 50 * HOUR, next_update=moment + 10 * HOUR) as place:
        said = doctor(cli, place)
    assert len(said.at("warning")) == 2
    assert all("less than a third" in message for message in said.at("warning"))
    with cache(consumed, statuses, this_update=moment - 2 * HOUR, next_update=moment - HOUR) as place:
        assert "not to be believed: Newer information was due" in doctor(cli, place).at("critical")[0]


def test_a_responder_that_is_down_is_critical(cli: Cli) -> None:
    for status in (ResponseStatus.TRY_LATER, ResponseStatus.UNAUTHORIZED):
        with odd_server(says(answer(error_response(status)))) as url:
            assert doctor(cli, f"ocsp+{url}").at("critical")
