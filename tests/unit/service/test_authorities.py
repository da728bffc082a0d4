"""The list of a home's CAs: what it may say, what a damaged one leads to, and which CA signs what."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pki import profiles
from pki.anchor import self_signed
from pki.keys import HybridPrivateKey
from pki.profiles import Form, SubjectFacts
from pki.tbs import Certificate
from service import clock
from service.authorities import (
    FILE,
    BadAuthority,
    CaEntry,
    CaState,
    CrossEntry,
    KeyPlace,
    Register,
    UnknownAuthority,
    checked_name,
    read_authorities,
    read_register,
    write_register,
)
from service.ca_choice import CaRefused, choose, form_of
from service.home import Home, make_private

ROOT = CaEntry(name="root", profile="root", issuer_name="root", issues=False)
ISSUING = CaEntry(name="issuing", profile="issuing-ca", issuer_name="root")
WARD = CaEntry(name="ward", profile="issuing-ca", issuer_name="root", key_place=KeyPlace.PKCS11)
BOTH = Register(entries=(ROOT, ISSUING))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(make_private(tmp_path / "home"))


def test_a_home_from_before_the_list_holds_root_and_issuing(home: Home) -> None:
    assert [(e.name, e.issuer_name, e.issues) for e in read_authorities(home)] == [
        ("root", "root", False),
        ("issuing", "root", True),
    ]


def test_what_is_written_is_read(home: Home) -> None:
    cross = CrossEntry(subject="root", issuer="issuing", sha256="00")
    register = BOTH.with_entry(replace(WARD, state=CaState.RETIRED)).with_cross(cross)
    write_register(home, register)
    assert read_register(home) == register
    assert (home.root / FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{}",
        "[1]",
        '{"version":1,"default":"issuing","authorities":[],"cross":[]}',
        "\x00",
        '{"version":2,"default":"issuing","authorities":[],"cross":[]}',
        json.dumps({"version": 1, "default": "issuing", "authorities": [{"name": "x"}], "cross": []}),
    ],
)
def test_a_damaged_list_is_a_typed_error(home: Home, damage: str) -> None:
    (home.root / FILE).write_text(damage)
    with pytest.raises(BadAuthority, match="Restore"):
        read_register(home)


@pytest.mark.parametrize(
    "wrong",
    [
        replace(BOTH, entries=(ROOT, ISSUING, ISSUING)),
        replace(BOTH, entries=(ISSUING,)),
        replace(BOTH, default="root"),
        replace(BOTH, default="nobody"),
        BOTH.with_entry(replace(WARD, name="a", issuer_name="b")).with_entry(
            replace(WARD, name="b", issuer_name="a")
        ),
    ],
)
def test_a_list_that_contradicts_itself_is_not_written(home: Home, wrong: Register) -> None:
    with pytest.raises(BadAuthority):
        write_register(home, wrong)
    assert not (home.root / FILE).exists()


@pytest.mark.parametrize(
    "name", ["", "Root", "1st", "a" * 33, "../x", "my ca", "registry", "x-ocsp-ecdsa", "a-by-b"]
)
def test_names_that_would_collide_or_escape(name: str) -> None:
    with pytest.raises(BadAuthority) as refused:
        checked_name(name)
    assert refused.value.next_step


def test_an_unknown_ca_says_which_there_are() -> None:
    with pytest.raises(UnknownAuthority, match="root, issuing"):
        BOTH.get("nobody")


def test_who_stands_above() -> None:
    register = BOTH.with_entry(CaEntry(name="low", profile="issuing-ca", issuer_name="issuing"))
    assert [e.name for e in register.above("low")] == ["low", "issuing", "root"]


@pytest.mark.parametrize(
    ("entry", "answers"),
    [
        (ISSUING, True),
        (WARD, True),
        (ROOT, False),
        (replace(ISSUING, state=CaState.RETIRED), True),
        (replace(ISSUING, state=CaState.DISTRUSTED), False),
        (replace(ISSUING, key_place=KeyPlace.AWAY), False),
        (replace(ISSUING, key_place=KeyPlace.FOREIGN), False),
    ],
)
def test_who_signs_lists_and_answers_every_day(entry: CaEntry, answers: bool) -> None:
    assert entry.answers is answers


def anchor(profile: str) -> Certificate:
    chosen = profiles.by_name(profile)
    key = HybridPrivateKey.generate(chosen.main[0], chosen.alternative)
    facts = SubjectFacts(common_name=f"A {profile}")
    return Certificate.parse(self_signed(chosen, facts, key, now=clock.now(), entropy=clock.entropy).der)


CAS = {
    form: (replace(ISSUING, name=form), anchor(profile))
    for form, profile in (
        ("catalyst", "root"),
        ("classical", "root-classical"),
        ("pure", "root-pure"),
        ("composite", "root-composite"),
    )
}


def test_the_form_is_the_certificates() -> None:
    assert {form: form_of(certificate) for form, (_, certificate) in CAS.items()} == {f: f for f in CAS}


@pytest.mark.parametrize(
    ("profile", "signer"),
    [
        ("device", "catalyst"),
        ("device-classical", "classical"),
        ("device-pure", "pure"),
        ("device-related", "pure"),
        ("device-kem", "pure"),
        ("device-composite", "composite"),
    ],
)
def test_the_profiles_form_chooses(profile: str, signer: str) -> None:
    assert choose(profiles.by_name(profile), list(CAS.values())).name == signer


def test_where_no_ca_has_the_form_the_default_signs() -> None:
    unbound = replace(profiles.by_name("device-pure"), issuer_forms=())
    assert choose(unbound, [CAS["composite"], CAS["catalyst"]]).name == "composite"


def test_a_profile_may_demand_the_form_of_its_ca() -> None:
    bound = replace(profiles.by_name("device"), issuer_forms=(Form.PURE,))
    assert choose(bound, list(CAS.values())).name == "pure"
    with pytest.raises(CaRefused, match="may sign this"):
        choose(bound, [CAS["catalyst"]])


def test_a_retired_ca_is_passed_over_and_refused_by_name() -> None:
    entry, certificate = CAS["pure"]
    retired = (replace(entry, state=CaState.RETIRED), certificate)
    unbound = replace(profiles.by_name("device-pure"), issuer_forms=())
    assert choose(unbound, [CAS["catalyst"], retired]).name == "catalyst"
    with pytest.raises(CaRefused, match="retired"):
        choose(unbound, [CAS["catalyst"], retired], "pure")
    with pytest.raises(UnknownAuthority):
        choose(unbound, [CAS["catalyst"]], "pure")
