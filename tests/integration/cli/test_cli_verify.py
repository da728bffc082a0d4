"""`medtrust verify` with files alone: no home, no network; what it prints, and its exit codes."""

from pathlib import Path

import pytest

from cli.cert_view import certificate_details
from pki import oids
from pki.bundle import TrustAnchor, TrustBundle, sign_bundle
from pki.constraint_extensions import certificate_policies
from pki.extensions import Extension
from pki.tbs import Certificate
from service.pem import from_pem_or_der, to_pem
from tests.integration.cli.conftest import Answer, Cli, assert_refused
from tests.unit.pki.naming import chain, dns, san
from tests.unit.pki.path_fixtures import BUNDLE, DEVICE, ISSUING, NOW, keys
from tests.unit.pki.test_chameleon import base_with, delta_of, described
from tests.unit.pki.test_path_forms import CLASSICAL, one
from tests.unit.pki.test_path_related import BUNDLE as PAIR_BUNDLE
from tests.unit.pki.test_path_related import SIGNING, TLS, half
from tests.unit.pki.test_path_revocation import CLEAN, ROOTS

POLICY = "1.3.6.1.4.1.99999.1"
POLICED = [certificate_policies((POLICY,))]


@pytest.fixture
def stranger(tmp_path: Path) -> Cli:
    """A relying party: a folder with a bundle, and no home."""
    (tmp_path / "bundle.json").write_bytes(sign_bundle(BUNDLE, keys("root")))
    return Cli(tmp_path / "no-home", tmp_path)


def file(cli: Cli, name: str, *certificates: Certificate) -> Path:
    path = cli.folder / name
    path.write_bytes(to_pem(*(c.der for c in certificates)))
    return path


def verify(cli: Cli, path: Path, *options: object, bundle: str = "bundle.json") -> Answer:
    return cli("verify", path, "--bundle", cli.folder / bundle, "--at", NOW.isoformat(), *options)


def test_a_path_is_a_table_of_who_vouches_for_each_level(stranger: Cli) -> None:
    for name, der in (("root.crl", ROOTS), ("issuing.crl", CLEAN)):
        (stranger.folder / name).write_bytes(der)
    lists = [x for name in ("root.crl", "issuing.crl") for x in ("--crl", stranger.folder / name)]
    leaf = file(stranger, "pump.pem", DEVICE)
    told = verify(stranger, leaf, *lists)
    assert (told.code, told.out.splitlines()[0].split()) == (0, ["verdict", "hybrid-valid"])
    rows = {line.split("  ")[0]: line for line in told.out.splitlines() if line.startswith("CN=")}
    roles = {
        name: next(word for word in line.split() if word in ("end", "CA", "anchor"))
        for name, line in ((n, r.removeprefix(n)) for n, r in rows.items())
    }
    assert roles == {"CN=pump-0001": "end", "CN=Issuing CA": "CA", "CN=Root": "anchor"}
    assert "ecdsa-with-sha256, holds" in rows["CN=pump-0001"]
    assert "ml-dsa-44, holds" in rows["CN=pump-0001"]
    assert "good" in rows["CN=pump-0001"]
    assert "pinned" in rows["CN=Root"]
    document = verify(stranger, leaf, *lists, "--json").json
    assert [level["status"] for level in document["levels"]] == ["good", "good", "pinned"]
    assert [level["stands"] for level in document["levels"]] == ["hybrid", "hybrid", "pinned"]


def test_an_invalid_path_ends_with_3_and_names_what_does_not_hold(stranger: Cli) -> None:
    unknown = verify(stranger, file(stranger, "pump.pem", DEVICE), "--json")
    assert (unknown.code, unknown.json["levels"][0]["status"]) == (3, "indeterminate")
    stripped = Certificate.parse(DEVICE.der[:-1] + bytes((DEVICE.der[-1] ^ 1,)))
    forged = verify(stranger, file(stranger, "forged.pem", stripped), "--revocation", "off")
    assert forged.code == 3
    assert "ecdsa-with-sha256, DOES NOT HOLD" in forged.out
    day_after = verify(stranger, file(stranger, "forged.pem", stripped), "--revocation", "off", "--pq-only")
    assert (day_after.code, "not looked at" in day_after.out) == (0, True)


def classical_bundle(cli: Cli, made: list[Certificate]) -> str:
    bundle = TrustBundle(1, NOW, (TrustAnchor.of(made[0]),))
    (cli.folder / "classical.json").write_bytes(sign_bundle(bundle, keys("plain root", None)))
    return "classical.json"


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        (("--host", "broker.example"), ""),
        (("--host", "other.example"), "path.peer_name_differs"),
        (("--policy", POLICY), ""),
        (("--policy", f"{POLICY}.1"), "path.no_acceptable_policy"),
        (("--policy", POLICY, "--inhibit-any-policy", "--inhibit-policy-mapping"), ""),
        (("--path-length", "1"), ""),
        (("--path-length", "0"), "path.path_length_exceeded"),
    ],
)
def test_what_can_be_demanded(stranger: Cli, options: tuple[str, ...], rule: str) -> None:
    made = chain([], POLICED, [*POLICED, san(dns("broker.example"))])
    bundle = classical_bundle(stranger, made)
    leaf, ca = file(stranger, "leaf.pem", made[2]), file(stranger, "ca.pem", made[1])
    told = verify(
        stranger, leaf, "--intermediate", ca, "--revocation", "off", "--json", *options, bundle=bundle
    )
    assert [f["rule"] for f in told.json["findings"]] == ([rule] if rule else [])
    assert told.code == (3 if rule else 0)
    without = verify(stranger, leaf, "--revocation", "off", bundle=bundle)
    assert (without.code, "path.no_path_to_a_trust_anchor" in without.out) == (3, True)


def test_a_pair_is_judged_as_one(stranger: Cli) -> None:
    (stranger.folder / "pair.json").write_bytes(sign_bundle(PAIR_BUNDLE, one(CLASSICAL, 0)))
    tls, signing = file(stranger, "tls.pem", TLS), file(stranger, "signing.pem", SIGNING)
    pair = verify(stranger, tls, "--related", signing, "--revocation", "off", bundle="pair.json")
    assert (pair.code, "hybrid-valid" in pair.out, "related path:" in pair.out) == (0, True, True)
    other = file(stranger, "other.pem", half(CLASSICAL, Extension(oids.FRESHEST_CRL, False, b"\x30\x00")))
    torn = verify(stranger, other, "--related", signing, "--revocation", "off", "--json", bundle="pair.json")
    assert (torn.code, torn.json["findings"][0]["rule"]) == (3, "related.hash_differs")


def test_a_delta_is_shown_and_not_believed(stranger: Cli) -> None:
    base = file(stranger, "base.pem", base_with(described(delta_of(), explicit=True)))
    told = verify(stranger, base, "--revocation", "off", "--json")
    assert (told.code, told.json["delta_certificate"]["believed"]) == (0, "no: shown only")
    assert told.json["delta_certificate"]["key"] == "ml-dsa-44"
    shown = certificate_details(Certificate.parse(from_pem_or_der(base.read_bytes())[0]), None)
    assert shown["delta_certificate"] == told.json["delta_certificate"]


def test_arguments_that_do_not_read_are_one_sentence(stranger: Cli) -> None:
    leaf = file(stranger, "pump.pem", DEVICE)
    assert_refused(verify(stranger, leaf, "--policy", "one.two"), 2, "field: --policy")
    assert_refused(verify(stranger, leaf, "--related", leaf.with_name("none")), 2)
    assert verify(stranger, leaf, "--host", "a b", "--revocation", "off").code == 3
    assert verify(stranger, file(stranger, "ca.pem", ISSUING), "--revocation", "off").code == 0
