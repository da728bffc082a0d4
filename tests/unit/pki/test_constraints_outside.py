"""Other verifiers read our name constraints as we mean them: they take and refuse what we do."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pki import names, profiles
from pki.anchor import self_signed
from pki.constraint_extensions import NameConstraints, Subtrees
from pki.errors import LintRefused
from pki.issuer import Issuer
from pki.keys import HybridPrivateKey
from pki.profiles import SubjectFacts
from pki.tbs import Certificate, sign
from pki.template import unsigned_certificate
from service.pem import to_pem
from tests.tools import require_tool
from tests.unit.pki.form_fixtures import keys_for
from tests.unit.pki.issuing_fixtures import URLS, entropy

# Both tools take the machine's time.
NOW = datetime.now(UTC)
HOSPITAL = names.encode(common_name="", organization="Hospital")
CONSTRAINTS = NameConstraints(
    permitted=Subtrees(dns=("hospital.example",), ip=("10.0.0.0/8", "fd00::/8"), directory=(HOSPITAL,)),
    excluded=Subtrees(dns=("secret.hospital.example",)),
)
SERVER = SubjectFacts(
    common_name="Broker",
    organization="Hospital",
    dns_names=("broker.hospital.example",),
    ip_addresses=("10.1.2.3", "fd00::1"),
)
OUTSIDE = {
    "host elsewhere": replace(SERVER, dns_names=("broker.clinic.example",)),
    "excluded host": replace(SERVER, dns_names=("a.secret.hospital.example",)),
    "address elsewhere": replace(SERVER, ip_addresses=("192.0.2.1",)),
    "organization of another": replace(SERVER, organization="Clinic"),
}


class House:
    """A classical root and a CA that may name the hospital's own things only."""

    def __init__(self) -> None:
        root_profile = profiles.by_name("root-classical")
        self.root_key = keys_for(root_profile)
        facts = SubjectFacts(common_name="Constraining Root", organization="Hospital")
        self.root = Certificate.parse(
            self_signed(root_profile, facts, self.root_key, now=NOW, entropy=entropy).der
        )
        profile = replace(profiles.by_name("issuing-ca-classical"), name_constraints=CONSTRAINTS)
        self.key = HybridPrivateKey.generate(profile.main[1], None)
        above = Issuer(self.root, self.root_key, URLS)
        token = above.prepare(
            profile, replace(facts, common_name="CA"), self.key.public, now=NOW, entropy=entropy
        )
        self.ca = Certificate.parse(above.issue(token).der)
        self.issuer = Issuer(self.ca, self.key, URLS, above=(self.root,))

    def unlinted(self, facts: SubjectFacts) -> bytes:
        """A certificate that our issuer would not sign: signed past it."""
        profile = replace(profiles.SERVER, alternative=None)
        unsigned = unsigned_certificate(
            profile,
            facts,
            replace(keys_for(profiles.SERVER).public, alternative=None),
            self.issuer.identity,
            serial=(1 << 126) + 7,
            not_before=self.ca.not_before,
            not_after=self.ca.not_before + timedelta(days=10),
            urls=URLS,
        )
        return sign(unsigned, self.key)


@pytest.fixture(scope="module")
def house() -> House:
    return House()


def openssl(house: House, leaf: bytes, folder: Path) -> int:
    tool = require_tool("openssl", "judges name constraints with code that is not ours")
    files = _files(house, leaf, folder)
    chain = ("-CAfile", files["root"], "-untrusted", files["ca"], files["leaf"])
    return subprocess.run(
        [tool, "verify", "-x509_strict", *chain], capture_output=True, check=False
    ).returncode


def certtool(house: House, leaf: bytes, folder: Path) -> int:
    tool = require_tool("certtool", "a third pair of eyes on name constraints")
    files = _files(house, leaf, folder)
    chain = folder / "chain.pem"
    chain.write_bytes(to_pem(leaf, house.ca.der))
    command = [tool, "--verify", "--load-ca-certificate", files["root"], "--infile", str(chain)]
    return subprocess.run(command, capture_output=True, check=False).returncode


def _files(house: House, leaf: bytes, folder: Path) -> dict[str, str]:
    found = {"root": house.root.der, "ca": house.ca.der, "leaf": leaf}
    for name, der in found.items():
        (folder / f"{name}.pem").write_bytes(to_pem(der))
    return {name: str(folder / f"{name}.pem") for name in found}


def test_what_we_issue_inside_is_taken(house: House, tmp_path: Path) -> None:
    leaf = house.unlinted(SERVER)
    assert openssl(house, leaf, tmp_path) == 0
    assert certtool(house, leaf, tmp_path) == 0


@pytest.mark.parametrize("case", OUTSIDE)
def test_what_we_refuse_is_refused_by_others_too(house: House, case: str, tmp_path: Path) -> None:
    facts = OUTSIDE[case]
    with pytest.raises(LintRefused, match=r"chain\.name_not_permitted"):
        house.issuer.prepare(
            replace(profiles.SERVER, alternative=None, form=profiles.Form.CLASSICAL),
            facts,
            replace(keys_for(profiles.SERVER).public, alternative=None),
            now=NOW,
            entropy=entropy,
        )
    leaf = house.unlinted(facts)
    assert openssl(house, leaf, tmp_path) != 0
    # GnuTLS compares no directory names (tried with 3.7): the reason to constrain hosts and addresses too.
    assert (certtool(house, leaf, tmp_path) != 0) == (case != "organization of another")
