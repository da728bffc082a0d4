"""Consumers' folders from CAs in memory: names that collide, lists that are over, renewals."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pki.algorithms import KeyAlgorithm
from pki.anchor import self_signed
from pki.keys import HybridPrivateKey
from pki.name_hash import name_hash
from pki.profiles import SubjectFacts, by_name
from pki.tbs import Certificate
from service import clock
from service.exports.consumers import Consumer, files_for
from service.exports.folder import ForeignFolder, write_folder
from service.exports.gathered import Trusted, TrustedCa
from service.pem import to_pem

NOW = clock.now()


def _root(name: str, hours: float = 24) -> TrustedCa:
    key = HybridPrivateKey.generate(KeyAlgorithm.EC_P384, None)
    facts = SubjectFacts(common_name="One Name For All")
    made = self_signed(by_name("root-classical"), facts, key, now=NOW, entropy=clock.entropy)
    until = NOW + timedelta(hours=hours)
    return TrustedCa(name, Certificate.parse(made.der), True, name.encode(), until)


def test_two_cas_of_one_name_have_numbers_of_their_own() -> None:
    old, new = _root("old"), _root("new")
    files = files_for(Consumer.OPENSSL, Trusted((old, new)), Path("/consumer"))
    digest = name_hash(old.certificate.subject)
    assert files[f"ca/{digest}.0"] == to_pem(old.certificate.der)
    assert files[f"ca/{digest}.1"] == to_pem(new.certificate.der)
    assert files[f"ca/{digest}.r0"] != files[f"ca/{digest}.r1"]
    assert files["ca.pem"] == files[f"ca/{digest}.0"] + files[f"ca/{digest}.1"]


@pytest.mark.parametrize("consumer", list(Consumer))
def test_every_configuration_names_its_own_folder(consumer: Consumer, tmp_path: Path) -> None:
    written = write_folder(consumer, Trusted((_root("root"),)), tmp_path / "it", NOW)
    texts = [p.read_text() for p in (tmp_path / "it").iterdir() if p.suffix in (".conf", ".options", ".txt")]
    assert len(texts) >= 2
    assert all(str(tmp_path / "it") in text for text in texts)
    assert not any("{" in text.replace("{\n", "").replace("${", "") for text in texts)
    assert all((tmp_path / "it" / name).stat().st_mode & 0o444 == 0o444 for name in written.files)


def test_the_first_list_that_ends_is_told(tmp_path: Path) -> None:
    trusted = Trusted((_root("long", 48), _root("short", 1), _root("over", -1)))
    assert trusted.lapsed(NOW) == ("over",)
    written = write_folder(Consumer.NGINX, trusted, tmp_path / "nginx", NOW)
    assert written.until == NOW - timedelta(hours=1)
    assert f"{written.until:%Y-%m-%d %H:%M}Z" in (tmp_path / "nginx" / "README.txt").read_text()


def test_a_ca_that_is_trusted_no_more_is_gone_after_a_renewal(tmp_path: Path) -> None:
    old, new = _root("old"), _root("new")
    folder = tmp_path / "openssl"
    write_folder(Consumer.OPENSSL, Trusted((old, new)), folder, NOW)
    write_folder(Consumer.OPENSSL, Trusted((new,)), folder, NOW)
    digest = name_hash(old.certificate.subject)
    assert sorted(path.name for path in (folder / "ca").iterdir()) == [f"{digest}.0", f"{digest}.r0"]
    assert (folder / "ca" / f"{digest}.0").read_bytes() == to_pem(new.certificate.der)
    (folder / "README.txt").write_text("somebody's notes\n")
    with pytest.raises(ForeignFolder):
        write_folder(Consumer.OPENSSL, Trusted((new,)), folder, NOW)
