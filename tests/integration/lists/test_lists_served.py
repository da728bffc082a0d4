"""From the setting to the answer: certificates name their part, the part is served, and says what changed."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from mqtt_bridge.broker.interface import Address
from pki import extensions, oids
from pki.crl_checks import verify_crl
from pki.crl_list import CertificateList, CrlReason
from pki.crl_shard import shard_of
from pki.tbs import Certificate
from registry.publication import DELTA, WHOLE
from registry.revocation import hold_certificate, release_certificate, revoke_certificate
from service import logs
from service.authority import Authority, unlock
from service.doctor import Level, examine
from service.effects import Effects
from service.home import Home
from service.publisher import list_file
from service.runtime import Runtime
from service.settings import read_settings
from service.status.server import StatusServer
from tests.unit.pki import pkilint_door
from tests.unit.service.status_fixtures import PASSPHRASE, WHO, certify, make_home, opened


@dataclass
class Divided:
    """A CA with sixteen parts and deltas, its status server, and what publishes in `medtrust up`."""

    home: Home
    authority: Authority
    runtime: Runtime
    effects: Effects
    address: Address

    def get(self, path: str) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection(self.address.host, self.address.port, timeout=10)
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return response, body

    def list(self, path: str) -> CertificateList:
        response, body = self.get(path)
        assert response.status == 200
        assert response.headers["Content-Type"] == "application/pkix-crl"
        found = CertificateList.parse(body)
        assert verify_crl(found, self.authority.issuing.certificate) == ()
        return found


@pytest.fixture(scope="module")
def divided(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Divided]:
    home, _ = make_home(tmp_path_factory.mktemp("lists"))
    settings = replace(read_settings(home), crl_shards=16, crl_deltas=True)
    authority = unlock(home, settings, PASSPHRASE)
    with opened(home) as inside, opened(home) as outside:
        server = StatusServer(authority, inside, Address("127.0.0.1", 0))
        effects = Effects(
            home=home,
            ports=outside.ports,
            signers=[ca.list_signer for ca in authority.cas],
            log=logs.get("test"),
            on_published=server.touch,
        )
        effects.publish_now()
        try:
            yield Divided(home, authority, outside, effects, server.start())
        finally:
            server.stop()


def path_in(certificate: Certificate) -> str:
    named = certificate.extension(oids.CRL_DISTRIBUTION_POINTS)
    assert named is not None
    (url,) = extensions.uris(named)
    return urlsplit(url).path


def test_a_certificate_names_a_part_that_is_served_and_says_when_it_is_revoked(divided: Divided) -> None:
    record = certify(divided.authority, divided.runtime.ports)
    certificate = Certificate.parse(record.der or b"")
    path = path_in(certificate)
    assert path == f"/crl/issuing/{shard_of(certificate.serial, 16)}.crl"
    before = divided.list(path)
    assert before.revoked(certificate.serial) is None
    assert [urlsplit(url).path for url in before.distribution_point] == [path]
    revoke_certificate(record.certificate_serial, "keyCompromise", WHO, ports=divided.runtime.ports)
    signed = divided.effects.publish_changed()
    assert [stored.scope for stored in signed] == [str(shard_of(certificate.serial, 16)), WHOLE, DELTA]
    entry = divided.list(path).revoked(certificate.serial)
    assert entry is not None
    assert entry.reason is CrlReason.KEY_COMPROMISE
    assert divided.list("/crl/issuing.crl").revoked(certificate.serial) == entry
    assert divided.list("/crl/issuing/delta.crl").revoked(certificate.serial) == entry
    assert divided.effects.publish_changed() == ()


def test_a_release_is_served_by_the_delta(divided: Divided) -> None:
    record = certify(divided.authority, divided.runtime.ports)
    serial = int(record.certificate_serial, 16)
    hold_certificate(record.certificate_serial, WHO, ports=divided.runtime.ports)
    divided.effects.publish_changed()
    release_certificate(record.certificate_serial, WHO, ports=divided.runtime.ports)
    divided.effects.publish_changed()
    entry = divided.list("/crl/issuing/delta.crl").revoked(serial)
    assert entry is not None
    assert entry.reason is CrlReason.REMOVE_FROM_CRL
    assert divided.list("/crl/issuing.crl").revoked(serial) is None


def test_the_root_has_a_whole_list_only(divided: Divided) -> None:
    assert divided.get("/crl/root.crl")[0].status == 200
    assert path_in(divided.authority.issuing.certificate) == "/crl/root.crl"
    assert divided.get("/crl/root/16-3.crl")[0].status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/crl/issuing/16-16.crl",
        "/crl/issuing/64-3.crl",
        "/crl/issuing/016-3.crl",
        "/crl/issuing/whole.crl",
        "/crl/issuing/.crl",
        "/crl/issuing/16-3.crl/x.crl",
        "/crl/nobody/16-3.crl",
        "/crl/../issuing.crl",
        "/crl/issuing/16-3",
        "/crl/.crl",
    ],
)
def test_what_is_no_list_is_not_found(divided: Divided, path: str) -> None:
    assert divided.get(path)[0].status == 404


def test_a_part_is_cached_like_a_list(divided: Divided) -> None:
    response, _ = divided.get("/crl/issuing/16-3.crl")
    assert response.headers["ETag"]
    assert "max-age=" in response.headers["Cache-Control"]


def test_files_are_the_lists_that_are_served(divided: Divided) -> None:
    for scope, path in ((WHOLE, "/crl/issuing.crl"), ("16-3", "/crl/issuing/16-3.crl")):
        assert list_file(divided.home, "issuing", scope).read_bytes() == divided.get(path)[1]


def test_a_file_that_a_killed_process_left_behind_is_written_at_the_next_start(divided: Divided) -> None:
    file = list_file(divided.home, "issuing", "16-5")
    good = file.read_bytes()
    file.write_bytes(good[:100])
    divided.effects.publish_now()
    assert CertificateList.parse(file.read_bytes()).crl_number == CertificateList.parse(good).crl_number


def test_doctor_and_health_see_a_part_that_lapsed(divided: Divided, tmp_path: Path) -> None:
    assert divided.get("/healthz")[0].status == 200
    with divided.runtime.store.read() as uow:
        head = uow.lists.heads("issuing")["16-9"]
    later = replace(divided.runtime.ports, clock=lambda: head.next_update)
    report = examine(replace(divided.runtime, ports=later))
    (found,) = [check for check in report.checks if check.name == "issuing list"]
    assert found.level is Level.CRITICAL
    assert "parts have lapsed" in found.message


def test_pkilint_has_nothing_to_say_about_a_part_and_a_delta_with_entries(divided: Divided) -> None:
    held, released, revoked = (certify(divided.authority, divided.runtime.ports) for _ in range(3))
    ports = divided.runtime.ports
    hold_certificate(released.certificate_serial, WHO, ports=ports)
    divided.effects.publish_changed()
    hold_certificate(held.certificate_serial, WHO, ports=ports)
    release_certificate(released.certificate_serial, WHO, ports=ports)
    revoke_certificate(revoked.certificate_serial, "privilegeWithdrawn", WHO, ports=ports)
    divided.effects.publish_changed()
    part = f"/crl/issuing/{shard_of(int(revoked.certificate_serial, 16), 16)}.crl"
    for path, several in ((part, 1), ("/crl/issuing/delta.crl", 3), ("/crl/issuing.crl", 2)):
        assert len(list(divided.list(path).entries())) >= several
        assert pkilint_door.of_list(divided.get(path)[1]) == {}
