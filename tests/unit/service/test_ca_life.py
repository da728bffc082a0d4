"""CAs after their ceremony: rollover that older relying parties follow, keys kept away, the end of a CA."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pki import oids, profiles
from pki.bundle import BundleRefused, TrustAnchor, TrustBundle, open_bundle
from pki.crl import CertificateList
from pki.keys import HybridPrivateKey
from pki.path import Status, Verdict, VerifyPolicy, verify
from pki.profiles import SubjectFacts
from pki.tbs import Certificate
from registry.issuance import IssuanceOrder, issue
from registry.model.actor import operator
from registry.model.certificate import of_int
from registry.model.errors import Refused
from registry.ports import Ports
from registry.revocation import revoke_certificate
from registry.store.unit_of_work import Store
from service import ca_keys, ca_life, ceremony_rite, clock, logs
from service.authorities import CaState, KeyPlace, read_register
from service.authority import BUNDLE_FILE, read_bundle, unlock
from service.ca_choice import CaRefused
from service.ca_keys import KeyAway, key_files
from service.ca_life import CaStepRefused, detach, distrust, refresh, retire
from service.ceremony import Room, draft_of, perform
from service.ceremony_plan import CeremonyRefused
from service.home import Home, make_private
from service.own_signers import renewed
from service.pem import to_pem
from service.rollover import Successor, rollover_text
from service.runtime import open_runtime
from service.trust_publication import next_bundle
from tests.unit.service.ca_room import (
    PASSPHRASE,
    WHO,
    certificate_of,
    copied,
    new_home,
    quick_seals,
    room_of,
)

__all__ = ["quick_seals"]
NOBODY = Successor()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, quick_seals: None) -> Home:
    return new_home(tmp_path_factory.mktemp("ca") / "home")


@pytest.fixture
def home(made: Home, tmp_path: Path) -> Home:
    return copied(made, tmp_path / "home")


@contextmanager
def ports_of(room: Room) -> Iterator[Ports]:
    store = Store.open(room.settings.store_url)
    try:
        yield Ports(store, clock.now, clock.entropy)
    finally:
        store.close()


def roll_over(room: Room, name: str, wanted: Successor = NOBODY) -> None:
    perform(draft_of(room, rollover_text(room.scene(), name, wanted)), room)


def signed_bundle(home: Home) -> bytes:
    return (home.public / BUNDLE_FILE).read_bytes()


def judged_by(bundle: TrustBundle, certificate: Certificate, *given: Certificate) -> Verdict:
    policy = VerifyPolicy(revocation="off")
    return verify(certificate, bundle=bundle, now=clock.now(), policy=policy, intermediates=given)


def leaf_of(home: Home) -> Certificate:
    """A responder's certificate: the newest end entity of the default CA."""
    authority = unlock(home, room_of(home).settings, PASSPHRASE)
    return authority.default.ocsp_ecdsa.certificate


def test_who_pins_the_old_root_follows_to_the_new_one_and_its_devices(home: Home) -> None:
    before, room = read_bundle(home), room_of(home)
    roll_over(room, "root")
    roll_over(room, "issuing", Successor(issuer="root-2"))
    after = open_bundle(signed_bundle(home), pinned_fingerprint=None, previous=before)
    assert (after.version, len(after.anchors)) == (3, 2)
    leaf, issuing = leaf_of(home), certificate_of(home, "issuing-2")
    assert leaf.issuer == issuing.subject
    assert judged_by(after, leaf, issuing).status is Status.HYBRID_VALID
    # Without the new bundle the cross certificate alone leads to the old root.
    crossed = certificate_of(home, "root-2-by-root")
    assert judged_by(before, leaf, issuing, crossed).status is Status.HYBRID_VALID
    assert not judged_by(before, leaf, issuing).is_valid


def test_who_pins_the_new_root_alone_accepts_old_devices(home: Home) -> None:
    old_leaf, room = leaf_of(home), room_of(home)
    roll_over(room, "root")
    new_root = certificate_of(home, "root-2").fingerprint
    bundle = open_bundle(signed_bundle(home), pinned_fingerprint=new_root)
    alone = TrustBundle(9, bundle.issued_at, bundle.anchors[1:], bundle.intermediates)
    assert alone.anchors[0].fingerprint == new_root
    assert judged_by(alone, old_leaf, certificate_of(home, "issuing")).status is Status.HYBRID_VALID
    # Devices and servers are given the bridge with their chain, and who pins the old root does without.
    given = unlock(home, room.settings, PASSPHRASE).default.chain
    assert given == (certificate_of(home, "issuing").der, certificate_of(home, "root-by-root-2").der)


def test_a_cross_certificate_lets_its_ca_do_no_more_than_its_own(home: Home) -> None:
    """Else whoever pins the other root would be told of a CA without bounds."""
    room = room_of(home)
    text = """
        [[ca]]
        name = "ward"
        profile = "root"
        common_name = "Ward Root CA"
        path_length = 1
        name_constraints = { permitted = { dns = ["ward.hospital.example"] } }
        [[cross]]
        subject = "ward"
        issuer = "root"
    """
    perform(draft_of(room, text), room)
    own, crossed = certificate_of(home, "ward"), certificate_of(home, "ward-by-root")
    for bound in (oids.NAME_CONSTRAINTS, oids.BASIC_CONSTRAINTS):
        assert crossed.extension(bound) == own.extension(bound)
    assert own.extension(oids.NAME_CONSTRAINTS) is not None


def test_openssl_follows_the_cross_certificate(home: Home, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    room = room_of(home)
    roll_over(room, "root")
    roll_over(room, "issuing", Successor(issuer="root-2"))
    files = {name: tmp_path / f"{name}.pem" for name in ("root", "root-2", "between", "leaf")}
    for name in ("root", "root-2"):
        files[name].write_bytes(to_pem(certificate_of(home, name).der))
    files["leaf"].write_bytes(to_pem(leaf_of(home).der))
    between = [certificate_of(home, name).der for name in ("issuing-2", "root-2-by-root")]
    files["between"].write_bytes(to_pem(*between))
    for pinned in ("root", "root-2"):
        verify_it = ["openssl", "verify", "-CAfile", str(files[pinned])]
        asked = [*verify_it, "-untrusted", str(files["between"]), str(files["leaf"])]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    only = ["openssl", "verify", "-CAfile", str(files["root"]), str(files["leaf"])]
    assert subprocess.run(only, capture_output=True, check=False).returncode != 0


@pytest.mark.parametrize(
    ("root", "issuing", "verdict"),
    [
        ("root-pure", "issuing-ca-pure", Status.PQ_ONLY_VALID),
        ("root-composite", "issuing-ca-composite", Status.HYBRID_VALID),
    ],
)
def test_algorithms_roll_over_too(home: Home, root: str, issuing: str, verdict: Status) -> None:
    before, room = read_bundle(home), room_of(home)
    roll_over(room, "root", Successor(profile=root))
    roll_over(room, "issuing", Successor(profile=issuing, issuer="root-2"))
    after = open_bundle(signed_bundle(home), pinned_fingerprint=None, previous=before)
    authority = unlock(home, room.settings, PASSPHRASE)
    assert authority.default.name == "issuing-2"
    signer = authority.default.ocsp_ml_dsa.certificate
    assert judged_by(after, signer, certificate_of(home, "issuing-2")).status is verdict


def test_the_old_ca_issues_nothing_but_speaks_for_its_certificates(home: Home) -> None:
    room = room_of(home)
    roll_over(room, "issuing")
    register = read_register(home)
    assert (register.default, register.get("issuing").state) == ("issuing-2", CaState.RETIRED)
    with open_runtime(home) as runtime:
        authority = renewed(unlock(home, room.settings, PASSPHRASE), runtime, PASSPHRASE, logs.get("test"))
    assert [ca.name for ca in authority.cas] == ["issuing-2", "issuing"]
    # The registry proves itself to devices by the CA that issues now.
    assert authority.registry.certificate.issuer == certificate_of(home, "issuing-2").subject
    assert authority.issuer_for(profiles.DEVICE).name == "issuing-2"
    with pytest.raises(CaRefused, match="retired"):
        authority.issuer_for(profiles.DEVICE, "issuing")


def test_the_same_subject_is_never_used_for_two_keys(home: Home) -> None:
    room = room_of(home)
    roll_over(room, "issuing")
    roll_over(room, "issuing-2")
    subjects = {certificate_of(home, entry.name).subject for entry in read_register(home).entries}
    assert len(subjects) == len(read_register(home).entries) == 4


class Killed(BaseException):
    """Stands for kill -9."""


def dies(*_: object, **__: object) -> None:
    raise Killed


@pytest.mark.parametrize("step", ["issue_anchor", "carry", "write_register", "publish_bundle"])
def test_a_rollover_that_was_killed_is_finished_by_the_same_words(
    home: Home, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    before, room = read_bundle(home), room_of(home)
    text = rollover_text(room.scene(), "root", NOBODY)
    with monkeypatch.context() as patched:
        patched.setattr(ceremony_rite, step, dies)
        with pytest.raises(Killed):
            perform(draft_of(room, text), room)
    # Whatever is there is whole: the old bundle stands, the old CAs open, the new root is in both or none.
    assert read_bundle(home) == before
    assert unlock(home, room.settings, PASSPHRASE).default.name == "issuing"
    if step == "issue_anchor":
        assert len(read_register(home).entries) == 2
    perform(draft_of(room, text), room)
    assert len(read_bundle(home).anchors) == 2
    assert {cross.name for cross in read_register(home).cross} == {"root-2-by-root", "root-by-root-2"}


def test_a_root_that_is_carried_away_leaves_nothing_behind(home: Home, tmp_path: Path) -> None:
    stick, room = tmp_path / "stick", room_of(home)
    with ports_of(room) as ports:
        files = detach(room, "root", stick, ports=ports)
    assert len(files) == 2
    assert not key_files(home.keys, "root")
    assert read_register(home).get("root").key_place is KeyPlace.AWAY
    assert unlock(home, room.settings, PASSPHRASE).default.name == "issuing"
    with pytest.raises(KeyAway, match="--root"), ports_of(room) as ports:
        refresh(room_of(home), ports=ports)
    with_stick = room_of(home, medium=stick)
    with ports_of(room) as ports:
        lists, bundle = refresh(with_stick, ports=ports)
    assert ([each.issuer for each in lists], bundle.version) == (["root"], 2)
    roll_over(with_stick, "issuing")
    assert read_bundle(home).version == 3


def test_a_detach_that_was_killed_never_loses_the_key(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stick, room = tmp_path / "stick", room_of(home)
    for step in ("write_register", "forget"):
        with monkeypatch.context() as patched, ports_of(room) as ports:
            patched.setattr(ca_life, step, dies)
            with pytest.raises(Killed):
                detach(room, "root", stick, ports=ports)
        assert len(key_files(home.keys, "root")) == len(key_files(stick, "root")) == 2
    with ports_of(room) as ports:
        detach(room, "root", stick, ports=ports)
    assert not key_files(home.keys, "root")
    assert ca_keys.Keyring(home, PASSPHRASE, stick).has(read_register(home).get("root"))


def test_another_homes_medium_is_refused(home: Home, tmp_path: Path) -> None:
    room, stick = room_of(home), tmp_path / "stick"
    other = new_home(tmp_path / "other")
    with ports_of(room) as ports:
        detach(room, "root", stick, ports=ports)
    foreign = make_private(tmp_path / "foreign")
    ca_keys.carry(other.keys, foreign, "root")
    with pytest.raises(Exception, match="not the one in the CA's certificate"), ports_of(room) as ports:
        refresh(room_of(home, medium=foreign), ports=ports)


def test_a_ca_that_issues_is_not_carried_away(home: Home, tmp_path: Path) -> None:
    room = room_of(home)
    with pytest.raises(CaStepRefused, match="every day"), ports_of(room) as ports:
        detach(room, "issuing", tmp_path / "stick", ports=ports)


def test_the_default_ca_is_neither_retired_nor_distrusted(home: Home) -> None:
    room = room_of(home)
    with ports_of(room) as ports:
        for step in (retire, distrust):
            with pytest.raises(CaStepRefused, match="nobody could issue"):
                step(room, "issuing", ports=ports)
        with pytest.raises(CaStepRefused, match="nobody could issue"):
            distrust(room, "root", ports=ports)


def test_a_distrusted_issuing_ca_is_on_its_roots_list_and_out_of_the_bundle(home: Home) -> None:
    room = room_of(home)
    roll_over(room, "issuing")
    gone, leaf = certificate_of(home, "issuing"), certificate_of(home, "ocsp-ecdsa")
    with ports_of(room) as ports:
        bundle = distrust(room, "issuing", ports=ports)
    assert gone.der not in bundle.intermediates
    listed = CertificateList.parse((home.public / "root.crl").read_bytes())
    entry = listed.revoked(gone.serial)
    assert entry is not None
    assert entry.reason.name == "CA_COMPROMISE"
    assert [ca.name for ca in unlock(home, room.settings, PASSPHRASE).cas] == ["issuing-2"]
    crls = [(home.public / f"{name}.crl").read_bytes() for name in ("root", "issuing")]
    verdict = verify(leaf, bundle=bundle, now=clock.now(), intermediates=(gone,), crls=crls)
    assert verdict.status is Status.INVALID


def test_a_distrusted_root_leaves_with_all_below_and_the_new_one_signs(home: Home) -> None:
    room = room_of(home)
    roll_over(room, "root")
    roll_over(room, "issuing", Successor(issuer="root-2"))
    both, old_leaf = read_bundle(home), certificate_of(home, "ocsp-ecdsa")
    with ports_of(room) as ports:
        distrust(room, "root", ports=ports)
    bundle = open_bundle(signed_bundle(home), pinned_fingerprint=None, previous=both)
    assert [a.fingerprint for a in bundle.anchors] == [certificate_of(home, "root-2").fingerprint]
    # Neither the old root nor its bridge to the new one vouches for anything any more.
    given = [certificate_of(home, name) for name in ("issuing", "root-by-root-2")]
    refused = judged_by(bundle, old_leaf, *given)
    assert {f.rule for f in refused.findings if f.refuses} == {"path.key_withdrawn"}
    assert judged_by(bundle, leaf_of(home), certificate_of(home, "issuing-2")).is_valid
    crossed = certificate_of(home, "root-by-root-2").serial
    assert crossed in CertificateList.parse((home.public / "root-2.crl").read_bytes()).serials
    later = next_bundle(home, read_register(home), bundle, clock.now())
    assert set(later.withdrawn) >= TrustAnchor.of(certificate_of(home, "root")).key_fingerprints
    with pytest.raises(BundleRefused):
        open_bundle(signed_bundle(home), pinned_fingerprint=certificate_of(home, "root").fingerprint)


@pytest.mark.parametrize(
    ("subject", "issuer"), [("root", "root-2"), ("root-2", "root"), ("", "root"), ("", "issuing")]
)
def test_a_ca_that_ended_is_certified_by_nobody_and_certifies_none(
    home: Home, subject: str, issuer: str
) -> None:
    room = room_of(home)
    roll_over(room, "root")
    roll_over(room, "issuing", Successor(issuer="root-2"))
    with ports_of(room) as ports:
        distrust(room, "root", ports=ports)
    by = issuer if not subject else "root-2"
    text = f"[[ca]]\nname = 'late'\nprofile = 'offline-ca'\nissuer = '{by}'\ncommon_name = 'Late CA'\n"
    if subject:
        text += f"[[cross]]\nsubject = '{subject}'\nissuer = '{issuer}'\n"
    with pytest.raises(CeremonyRefused, match="distrusted"):
        draft_of(room, text)
    milder = f"retire = ['root']\n{text}".replace(f"issuer = '{by}'", "issuer = 'root-2'", 1)
    with pytest.raises(CeremonyRefused, match="root is distrusted"):
        draft_of(room, milder.partition("[[cross]]")[0])


def test_a_process_that_runs_on_issues_nothing_by_a_distrusted_ca(home: Home) -> None:
    """`medtrust up` opened its CAs at its start, and nobody has restarted it yet."""
    room = room_of(home)
    opened = unlock(home, room.settings, PASSPHRASE).default
    roll_over(room, "issuing")
    key = HybridPrivateKey.generate(profiles.SERVER.main[0], None)
    facts = SubjectFacts(common_name="ward.example", dns_names=("ward.example",))
    order = IssuanceOrder(profiles.SERVER, facts, key.public, profiles.SERVER.lifetime)
    with ports_of(room) as ports:
        distrust(room, "issuing", ports=ports)
        with pytest.raises(Refused, match="distrusted"):
            issue(order, WHO, ports=ports, issuer=opened.issuer)
        default = unlock(home, room.settings, PASSPHRASE).default
        assert issue(order, WHO, ports=ports, issuer=default.issuer).record.issuer == "issuing-2"


def test_a_cas_own_certificate_is_not_revoked_like_a_devices(home: Home) -> None:
    room = room_of(home)
    serial = of_int(certificate_of(home, "issuing").serial)
    with ports_of(room) as ports, pytest.raises(Refused, match="in a ceremony"):
        revoke_certificate(serial, "keyCompromise", operator("mallory"), ports=ports)
