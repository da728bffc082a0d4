"""Requests by people, of every form: made, looked at, challenged, answered and issued at the terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from pki.csr import Request, der_from_pem_or_der
from tests.integration.cli.conftest import UNKNOWN, Cli, assert_refused
from tests.integration.cli.request_steps import issued, leaf, made, mode

FORMS = {
    "catalyst": ("device", "ec-p256"),
    "classical": ("device-classical", "ec-p256"),
    "pure": ("device-pure", "ml-dsa-65"),
    "composite": ("device-composite", "mldsa65-ecdsa-p256-sha512"),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_request_of_every_form_becomes_a_certificate(cli: Cli, form: str) -> None:
    profile, algorithm = FORMS[form]
    device = cli.approved()
    request = made(cli, device, form, "pump")
    seen = cli.done("cert", "request", "inspect", request, "--profile", profile, "--device", device)
    assert (seen["key"], seen["findings"], seen["left_to_the_ca"]) == (algorithm, [], [])
    certificate = leaf(issued(cli, request, device, profile))
    parsed = Request.parse(der_from_pem_or_der(request.read_bytes()))
    assert certificate.public_key == parsed.public.classical
    assert certificate.alternative_public_key == parsed.public.alternative


def test_a_pair_is_asked_for_and_bound(cli: Cli) -> None:
    device = cli.approved()
    first = issued(cli, made(cli, device, "classical", "pump"), device, "device-classical")
    held = ("--held", first, "--held-key", cli.folder / "pump.unencrypted.key")
    second = made(cli, device, "related", "pump-pq", *held)
    seen = cli.done("cert", "request", "inspect", second, "--profile", "device-related")
    assert seen["bound_to"] == f"{leaf(first).serial:x}"
    assert {row["rule"] for row in seen["left_to_the_ca"]} == {
        "request.related_certificate_not_shown",
        "request.related_binding_another",
        "profile.related_not_as_profile",
    }
    assert leaf(issued(cli, second, device, "device-related")).public_key.algorithm == "ml-dsa-65"


def test_an_ml_kem_key_is_challenged(cli: Cli) -> None:
    device = cli.approved()
    request = made(cli, device, "kem", "pump-kem")
    challenge, answer = cli.folder / "challenge.json", cli.folder / "answer.json"
    order = ("cert", "issue", "--csr", request, "--device", device, "--profile", "device-kem")
    assert_refused(cli(*order, "--passphrase-file", cli.passphrase), 3, "field: --answer", "cert challenge")
    cli.done("cert", "challenge", request, "--out", challenge)
    key = cli.folder / "pump-kem.unencrypted.key"
    cli.done("cert", "answer", challenge, "--key", key, "--csr", request, "--out", answer)
    assert (
        leaf(issued(cli, request, device, "device-kem", "--answer", answer)).public_key.algorithm
        == "ml-kem-768"
    )
    again = (*order, "--answer", answer, "--passphrase-file", cli.passphrase)
    assert_refused(cli(*again), 3, "field: answer")


def test_a_hospital_may_believe_a_signed_claim(cli: Cli) -> None:
    device = cli.approved()
    first = issued(cli, made(cli, device, "classical", "pump"), device, "device-classical")
    held = ("--held", first, "--held-key", cli.folder / "pump.unencrypted.key")
    request = made(cli, device, "kem", "pump-kem", *held)
    seen = cli.done("cert", "request", "inspect", request, "--profile", "device-kem")
    assert (seen["stated_by"], seen["findings"]) == (f"{leaf(first).serial:x}", [])
    order = ("cert", "issue", "--csr", request, "--device", device, "--profile", "device-kem")
    assert_refused(cli(*order, "--passphrase-file", cli.passphrase), 3, "field: --answer")
    settings = cli.home / "medtrust.toml"
    settings.write_text(settings.read_text().replace('kem_proof = "challenge"', 'kem_proof = "statement"'))
    assert leaf(issued(cli, request, device, "device-kem")).public_key.algorithm == "ml-kem-768"


def test_keys_are_sealed_and_used_again(empty: Cli) -> None:
    base, secret = empty.folder / "pump", empty.passphrase
    first = empty.done("cert", "request", "--cn", UNKNOWN, "--out", base, "--passphrase-file", secret)
    key, second = Path(first["key"]), Path(first["alternative"])
    assert [mode(key), mode(second)] == [0o600, 0o600]
    assert b"PRIVATE KEY" not in key.read_bytes()
    again = ("cert", "request", "--cn", UNKNOWN, "--key", key, "--alternative-key", second)
    repeated = empty.done(*again, "--out", empty.folder / "again", "--passphrase-file", secret)
    assert "key" not in repeated
    publics = {
        Request.parse(der_from_pem_or_der(Path(f["csr"]).read_bytes())).public for f in (first, repeated)
    }
    assert len(publics) == 1
    wrong = empty.folder / "wrong"
    wrong.write_bytes(b"another passphrase\n")
    wrong.chmod(0o600)
    assert_refused(
        empty(*again, "--out", base.with_name("no"), "--passphrase-file", wrong), 3, "field: passphrase"
    )


def test_nothing_is_overwritten(empty: Cli) -> None:
    order = ("cert", "request", "--cn", UNKNOWN, "--out", empty.folder / "pump", "--unencrypted")
    empty.done(*order)
    before = (empty.folder / "pump.unencrypted.key").read_bytes()
    assert_refused(empty(*order), 5, "field: --out", "already there")
    assert (empty.folder / "pump.unencrypted.key").read_bytes() == before


def test_unencrypted_keys_say_so(empty: Cli) -> None:
    done = empty.done("cert", "request", "--cn", UNKNOWN, "--out", empty.folder / "pump", "--unencrypted")
    assert done["key"].endswith("pump.unencrypted.key")
    assert mode(Path(done["key"])) == 0o600
    answer = empty("cert", "request", "--cn", UNKNOWN, "--out", empty.folder / "other", "--unencrypted")
    assert "medtrust cert issue --csr" in answer.err


def test_a_server_and_an_operator(cli: Cli) -> None:
    www, erika = cli.folder / "www", cli.folder / "erika"
    cli.done("cert", "request", "--profile", "server", "--dns", "www.example", "--out", www, "--unencrypted")
    name = ("--profile", "operator", "--cn", "Erika Example")
    cli.done("cert", "request", *name, "--out", erika, "--unencrypted")
    secret = ("--passphrase-file", cli.passphrase)
    server = ("--csr", f"{www}.csr", "--profile", "server", "--dns", "www.example")
    assert cli.done("cert", "issue", *server, *secret)["subject"] == "www.example"
    person = ("--csr", f"{erika}.csr", "--profile", "operator", "--operator", "Erika Example")
    assert cli.done("cert", "issue", *person, *secret)["subject"] == "Erika Example"


def test_the_hospitals_own_profile_makes_and_judges_requests(cli: Cli) -> None:
    device = cli.approved()
    folder = cli.home / "profiles"
    folder.mkdir(mode=0o700)
    (folder / "pumps.toml").write_text(
        'name = "pumps"\nextends = "device-classical"\n[keys]\nmain = ["ec-p384"]\n'
    )
    order = ("cert", "request", "--cn", device, "--profile", "pumps", "--out", cli.folder / "pump")
    request = cli.done(*order, "--unencrypted")["csr"]
    seen = cli.done("cert", "request", "inspect", request, "--profile", "pumps", "--device", device)
    assert (seen["key"], seen["findings"]) == ("ec-p384", [])
