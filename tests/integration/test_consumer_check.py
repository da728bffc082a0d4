"""`medtrust doctor --consumer`: how fresh is what a broker, a RADIUS server or a proxy really uses?"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from pki.algorithms import KeyAlgorithm
from pki.crl_list import CertificateList
from pki.keys import HybridPrivateKey
from pki.names import encode
from registry.publication import publish_lists
from registry.revocation import revoke_certificate
from service import pem
from service.authorities import CaEntry, KeyPlace, read_register, write_register
from service.authority import certificate_file
from tests.integration.cli.conftest import Cli
from tests.integration.consumer_doctor import HOUR, doctor, made, newest, now, put
from tests.integration.status_consumed import cli, consumed
from tests.integration.status_served import Served
from tests.unit.pki.path_fixtures import Recipe
from tests.unit.service.status_fixtures import WHO

__all__ = ["cli", "consumed"]


def test_a_list_behind_is_a_note_until_it_lets_somebody_in(
    cli: Cli, consumed: Served, tmp_path: Path
) -> None:
    path = put(tmp_path, newest(consumed))
    second = CertificateList.parse(newest(consumed))
    time.sleep(1.1)
    newest(consumed)
    level, message = doctor(cli, path).only
    assert level == "note"
    assert "is 2 numbers behind our newest" in message
    assert f"since {second.this_update:%Y-%m-%d %H:%M:%S}Z" in message
    for _ in range(3):
        record = consumed.certify()
        revoke_certificate(record.certificate_serial, "keyCompromise", WHO, ports=consumed.runtime.ports)
    newest(consumed)
    level, message = doctor(cli, path).only
    assert level == "warning"
    assert "it lets in: 3" in message


def test_lapsed_early_and_soon_over(cli: Cli, consumed: Served, tmp_path: Path) -> None:
    number, moment = CertificateList.parse(newest(consumed)).crl_number - 1, now()
    lapsed = made(consumed, number, this_update=moment - 2 * HOUR, next_update=moment - HOUR)
    early = made(consumed, number, this_update=moment + HOUR)
    soon = made(consumed, number, this_update=moment - 17 * HOUR, next_update=moment + 7 * HOUR)
    alive = made(consumed, number, this_update=moment - 15 * HOUR, next_update=moment + 9 * HOUR)
    assert "lapsed at" in doctor(cli, put(tmp_path, lapsed)).at("critical")[0]
    assert "begins only at" in doctor(cli, put(tmp_path, early)).at("critical")[0]
    assert "less than a third" in doctor(cli, put(tmp_path, soon)).at("warning")[0]
    assert not any("third" in message for message in doctor(cli, put(tmp_path, alive)).at("warning"))


def test_what_is_not_ours_or_not_signed(cli: Cli, consumed: Served, tmp_path: Path) -> None:
    der, key = newest(consumed), consumed.authority.issuing.key
    number = CertificateList.parse(der).crl_number
    stranger = HybridPrivateKey.generate(key.classical.algorithm, key.alternative.algorithm)  # type: ignore[union-attr]
    forged = doctor(cli, put(tmp_path, made(consumed, number, key=stranger)))
    assert "not to be believed: The classical signature" in forged.at("critical")[0]
    stripped = doctor(cli, put(tmp_path, made(consumed, number, key=HybridPrivateKey(key.classical))))
    assert "alternative signature is missing" in stripped.at("critical")[0]
    namesake = doctor(cli, put(tmp_path, made(consumed, number, key=stranger, identifier=b"k" * 20)))
    assert "by a key that is not its own" in namesake.at("critical")[0]
    foreign = made(consumed, 9, key=stranger, name=encode(common_name="Elsewhere"))
    alone = doctor(cli, put(tmp_path, foreign))
    assert "no list of our CAs" in alone.at("critical")[0]
    beside = doctor(cli, put(tmp_path, foreign, der))
    assert [check["level"] for check in beside.checks] == ["note", "ok"]
    assert "CN=Elsewhere, which is none of our CAs" in beside.at("note")[0]
    over = made(
        consumed,
        9,
        key=stranger,
        name=encode(common_name="Elsewhere"),
        this_update=now() - 2 * HOUR,
        next_update=now() - HOUR,
    )
    assert "lapsed at" in doctor(cli, put(tmp_path, over, der)).at("critical")[0]


def test_a_store_that_is_older_than_the_consumer(cli: Cli, consumed: Served, tmp_path: Path) -> None:
    number = CertificateList.parse(newest(consumed)).crl_number
    ahead = doctor(cli, put(tmp_path, made(consumed, number + 1)))
    assert f"List {number + 1} is newer than our newest, {number}" in ahead.at("critical")[0]
    twin = doctor(cli, put(tmp_path, made(consumed, number)))
    assert f"two lists numbered {number}" in twin.at("critical")[0]
    unheard = doctor(cli, put(tmp_path, made(consumed, number, base=1)))
    assert "(delta) is one that we know nothing of" in unheard.at("critical")[0]


def test_a_part_is_compared_with_that_part(cli: Cli, consumed: Served, tmp_path: Path) -> None:
    signer = replace(consumed.authority.default.list_signer, shards=16)
    ports = consumed.runtime.ports
    first, other = publish_lists(signer, ["16-3", "16-4"], WHO, ports=ports)
    assert doctor(cli, put(tmp_path, first.der)).only[0] == "ok"
    time.sleep(1.1)
    (second,) = publish_lists(signer, ["16-3"], WHO, ports=ports)
    time.sleep(1.1)
    (third,) = publish_lists(signer, ["16-3"], WHO, ports=ports)
    level, message = doctor(cli, put(tmp_path, first.der)).only
    assert (level, f"{third.crl_number - first.crl_number} numbers behind" in message) == ("note", True)
    assert f"since {second.this_update:%Y-%m-%d %H:%M:%S}Z" in message
    assert doctor(cli, put(tmp_path, other.der)).only[0] == "ok"


def test_another_houses_ca_that_we_hold_has_numbers_of_its_own(
    cli: Cli, consumed: Served, tmp_path: Path
) -> None:
    key = HybridPrivateKey.generate(KeyAlgorithm.EC_P256, None)
    theirs = Recipe("Theirs", "Theirs", key, key, ca=True, without=frozenset({"2.5.29.35"})).make()
    entry = CaEntry(
        name="theirs", profile="root", issuer_name="theirs", key_place=KeyPlace.FOREIGN, issues=False
    )
    before = read_register(consumed.home)
    certificate_file(consumed.home, "theirs").write_bytes(pem.to_pem(theirs.der))
    write_register(consumed.home, before.with_entry(entry))
    try:
        listed = made(
            consumed, 77, key=key, name=theirs.subject, identifier=key.classical.public.key_identifier
        )
        level, message = doctor(cli, put(tmp_path, listed)).only
    finally:
        write_register(consumed.home, before)
    assert (level, message) == ("ok", "list 77, of another house")
