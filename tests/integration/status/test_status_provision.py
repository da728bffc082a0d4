"""A home for a status server elsewhere: no CA's key in it, and renewed while it is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from pki.ocsp import GOOD
from pki.profiles import SubjectFacts
from registry.model.actor import job
from service import clock
from service.authority import Authority
from service.home import Home
from service.keystore import KeyWriter
from service.own_signers import RESPONDERS, certify, keep_certificate
from service.pem import read_certificate
from service.status.provision import provision as make
from tests.integration.status.server_process import command_line, eventually, running
from tests.unit.service.status_fixtures import PASSPHRASE, make_home, opened

OTHER = b"another passphrase, of the responder"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Authority]:
    return make_home(tmp_path_factory.mktemp("provisioning"))


def provision(registry: tuple[Home, Authority], scratch: Path, target: Path) -> int:
    file = scratch / "new-pass"
    if not file.exists():
        file.touch(0o600)
        file.write_bytes(OTHER)
    arguments = ("status", "provision", str(target), "--new-passphrase-file", str(file))
    return command_line(registry[0], scratch, *arguments).returncode


def test_no_key_of_a_ca_is_in_it_and_the_first_passphrase_opens_nothing(
    registry: tuple[Home, Authority], tmp_path: Path
) -> None:
    target = tmp_path / "responder"
    assert provision(registry, tmp_path, target) == 0
    held = sorted(path.name for path in (target / "keys").iterdir())
    assert held == sorted(path.name for path in registry[0].keys.glob("ocsp-*.json"))
    sealed = {path.name: path.read_bytes() for path in (target / "keys").iterdir()}
    assert all(data != (registry[0].keys / name).read_bytes() for name, data in sealed.items())
    ran = command_line(Home(target), tmp_path, "status-server", "--listen", "127.0.0.1:0")
    assert (ran.returncode, "passphrase" in ran.stderr) == (3, True)
    assert {path.stat().st_mode & 0o777 for path in (target, target / "keys")} == {0o700}


def test_new_delegates_are_taken_over_while_it_is_asked(
    registry: tuple[Home, Authority], tmp_path: Path
) -> None:
    home, authority = registry
    target = tmp_path / "responder"
    assert provision(registry, tmp_path, target) == 0
    about = read_certificate(home.certificates / "registry.pem")
    secret = tmp_path / "server"
    secret.mkdir()
    (secret / "pass").touch(0o600)
    (secret / "pass").write_bytes(OTHER)
    with running(Home(target), secret) as server:
        with opened(home) as runtime:
            profile, title = RESPONDERS[0]
            made = certify(
                "ocsp-ecdsa",
                profile,
                SubjectFacts(common_name=title, organization=authority.organization),
                authority.issuer,
                actor=job("own-signers"),
                ports=runtime.ports,
                writer=KeyWriter(home.keys, PASSPHRASE, clock.now()),
            )
        keep_certificate(home, "ocsp-ecdsa", made.certificate)
        assert provision(registry, tmp_path, target) == 0
        failed: list[object] = []

        def taken_over() -> bool:
            basic = server.ocsp(about, authority.issuing.certificate).basic
            if basic is None or basic.answers[0].status != GOOD:
                failed.append(basic)
            return basic is not None and basic.certificates[0].serial == made.certificate.serial

        assert eventually(taken_over, 25.0)
        assert failed == []


def test_a_renewal_keeps_what_people_edited_and_refuses_another_passphrase(
    registry: tuple[Home, Authority], tmp_path: Path
) -> None:
    target = tmp_path / "responder"
    assert provision(registry, tmp_path, target) == 0
    settings = target / "medtrust.toml"
    edited = settings.read_text().replace("workers = 1", "workers = 3")
    assert edited != settings.read_text()
    settings.write_text(edited)
    assert provision(registry, tmp_path, target) == 0
    assert settings.read_text() == edited
    before = {path: path.read_bytes() for path in (target / "keys").iterdir()}
    (tmp_path / "new-pass").write_bytes(b"not the one that it has")
    assert provision(registry, tmp_path, target) == 5
    assert {path: path.read_bytes() for path in (target / "keys").iterdir()} == before


@pytest.mark.parametrize("password", ["sekret", "se:k@ret", "se%2Fkret"])
def test_the_password_of_the_registrys_store_stays_there(tmp_path: Path, password: str) -> None:
    home, _ = make_home(tmp_path)
    with opened(home) as runtime:
        home.settings_file.touch(mode=0o600)
        home.settings_file.write_text(f'[store]\nurl = "postgresql://owner:{password}@db:5432/medtrust"\n')
        make(runtime, PASSPHRASE, tmp_path / "responder", OTHER)
    written = (tmp_path / "responder" / "medtrust.toml").read_text()
    assert 'url = "postgresql://owner@db:5432/medtrust"' in written
    assert "ret" not in written


def test_a_registrys_home_or_anything_else_is_left_alone(
    registry: tuple[Home, Authority], tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "notes.txt").write_text("mine")
    for target in (registry[0].root, other):
        before = sorted(target.rglob("*"))
        assert provision(registry, tmp_path, target) == 5
        assert {path for path in target.rglob("*") if is_kept(path)} == {p for p in before if is_kept(p)}


def is_kept(path: Path) -> bool:
    """Not what any reader of a store makes and unmakes."""
    return "run" not in path.parts and not path.name.startswith("registry.db-")
