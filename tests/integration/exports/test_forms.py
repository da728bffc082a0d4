"""`cert export` in every form, read by openssl; and what it and `ca bundle --for` refuse."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from pki.algorithms import KeyAlgorithm, PrivateKey
from pki.anchor import self_signed
from pki.errors import AlgorithmUnavailable
from pki.keys import HybridPrivateKey
from pki.pkcs7 import read_certificates
from pki.profiles import SubjectFacts, by_name
from pki.tbs import Certificate
from service import clock
from service.errors import BadSetting
from service.exports.consumers import Consumer
from service.exports.folder import NothingToTrust, write_folder
from service.exports.forms import Form, KeyFile, write_form
from service.exports.gathered import Trusted, TrustedCa
from service.pem import from_pem_or_der
from tests.integration.cli.conftest import Cli, assert_refused
from tests.integration.exports.conftest import Hospital
from tests.tools import require_tool


def _cli(hospital: Hospital, tmp_path: Path) -> Cli:
    return Cli(hospital.folder / "home", tmp_path)


def _secret(path: Path, content: bytes) -> Path:
    path.touch(mode=0o600)
    path.write_bytes(content)
    return path


def test_der_and_pkcs7_hold_the_same_certificates(hospital: Hospital, tmp_path: Path) -> None:
    cli, party = _cli(hospital, tmp_path), hospital.good
    leaf, issuing = from_pem_or_der(party.certificate.read_bytes())
    for form, options in (("der", ()), ("pkcs7", ("--chain",))):
        made = cli("cert", "export", party.serial, "--format", form, "--out", tmp_path / form, *options)
        assert made.code == 0, made.err
    assert (tmp_path / "der").read_bytes() == leaf
    assert set(read_certificates((tmp_path / "pkcs7").read_bytes())) == {leaf, issuing}
    assert cli("cert", "export", party.serial, "--chain").out == party.certificate.read_text()


def test_openssl_lists_pkcs7_of_every_form(hospital: Hospital, tmp_path: Path) -> None:
    openssl = require_tool("openssl", "reads our PKCS#7")
    catalyst = from_pem_or_der(hospital.good.certificate.read_bytes())
    (tmp_path / "all.p7b").write_bytes(write_form(Form.PKCS7, _pure()[1], catalyst))
    shown = subprocess.run(
        [openssl, "pkcs7", "-inform", "DER", "-in", str(tmp_path / "all.p7b"), "-print_certs", "-noout"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert shown.stdout.count("subject=") == 3
    assert "CN = Pure Root" in shown.stdout


def test_openssl_opens_the_pkcs12(hospital: Hospital, tmp_path: Path) -> None:
    openssl = require_tool("openssl", "reads our PKCS#12")
    password = _secret(tmp_path / "password", b"a long password\n")
    made = _cli(hospital, tmp_path)(
        "cert", "export", hospital.good.serial, "--format", "pkcs12", "--key", hospital.good.key,
        "--password-file", password, "--out", tmp_path / "good.p12",
    )  # fmt: skip
    assert made.code == 0, made.err
    assert "alternative key has no place" in made.err
    assert (tmp_path / "good.p12").stat().st_mode & 0o777 == 0o600
    shown = subprocess.run(
        [openssl, "pkcs12", "-in", str(tmp_path / "good.p12"), "-passin", f"file:{password}", "-nodes"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert shown.stdout.count("BEGIN CERTIFICATE") == 2
    assert shown.stdout.count("BEGIN PRIVATE KEY") == 1


def test_what_export_refuses(hospital: Hospital, tmp_path: Path) -> None:
    cli, serial = _cli(hospital, tmp_path), hospital.good.serial
    short, good = _secret(tmp_path / "short", b"short\n"), _secret(tmp_path / "good", b"a long password\n")
    p12 = ("cert", "export", serial, "--format", "pkcs12")

    assert_refused(cli(*p12), 2, "the registry has no device's", "--key FILE")
    assert_refused(cli(*p12, "--key", hospital.good.key), 2, "needs a password")
    assert_refused(cli(*p12, "--key", hospital.good.key, "--password-file", short), 2, "fewer than 8")
    assert_refused(
        cli(*p12, "--key", hospital.server.key, "--password-file", good), 2, "not the certificate's"
    )
    assert_refused(cli(*p12, "--key", good, "--password-file", good), 2, "cannot be read")
    assert_refused(cli("cert", "export", serial, "--format", "der", "--chain"), 2, "one certificate")
    assert_refused(cli("cert", "export", "12", "--format", "der"), 4, "No certificate has the serial")


def test_a_post_quantum_key_has_no_place_in_pkcs12() -> None:
    key, certificate = _pure()
    given = KeyFile(key.pkcs8(), None, b"a long password")
    with pytest.raises(AlgorithmUnavailable, match="ml-dsa-87") as caught:
        write_form(Form.PKCS12, certificate, (), given)
    assert "--format pem or pkcs7" in caught.value.next_step
    assert write_form(Form.PKCS7, certificate, ()) != certificate


def test_a_foreign_folder_is_left_alone_and_ours_is_renewed(hospital: Hospital, tmp_path: Path) -> None:
    cli = _cli(hospital, tmp_path)
    foreign, ours = tmp_path / "foreign", tmp_path / "ours"
    foreign.mkdir()
    (foreign / "ca.pem").write_text("somebody's")
    bundle = ("ca", "bundle", "--for")

    assert_refused(cli(*bundle, "nginx", "--out", foreign), 5, "holds something else: ca.pem")
    assert (foreign / "ca.pem").read_text() == "somebody's"
    for _ in range(2):
        assert "nginx.conf" in cli.done(*bundle, "nginx", "--out", ours)["files"]
    assert_refused(cli(*bundle, "mosquitto", "--out", ours), 5, "holds something else")
    assert_refused(cli(*bundle, "nginx"), 2, "--out DIR")
    assert_refused(cli("ca", "bundle", "--out", ours), 2, "--for")
    assert ours.stat().st_mode & 0o777 == 0o755
    old = ours.parent / "hashed" / "ca" / "00000000.0"
    cli.done(*bundle, "openssl", "--out", tmp_path / "hashed")
    old.write_text("a CA that is trusted no more")
    cli.done(*bundle, "openssl", "--out", tmp_path / "hashed")
    assert not old.exists()


def test_after_a_rollover_each_consumer_gets_the_roots_that_it_can_read(
    hospital: Hospital, tmp_path: Path
) -> None:
    shutil.copytree(hospital.folder / "home", tmp_path / "home")
    cli = Cli(tmp_path / "home", tmp_path)
    passphrase = hospital.folder / "passphrase"
    cli.done("ca", "rollover", "root", "--profile", "root-pure", "--yes", "--passphrase-file", passphrase)
    old = cli.done("ca", "bundle", "--for", "openssl", "--out", tmp_path / "openssl")
    new = cli.done("ca", "bundle", "--for", "java", "--out", tmp_path / "java")

    assert old["left_out"] == ["root-2 (ml-dsa-87)"]
    assert sum(name.endswith(".0") for name in old["files"]) == 2
    assert (new["left_out"], "crl/root-2.crl" in new["files"]) == ([], True)


def test_a_consumer_that_can_read_no_root_is_told_so(tmp_path: Path) -> None:
    _key, certificate = _pure()
    ca = TrustedCa("root-pure", Certificate.parse(certificate), True, b"", clock.now())
    with pytest.raises(NothingToTrust, match=r"nginx can read no root of ours: root-pure \(ml-dsa-87\)"):
        write_folder(Consumer.NGINX, Trusted((ca,)), tmp_path / "nginx", clock.now())
    file = _secret(tmp_path / "file", b"")
    with pytest.raises(BadSetting, match="cannot be used"):
        write_folder(Consumer.JAVA, Trusted((ca,)), file, clock.now())
    assert Trusted((ca,)).lapsed(clock.now()) == ("root-pure",)


def _pure() -> tuple[PrivateKey, bytes]:
    key = HybridPrivateKey.generate(KeyAlgorithm.ML_DSA_87, None)
    facts = SubjectFacts(common_name="Pure Root")
    made = self_signed(by_name("root-pure"), facts, key, now=clock.now(), entropy=clock.entropy)
    return key.classical, made.der
