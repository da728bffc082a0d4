"""A store of the first schema becomes today's: its lists stay, its revocations stand in the next one."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

import registry.store.engine as engines
from pki.crl_list import CertificateList, CrlReason
from registry.model.actor import job
from registry.publication import publish
from registry.store.engine import begin_write
from registry.store.unit_of_work import Store
from tests.unit.registry.hospital import START, Hospital

NOW = int(START.timestamp() * 1000)
DAY = 86_400_000
CERTIFICATE = (
    "INSERT INTO certificate (certificate_serial, issuer, profile, subject, state, reason, not_before, "
    "not_after, tbs_digest, intended_at, revoked_at, request_id) VALUES "
    "(:serial, 'issuing', 'device', 'x', :state, :reason, :now, :until, :digest, :now, :revoked, '')"
)
LIST = (
    "INSERT INTO crl (issuer, crl_number, der, this_update, next_update) "
    "VALUES ('issuing', :number, :der, :now, :until)"
)


def first_schema(url: str) -> None:
    """As the first version left it: a list, and a number that was taken and never signed."""
    config = Config()
    config.set_main_option("script_location", str(Path(engines.__file__).parent / "migrations"))
    engine = create_engine(url)
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        begin_write(connection)
        command.upgrade(config, "0001")
        for serial, state, reason in (
            ("abc1", "revoked", "keyCompromise"),
            ("ff02", "held", "certificateHold"),
            ("77", "abandoned", "cessationOfOperation"),
            ("88", "active", ""),
        ):
            row = {"serial": serial, "state": state, "reason": reason, "now": NOW, "until": NOW + DAY}
            revoked = NOW if state in ("revoked", "held") else None
            connection.execute(text(CERTIFICATE), row | {"digest": b"", "revoked": revoked})
        for number in (6, 7):
            signed = {"number": number, "now": NOW, "until": NOW + DAY, "der": b"list %d" % number}
            connection.execute(text(LIST), signed)
        connection.execute(text(LIST), {"number": 8, "now": NOW, "until": NOW + DAY, "der": None})
        connection.commit()
    engine.dispose()


def test_lists_and_revocations_come_along(url: str) -> None:
    first_schema(url)
    hospital = Hospital(Store.open(url))
    with hospital.store.read() as uow:
        latest = uow.lists.latest("issuing")
        entries = uow.revocations.contents("issuing", not_expired_before=START)
    assert latest is not None
    assert (latest.crl_number, latest.der, latest.scope) == (7, b"list 7", "whole")
    assert len(entries) == 3
    hospital.store.close()


def test_the_first_list_after_the_migration_names_them(url: str) -> None:
    first_schema(url)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE crl SET der = NULL"))
    engine.dispose()
    hospital = Hospital(Store.open(url))
    listed = CertificateList.parse(publish(hospital.signer, job("publisher"), ports=hospital.ports).der)
    assert listed.crl_number == 9
    assert {(entry.certificate_serial, entry.reason) for entry in listed.entries()} == {
        (0xABC1, CrlReason.KEY_COMPROMISE),
        (0xFF02, CrlReason.CERTIFICATE_HOLD),
        (0x77, CrlReason.CESSATION_OF_OPERATION),
    }
    hospital.store.close()
