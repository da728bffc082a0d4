"""What tests of fetched lists share: lists of every kind, a server of one, and the consumer's file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pki.crl import RevokedEntry, build_crl
from pki.crl_list import CertificateList
from pki.keys import HybridPrivateKey
from service.authority import Signing
from tests.integration.cli.conftest import Answer, Cli
from tests.integration.status_served import Served
from tests.odd_server import Deed, answer, odd_server, says

HOUR = timedelta(hours=1)


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def made(by: Signing, number: int, *, serials: tuple[int, ...] = (), **how: object) -> bytes:
    """A list by the keys of one of our CAs, or by others under its name."""
    key: HybridPrivateKey = how.get("key", by.key)  # type: ignore[assignment]
    begins: datetime = how.get("this_update", now())  # type: ignore[assignment]
    return build_crl(
        issuer_name=by.certificate.subject,
        authority_key_identifier=by.key.classical.public.key_identifier,
        key=key,
        entries=[RevokedEntry(serial, begins) for serial in serials],
        crl_number=number,
        this_update=begins,
        next_update=how.get("next_update", begins + 24 * HOUR),  # type: ignore[arg-type]
    )


@pytest.fixture
def by(consumed: Served) -> Signing:
    """The issuing CA's keys."""
    return consumed.authority.issuing


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where the consumer's list will lie."""
    return tmp_path / "issuing.crl"


def rules(said: Answer) -> list[str]:
    return [finding["rule"] for finding in said.json["findings"]]


def serving(der: bytes, *headers: str) -> Deed:
    return says(answer(der, "Content-Type: application/pkix-crl", *headers))


def fetched(cli: Cli, der: bytes, *options: object, url_end: str = "") -> Answer:
    with odd_server(serving(der)) as url:
        return cli("crl", "fetch", url + url_end, *options, "--json")


def number_in(path: Path) -> int:
    return CertificateList.parse(path.read_bytes()).crl_number
