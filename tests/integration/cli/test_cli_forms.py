"""Each form at the command line: a CA by ceremony, a request, a certificate, a stranger's verdict, its end.

This is the promise "each form issued, verified, revocable". Keys are sealed at the floor of what is allowed.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from pki import csr as requests
from pki.algorithms import KeyAlgorithm, require
from pki.errors import AlgorithmUnavailable
from tests.integration.cli.conftest import Answer, Cli
from tests.quick_seals import quick_seals

__all__ = ["quick_seals"]

CA = """
[[ca]]
name = "{name}"
profile = "{profile}"
common_name = "General Hospital {name}"
"""


@dataclass(frozen=True)
class Walk:
    """One form: its CAs, what a device asks with, and what a verifier says."""

    root: str
    issuing: str
    device: str
    """The form of its request."""
    verdict: str
    after_the_day: str
    """The verdict of --pq-only."""
    openssl: bool = False
    """Whether OpenSSL 3.0 reads the whole chain."""


WALKS = {
    "catalyst": Walk("root", "issuing-ca", "catalyst", "hybrid-valid", "pq-only-valid", openssl=True),
    "classical": Walk(
        "root-classical", "issuing-ca-classical", "classical", "classical-valid", "invalid", openssl=True
    ),
    "pure": Walk("root-pure", "issuing-ca-pure", "pure", "pq-only-valid", "pq-only-valid"),
    "composite": Walk("root-composite", "issuing-ca-composite", "composite", "hybrid-valid", "pq-only-valid"),
    "slh-dsa": Walk("root-slh-dsa", "issuing-ca-pure", "pure", "pq-only-valid", "pq-only-valid"),
}


def _hierarchy(*pairs: tuple[str, str]) -> str:
    """A ceremony's file: of each pair of profiles a root and an issuing CA below it."""
    lines = ['title = "Every form"\norganization = "General Hospital"\n']
    for number, (root, issuing) in enumerate(pairs):
        end = f"-{number + 1}" if number else ""
        lines.append(CA.format(name=f"root{end}", profile=root))
        lines.append(CA.format(name=f"issuing{end}", profile=issuing) + f'issuer = "root{end}"\n')
    lines.append("default = true\n" if len(pairs) == 1 else "")
    return "".join(lines)


def _held(cli: Cli, *pairs: tuple[str, str]) -> None:
    """The ceremony as a hospital holds it: read what will be signed, then sign exactly that."""
    file = cli.folder / "ceremony.toml"
    file.write_text(_hierarchy(*pairs))
    ceremony = ("ca", "ceremony", file, "--passphrase-file", cli.passphrase)
    read = cli.done(*ceremony, "--dry-run")
    assert [ca["profile"] for ca in read["certificates"]] == [name for pair in pairs for name in pair]
    assert not (cli.home / "ca.json").exists()
    cli.done(*ceremony, "--expect", read["digest"])


def _profile(form: str) -> str:
    return "device" if form == "catalyst" else f"device-{form}"


def _requested(cli: Cli, device: str, form: str, name: str, *options: object) -> Path:
    at = cli.folder / name
    order = ("cert", "request", "--cn", device, "--form", form, "--out", at, *options)
    cli.done(*order, "--passphrase-file", cli.passphrase)
    return at.with_suffix(".csr")


def _issued(cli: Cli, device: str, form: str, name: str, *options: object) -> str:
    """The serial number of a new certificate, in NAME.pem with its chain, for the request in NAME.csr."""
    csr = cli.folder / f"{name}.csr"
    order = ("cert", "issue", "--csr", csr, "--profile", _profile(form), "--device", device)
    out = cli.folder / f"{name}.pem"
    made = cli.done(*order, "--out", out, "--passphrase-file", cli.passphrase, *options)
    serial: str = made["certificate_serial"]
    return serial


def _judged(cli: Cli, name: str, *options: object) -> Answer:
    """What somebody says who holds the bundle, the root's fingerprint and the lists, and no home."""
    bundle = cli.folder / "bundle.json"
    bundle.write_text(cli("ca", "bundle").out)
    root = cli("ca", "fingerprint").out.strip()
    lists = [word for crl in sorted((cli.home / "public").glob("*.crl")) for word in ("--crl", crl)]
    asked = ("verify", cli.folder / f"{name}.pem", "--bundle", bundle, "--root-fingerprint", root)
    return Cli(cli.folder / "nowhere", cli.folder)(*asked, *lists, *options, "--json")


def _verdict(cli: Cli, name: str, *options: object) -> str:
    verdict: str = _judged(cli, name, *options).json["verdict"]
    return verdict


def _revoked(cli: Cli, serial: str, name: str, ca: str, *options: object) -> None:
    """Revoked, refused at once here, refused everywhere once the list is out, and the others' lists stand."""
    cli.done("cert", "revoke", serial, "--reason", "keyCompromise", "--yes")
    here = cli("cert", "verify", serial, "--json")
    assert (here.code, here.json["findings"][-1]["rule"]) == (3, "registry.revoked_not_yet_published")
    cli.done("crl", "publish", "--ca", ca, "--passphrase-file", cli.passphrase)
    assert cli("crl", "verify", cli.home / f"public/{ca}.crl", "--json").json["good"] is True
    listed = [entry["certificate_serial"] for entry in cli.done("crl", "show", ca)["entries"]]
    assert serial in listed
    refused = _judged(cli, name, *options)
    assert (refused.code, refused.json["verdict"]) == (3, "invalid")
    assert [finding["rule"] for finding in refused.json["findings"]] == ["path.certificate_revoked"]


def _openssl_agrees(cli: Cli, name: str, *, revoked: bool) -> None:
    lists = cli.folder / "lists.pem"
    ders = [(cli.home / "public" / f"{ca}.crl").read_bytes() for ca in ("root", "issuing")]
    lists.write_bytes(b"".join(requests.to_pem(der, "X509 CRL") for der in ders))
    root, chain = cli.home / "certs/root.pem", cli.home / "certs/issuing.pem"
    given = ("-CRLfile", lists, "-CAfile", root, "-untrusted", chain, cli.folder / f"{name}.pem")
    command = ["openssl", "verify", "-crl_check_all", *map(str, given)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (said.returncode == 0) is not revoked, said.stderr
    assert ("certificate revoked" in said.stderr) is revoked


def _exported(cli: Cli, serial: str) -> None:
    """Each form of export holds the certificate; openssl takes PKCS#7 apart whatever the keys are."""
    signed = cli.folder / "signed.p7c"
    assert cli("cert", "export", serial, "--format", "pkcs7", "--chain", "--out", signed).code == 0
    command = ["openssl", "pkcs7", "-inform", "DER", "-in", str(signed), "-print_certs", "-noout"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert shown.count("subject=") == 2
    der = cli.folder / "signed.der"
    assert cli("cert", "export", serial, "--format", "der", "--out", der).code == 0
    assert cli.done("cert", "show", der)["certificate_serial"] == serial


def _require_slh_dsa() -> None:
    try:
        require(KeyAlgorithm.SLH_DSA_SHA2_256S)
    except AlgorithmUnavailable as missing:
        pytest.skip(f"SLH-DSA needs liboqs: {missing.problem}")


@pytest.mark.parametrize("form", WALKS)
def test_a_form_is_issued_verified_and_revoked(empty: Cli, form: str) -> None:
    if form == "slh-dsa":
        _require_slh_dsa()
    walk = WALKS[form]
    _held(empty, (walk.root, walk.issuing))
    device = empty.approved()
    csr = _requested(empty, device, walk.device, "pump")
    asked = ("--profile", _profile(walk.device), "--device", device)
    assert empty("cert", "request", "inspect", csr, *asked).code == 0
    serial = _issued(empty, device, walk.device, "pump")

    assert _verdict(empty, "pump") == walk.verdict
    assert _verdict(empty, "pump", "--pq-only") == walk.after_the_day
    assert _judged(empty, "pump", "--purpose", "server").code == 3
    assert empty.done("cert", "verify", serial)["verdict"] == walk.verdict
    assert "O=General Hospital" in empty.done("cert", "show", serial)["subject"]
    _exported(empty, serial)
    if walk.openssl:
        _openssl_agrees(empty, "pump", revoked=False)

    _revoked(empty, serial, "pump", "issuing")
    if walk.openssl:
        _openssl_agrees(empty, "pump", revoked=True)
    assert empty.done("device", "show", device)["state"] == "revoked"
    assert empty("doctor").code == 2
    assert empty.done("audit", "verify")["verified"] is True


def test_a_related_pair_is_issued_verified_and_revoked(empty: Cli) -> None:
    """Two certificates of two CAs; together hybrid, and no more once either half is revoked."""
    _held(empty, ("root-classical", "issuing-ca-classical"), ("root-pure", "issuing-ca-pure"))
    device = empty.approved()
    _requested(empty, device, "classical", "old")
    first = _issued(empty, device, "classical", "old")
    held = ("--held", empty.folder / "old.pem", "--held-key", empty.folder / "old.key")
    _requested(empty, device, "related", "new", *held)
    second = _issued(empty, device, "related", "new")
    old, new = (("--related", empty.folder / f"{name}.pem") for name in ("old", "new"))

    assert (_verdict(empty, "old"), _verdict(empty, "new")) == ("classical-valid", "pq-only-valid")
    assert _verdict(empty, "old", *new) == _verdict(empty, "new", *old) == "hybrid-valid"
    assert _verdict(empty, "old", *new, "--pq-only") == "pq-only-valid"

    _revoked(empty, second, "new", "issuing-2")
    assert _verdict(empty, "old", *new) == "invalid"
    assert _verdict(empty, "old") == "classical-valid"
    assert empty.done("device", "show", device)["state"] == "active"
    _revoked(empty, first, "old", "issuing")
    assert empty.done("device", "show", device)["state"] == "revoked"


def test_an_ml_kem_key_is_challenged_certified_and_revoked(empty: Cli) -> None:
    _held(empty, ("root-pure", "issuing-ca-pure"))
    device = empty.approved()
    csr = _requested(empty, device, "kem", "pump")
    challenge, answer = empty.folder / "challenge.json", empty.folder / "answer.json"
    unproved = ("cert", "issue", "--csr", csr, "--profile", "device-kem", "--device", device)
    assert empty(*unproved, "--passphrase-file", empty.passphrase).code == 3
    assert empty("cert", "challenge", csr, "--out", challenge).code == 0
    key = ("--key", empty.folder / "pump.key", "--passphrase-file", empty.passphrase)
    assert empty("cert", "answer", challenge, *key, "--out", answer).code == 0
    serial = _issued(empty, device, "kem", "pump", "--answer", answer)

    assert empty.done("cert", "show", serial)["key"] == "ml-kem-768"
    assert _verdict(empty, "pump") == _verdict(empty, "pump", "--pq-only") == "pq-only-valid"
    assert empty(*unproved, "--answer", answer, "--passphrase-file", empty.passphrase).code == 3
    _revoked(empty, serial, "pump", "issuing")
