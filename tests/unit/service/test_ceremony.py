"""A ceremony from a file: what is read is what is signed, whole or not at all, and again after a crash."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from audit.leaf import decode
from pki import asn1, oids
from pki.algorithms import PublicKey
from pki.constraint_extensions import read_name_constraints
from registry.model.errors import RegistryError
from registry.store.unit_of_work import Store
from service import ceremony_rite
from service.authorities import CaState, KeyPlace, read_register
from service.authority import read_bundle, unlock
from service.ca_keys import KeyAway, key_files
from service.ceremony import draft_of, perform
from service.ceremony_draft import DraftChanged, rehearse
from service.ceremony_plan import BUILT_IN, CeremonyRefused, read_plan
from service.errors import AlreadyInitialised, ServiceError
from service.home import Home, make_private
from service.settings import read_settings
from tests.unit.service.ca_room import (
    PASSPHRASE,
    certificate_of,
    copied,
    judged,
    new_home,
    quick_seals,
    room_of,
)

__all__ = ["quick_seals"]

WARD = """
title = "A CA for the radiology ward"
[[ca]]
name = "radiology"
profile = "issuing-ca"
issuer = "root"
common_name = "Radiology Issuing CA"
lifetime = "1000d"
[ca.name_constraints.permitted]
dns = ["radiology.hospital.example"]
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, quick_seals: None) -> Home:
    return new_home(tmp_path_factory.mktemp("ca") / "home")


@pytest.fixture
def home(made: Home, tmp_path: Path) -> Home:
    return copied(made, tmp_path / "home")


def leaves(home: Home) -> list[str]:
    store = Store.open(read_settings(home).store_url)
    with store.read() as uow:
        found = [decode(leaf).kind for leaf in uow.log.read_entries(0, uow.log.size())]
    store.close()
    return found


def test_the_dry_run_shows_the_octets_that_are_signed_later(home: Home) -> None:
    room = room_of(home)
    draft = draft_of(room, WARD)
    (read,) = rehearse(draft, room.scene())
    assert hashlib.sha256(read.tbs).hexdigest() == draft.digests["radiology"]
    assert read_register(home).entries[-1].name == "issuing"
    perform(draft_of(room, WARD), room)
    signed = certificate_of(home, "radiology")
    assert signed.pre_tbs == read.tbs
    assert judged(home, signed).is_valid


def test_two_dry_runs_show_the_same(home: Home) -> None:
    first = draft_of(room_of(home), WARD)
    assert draft_of(room_of(home), WARD).digest == first.digest
    assert draft_of(room_of(home), WARD, restart=True).digest != first.digest


def test_a_dry_run_leaves_no_trace_in_the_registry(home: Home) -> None:
    before = leaves(home)
    draft_of(room_of(home), WARD)
    assert leaves(home) == before
    assert not key_files(home.keys, "radiology")


def test_a_file_that_was_changed_after_the_dry_run_is_not_signed(home: Home) -> None:
    draft_of(room_of(home), WARD)
    with pytest.raises(DraftChanged, match="not the one that was prepared"):
        draft_of(room_of(home), WARD.replace("1000d", "1001d"))


def test_settings_that_changed_after_the_dry_run_stop_it(home: Home) -> None:
    draft_of(room_of(home), WARD)
    home.settings_file.write_text('[status]\nurl = "http://elsewhere.example"\n')
    with pytest.raises(DraftChanged, match="have changed"):
        draft_of(room_of(home), WARD)


def test_the_new_ca_has_what_the_file_says(home: Home) -> None:
    room = room_of(home)
    perform(draft_of(room, WARD), room)
    signed = certificate_of(home, "radiology")
    constraints = signed.extension(oids.NAME_CONSTRAINTS)
    assert constraints is not None
    assert read_name_constraints(constraints).permitted.dns == ("radiology.hospital.example",)
    assert (signed.not_after - signed.not_before).days == 999
    entry = read_register(home).get("radiology")
    assert (entry.issuer_name, entry.issues, entry.sha256) == ("root", True, signed.fingerprint.hex())


def test_it_is_online_at_the_next_start(home: Home) -> None:
    room = room_of(home)
    perform(draft_of(room, WARD), room)
    authority = unlock(home, room.settings, PASSPHRASE)
    assert [ca.name for ca in authority.cas] == ["issuing", "radiology"]
    assert authority.cas[1].ocsp_ecdsa.certificate.issuer == certificate_of(home, "radiology").subject
    assert (home.public / "radiology.crl").exists()


def test_the_bundle_is_the_next_version_and_holds_the_new_ca(home: Home) -> None:
    assert read_bundle(home).version == 1
    room = room_of(home)
    perform(draft_of(room, WARD), room)
    bundle = read_bundle(home)
    assert bundle.version == 2
    assert certificate_of(home, "radiology").der in bundle.intermediates


def test_the_transcript_pins_the_file_and_the_log_pins_the_transcript(home: Home) -> None:
    room = room_of(home)
    perform(draft_of(room, WARD), room)
    written = max((home.root / "ceremonies").glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
    found = json.loads(written.read_bytes())
    assert found["plan_sha256"] == hashlib.sha256(WARD.encode()).hexdigest()
    assert found["performed_by"] == "operator:alice"
    fingerprint = certificate_of(home, "radiology").fingerprint.hex()
    assert [each["certificate_sha256"] for each in found["certificates"]] == [fingerprint]
    store = Store.open(room.settings.store_url)
    with store.read() as uow:
        entries = [decode(leaf) for leaf in uow.log.read_entries(0, uow.log.size())]
    store.close()
    (leaf,) = [e for e in entries if e.detail.get("transcript_sha256")][-1:]
    assert leaf.detail["transcript_sha256"] == hashlib.sha256(written.read_bytes()).hexdigest()


class Killed(BaseException):
    """Stands for kill -9: nothing catches it."""


@pytest.mark.parametrize(
    "step",
    [
        *("issue_prepared", "keep_certificate", "carry", "certify", "Publisher"),
        *("write_transcript", "write_register", "publish_bundle"),
    ],
)
@pytest.mark.parametrize("after", [False, True])
def test_killed_at_any_step_the_same_command_again_makes_it_whole(
    home: Home, monkeypatch: pytest.MonkeyPatch, step: str, after: bool
) -> None:
    room = room_of(home)
    real = getattr(ceremony_rite, step)

    def dies(*given: object, **named: object) -> object:
        if after:
            real(*given, **named)
        raise Killed

    monkeypatch.setattr(ceremony_rite, step, dies)
    draft = draft_of(room, WARD)
    with pytest.raises(Killed):
        perform(draft, room)
    monkeypatch.undo()
    # Nothing half-trusted: the register names it only where all that it needs is there.
    authority = unlock(home, room.settings, PASSPHRASE)
    assert len(authority.cas) == len([e for e in read_register(home).entries if e.answers])
    assert read_bundle(home).version in (1, 2)
    perform(draft_of(room, WARD), room)
    signed = certificate_of(home, "radiology")
    assert hashlib.sha256(signed.pre_tbs).hexdigest() == draft.digests["radiology"]
    assert signed.der in read_bundle(home).intermediates
    assert len(unlock(home, room.settings, PASSPHRASE).cas) == 2
    with pytest.raises(CeremonyRefused, match="there already"):
        draft_of(room, WARD)


def test_an_intention_that_was_given_up_asks_for_a_new_draft(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = room_of(home)
    draft = draft_of(room, WARD)
    with monkeypatch.context() as patched:
        patched.setattr("pki.issuer.Issuer.issue", lambda *_: (_ for _ in ()).throw(Killed()))
        with pytest.raises(Killed):
            perform(draft, room)
    with pytest.raises(RegistryError, match="interrupted"):
        perform(draft_of(room, WARD), room)
    perform(draft_of(room, WARD, restart=True), room)
    assert judged(home, certificate_of(home, "radiology")).is_valid


FIRST = BUILT_IN.replace(
    'common_name = "medtrust Root CA"\n', 'common_name = "Hospital Root"\nkey_place = "away"\n'
)


def test_a_first_ceremony_may_put_the_roots_key_on_a_medium_only(tmp_path: Path) -> None:
    home, stick = Home(make_private(tmp_path / "home")), make_private(tmp_path / "stick")
    room = room_of(home, medium=stick)
    perform(draft_of(room, FIRST), room)
    assert not key_files(home.keys, "root")
    assert len(key_files(stick, "root")) == 2
    assert not (home.root / "ceremony").exists()
    assert read_register(home).get("root").key_place is KeyPlace.AWAY
    assert judged(home, certificate_of(home, "issuing")).is_valid
    assert unlock(home, room.settings, PASSPHRASE).default.name == "issuing"
    without = room_of(home)
    with pytest.raises(KeyAway, match="kept away"):
        draft_of(without, WARD)
    perform(draft_of(room, WARD), room)
    assert read_bundle(home).version == 2


def test_a_key_that_is_to_be_away_needs_a_medium(tmp_path: Path) -> None:
    home = Home(make_private(tmp_path / "home"))
    room = room_of(home)
    draft = draft_of(room, FIRST)
    with pytest.raises(KeyAway, match="no medium"):
        perform(draft, room)
    assert not home.marker.exists()


def test_a_home_with_a_ca_is_not_begun_again(home: Home) -> None:
    with pytest.raises(CeremonyRefused, match="there already"):
        draft_of(room_of(home), BUILT_IN)
    with pytest.raises(AlreadyInitialised):
        new_home(home.root)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("x = 1", "ceremony"),
        ("[[ca]]\nname = 1", "ca[0].name"),
        ("= =", "ceremony"),
        (WARD.replace('"radiology"', '"Radiology"'), "ca.name"),
        (WARD.replace('"radiology"', '"issuing"'), "ca.name"),
        (WARD.replace('"issuing-ca"', '"device"'), "ca.profile"),
        (WARD.replace('"issuing-ca"', '"root"'), "ca.issuer"),
        (WARD.replace('"issuing-ca"', '"no-such"'), "profile"),
        (WARD.replace('"root"', '"nobody"'), "ca.issuer"),
        (WARD.replace("1000d", "90000d"), "validity.lifetime"),
        (WARD.replace("dns =", "dnz ="), "ca[0].name_constraints.permitted"),
        (WARD + '[[cross]]\nsubject = "a"\nissuer = "root"\n', "cross"),
        ('retire = ["nobody"]\n' + WARD, "retire"),
        ("#" * 70_000, "ceremony"),
    ],
)
def test_a_file_that_cannot_be_performed_names_the_key(text: str, field: str) -> None:
    with pytest.raises(ServiceError) as refused:
        read_plan(text, organization="", present=("root", "issuing"))
    assert refused.value.field == field
    assert refused.value.next_step


def test_a_default_that_would_be_retired_is_refused(home: Home) -> None:
    room = room_of(home)
    draft = draft_of(room, 'retire = ["issuing"]\n' + WARD)
    with pytest.raises(CeremonyRefused, match="no active CA"):
        perform(draft, room)
    assert read_register(home).get("issuing").state is CaState.ACTIVE


def test_each_ca_has_keys_of_its_own(home: Home) -> None:
    room = room_of(home)
    perform(draft_of(room, WARD), room)
    ours = [certificate_of(home, name) for name in ("root", "issuing", "radiology")]
    assert len({c.spki for c in ours}) == 3
    assert all(isinstance(c.public_key, PublicKey) and asn1.whole(c.spki) for c in ours)
