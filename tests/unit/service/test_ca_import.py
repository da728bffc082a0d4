"""An existing CA becomes one of ours: judged first, its numbers and revocations go on, nothing by half."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pki import profiles
from pki.algorithms import KeyAlgorithm
from pki.crl import CertificateList
from pki.errors import PkiError
from pki.keys import HybridPrivateKey
from pki.path import VerifyPolicy, verify
from pki.profiles import SubjectFacts
from pki.tbs import Certificate
from registry.issuance import IssuanceOrder, issue
from registry.model.certificate import CertificateState, of_int
from registry.ports import Ports
from registry.status import StatusKind, certificate_status
from registry.store.unit_of_work import Store
from service import ca_import, clock
from service.authorities import BadAuthority, KeyPlace, read_register
from service.authority import read_bundle, unlock
from service.ca_import import Imported, ImportOrder, import_authority
from service.ca_material import Files, ImportRefused, read_material
from service.errors import ServiceError
from service.home import Home
from tests.unit.service.ca_room import (
    PASSPHRASE,
    WHO,
    certificate_of,
    copied,
    new_home,
    quick_seals,
    room_of,
)
from tests.unit.service.foreign_ca import ForeignCa, foreign_ca

__all__ = ["quick_seals"]
OLD = ImportOrder(name="old")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, quick_seals: None) -> Home:
    return new_home(tmp_path_factory.mktemp("ca") / "home")


@pytest.fixture
def home(made: Home, tmp_path: Path) -> Home:
    return copied(made, tmp_path / "home")


@pytest.fixture
def house(tmp_path: Path) -> ForeignCa:
    return foreign_ca(tmp_path / "house")


@pytest.fixture
def ports(home: Home) -> Iterator[Ports]:
    with closing(Store.open(room_of(home).settings.store_url)) as store:
        yield Ports(store, clock.now, clock.entropy)


def files(house: ForeignCa) -> Files:
    return Files(
        certificate=house.file("ca.pem"),
        key=house.file("ca.key"),
        chain=house.file("root.pem"),
        last_list=house.file("ca.crl"),
    )


def brought(home: Home, given: Files, ports: Ports, order: ImportOrder = OLD) -> Imported:
    return import_authority(read_material(given), order, room_of(home), ports=ports)


@pytest.mark.parametrize("kind", ["p256", "p384", "rsa3072"])
def test_it_issues_here_and_its_chain_verifies_by_our_bundle(
    home: Home, tmp_path: Path, ports: Ports, kind: str
) -> None:
    done = brought(home, files(foreign_ca(tmp_path / "other", kind)), ports)
    assert (done.entry.issuer_name, done.entry.imported) == ("old-above-1", True)
    assert read_register(home).get("old-above-1").key_place is KeyPlace.FOREIGN
    authority = unlock(home, room_of(home).settings, PASSPHRASE)
    ca = authority.issuer_for(profiles.SERVER, "old")
    key = HybridPrivateKey.generate(KeyAlgorithm.EC_P256, None)
    facts = SubjectFacts(common_name="www.ward", dns_names=("www.ward",))
    order = IssuanceOrder(profiles.SERVER, facts, key.public, profiles.SERVER.lifetime)
    record = issue(order, WHO, ports=ports, issuer=ca.issuer).record
    assert record.issuer == "old"

    verdict = verify(
        Certificate.parse(record.der or b""),
        bundle=read_bundle(home),
        now=clock.now(),
        intermediates=[Certificate.parse(der) for der in ca.chain],
        policy=VerifyPolicy(revocation="off"),
    )
    assert verdict.is_valid, verdict.findings


def test_its_numbers_rise_from_where_they_were_and_its_entries_stay(
    home: Home, house: ForeignCa, ports: Ports
) -> None:
    done = brought(home, files(house), ports)
    ours = CertificateList.parse((home.public / "old.crl").read_bytes())
    assert (done.revocations, done.crl_number, ours.crl_number) == (1, 43, 43)
    entry = ours.revoked(0x1000)
    assert entry is not None
    assert entry.reason.name == "KEY_COMPROMISE"
    crl = house.file("ours.crl")
    crl.write_bytes(ours.der)
    house.openssl("crl", "-inform", "DER", "-in", "ours.crl", "-CAfile", "ca.pem", "-noout")


def test_ocsp_knows_what_it_revoked_and_never_calls_its_older_certificates_forged(
    home: Home, house: ForeignCa, ports: Ports
) -> None:
    brought(home, files(house), ports)
    with ports.store.read() as uow:
        assert certificate_status(0x1000, uow, "old").kind is StatusKind.REVOKED
        assert certificate_status(0x1001, uow, "old").kind is StatusKind.NOT_ISSUED
        # Under our own CA that serial means nothing.
        assert certificate_status(0x1000, uow, "issuing").kind is StatusKind.NOT_ISSUED
    assert unlock(home, room_of(home).settings, PASSPHRASE).cas[-1].entry.imported


def test_from_a_pkcs12_file(home: Home, house: ForeignCa, ports: Ports) -> None:
    out = ("-out", "ca.p12", "-passout", "pass:old secret")
    house.openssl("pkcs12", "-export", "-in", "ca.pem", "-inkey", "ca.key", "-certfile", "root.pem", *out)
    house.file("ca.p12").chmod(0o600)
    given = Files(pkcs12=house.file("ca.p12"), password=b"old secret", last_list=house.file("ca.crl"))
    assert brought(home, given, ports).entry.name == "old"
    wrong = Files(pkcs12=house.file("ca.p12"), password=b"wrong")
    with pytest.raises(ServiceError, match="password"):
        read_material(wrong)


@pytest.mark.parametrize("form", ["traditional", "encrypted", "der"])
def test_keys_in_every_usual_form(house: ForeignCa, form: str) -> None:
    words = {
        "traditional": ("ec", "-in", "ca.key", "-out", "form.key"),
        "encrypted": ("pkcs8", "-topk8", "-in", "ca.key", "-out", "form.key", "-passout", "pass:secret"),
        "der": ("pkcs8", "-topk8", "-nocrypt", "-in", "ca.key", "-outform", "DER", "-out", "form.key"),
    }[form]
    house.openssl(*words)
    house.file("form.key").chmod(0o600)
    password = b"secret" if form == "encrypted" else None
    material = read_material(
        Files(certificate=house.file("ca.pem"), key=house.file("form.key"), password=password)
    )
    assert material.key.classical.public.spki == material.certificate.spki


def test_a_chain_whose_signatures_do_not_hold_is_never_accepted(
    home: Home, house: ForeignCa, ports: Ports, tmp_path: Path
) -> None:
    namesake = foreign_ca(tmp_path / "namesake")
    given = Files(
        certificate=house.file("ca.pem"),
        key=house.file("ca.key"),
        chain=namesake.file("root.pem"),
        last_list=house.file("ca.crl"),
    )
    with pytest.raises(ImportRefused, match="does not hold"):
        brought(home, given, ports, ImportOrder(name="old", accept_findings=True))
    assert [root.name for root in read_register(home).roots] == ["root"]


def another_key(house: ForeignCa) -> Files:
    house.key("ca.key", "p256")
    return files(house)


def not_a_ca(house: ForeignCa) -> Files:
    house.certify("not_ca")
    return files(house)


def no_lists(house: ForeignCa) -> Files:
    house.certify("no_lists")
    return files(house)


def expired(house: ForeignCa) -> Files:
    house.certify("issuing", days=-1)
    return files(house)


def no_chain(house: ForeignCa) -> Files:
    return Files(certificate=house.file("ca.pem"), key=house.file("ca.key"))


def list_of_another(house: ForeignCa) -> Files:
    house.openssl("ca", "-gencrl", "-config", "ca.cnf", "-cert", "root.pem", "-keyfile", "root.key",
                  "-crlexts", "crl", "-out", "ca.crl")  # fmt: skip
    return files(house)


def lax(house: ForeignCa) -> Files:
    house.certify("lax")
    house.openssl("ca", "-gencrl", "-config", "ca.cnf", "-crlexts", "crl", "-out", "ca.crl")
    return files(house)


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (another_key, "--key"),
        (not_a_ca, "basicConstraints"),
        (no_lists, "keyUsage"),
        (expired, "validity"),
        (no_chain, "--chain"),
        (list_of_another, "--crl"),
        (lax, "path.basic_constraints_not_critical"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_changed(
    home: Home, house: ForeignCa, ports: Ports, spoil: Callable[[ForeignCa], Files], field: str
) -> None:
    before = read_register(home), read_bundle(home), sorted(home.keys.iterdir())
    with pytest.raises(ImportRefused) as refused:
        brought(home, spoil(house), ports)
    assert refused.value.field == field
    assert (read_register(home), read_bundle(home), sorted(home.keys.iterdir())) == before


def test_faults_that_a_person_may_live_with_are_accepted_by_name_only(
    home: Home, house: ForeignCa, ports: Ports
) -> None:
    given = lax(house)
    done = brought(home, given, ports, ImportOrder(name="old", accept_findings=True))
    assert "path.basic_constraints_not_critical" in [finding.rule for finding in done.findings]


def test_a_weak_key_is_not_read_at_all(tmp_path: Path) -> None:
    with pytest.raises(PkiError):
        read_material(files(foreign_ca(tmp_path / "weak", "rsa2048")))


def test_twice_or_under_a_taken_name_is_refused(home: Home, house: ForeignCa, ports: Ports) -> None:
    with pytest.raises(ImportRefused, match="issuing is here already"):
        brought(home, files(house), ports, ImportOrder(name="issuing"))
    with pytest.raises(BadAuthority):
        brought(home, files(house), ports, ImportOrder(name="../old"))
    brought(home, files(house), ports)
    with pytest.raises(ImportRefused, match="old is here already"):
        brought(home, files(house), ports, ImportOrder(name="older"))


class Killed(BaseException):
    """Stands for kill -9."""


@pytest.mark.parametrize(
    "step", ["adopt_authority", "_certify_responders", "_publish_list", "write_register"]
)
def test_an_import_that_was_killed_is_finished_by_the_same_words(
    home: Home, house: ForeignCa, ports: Ports, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def dies(*_: object, **__: object) -> None:
        raise Killed

    before = read_register(home), read_bundle(home)
    with monkeypatch.context() as patched:
        patched.setattr(ca_import, step, dies)
        with pytest.raises(Killed):
            brought(home, files(house), ports)
    assert (read_register(home), read_bundle(home)) == before
    assert [ca.name for ca in unlock(home, room_of(home).settings, PASSPHRASE).cas] == ["issuing"]
    brought(home, files(house), ports)
    numbered = CertificateList.parse((home.public / "old.crl").read_bytes())
    assert numbered.crl_number > 42
    assert 0x1000 in numbered.serials


def test_a_serial_that_is_somebody_elses_stops_the_import(
    home: Home, tmp_path: Path, house: ForeignCa, ports: Ports
) -> None:
    brought(home, files(house), ports)
    twin = foreign_ca(tmp_path / "twin")
    twin.openssl("req", "-new", "-key", "ca.key", "-subj", "/CN=Twin", "-config", "ca.cnf", "-out", "ca.csr")
    by = ("-CA", "root.pem", "-CAkey", "root.key", "-set_serial", "0x78", "-days", "100")
    twin.openssl("x509", "-req", "-in", "ca.csr", *by, "-extfile", "ca.cnf", "-extensions", "issuing",
                 "-out", "ca.pem")  # fmt: skip
    twin.openssl("ca", "-gencrl", "-config", "ca.cnf", "-crlexts", "crl", "-out", "ca.crl")
    with pytest.raises(Exception, match=r"serial 1000 .* of old already"):
        brought(home, files(twin), ports, ImportOrder(name="twin"))
    with ports.store.read() as uow:
        record = uow.certificates.get(of_int(0x1000))
    assert record is not None
    assert (record.issuer, record.state) == ("old", CertificateState.REVOKED)
    assert "twin" not in [entry.name for entry in read_register(home).entries]


def test_its_certificate_is_kept_as_it_came(home: Home, house: ForeignCa, ports: Ports) -> None:
    brought(home, files(house), ports)
    der = read_material(files(house)).certificate.der
    assert certificate_of(home, "old").der == der
    assert der in read_bundle(home).intermediates
