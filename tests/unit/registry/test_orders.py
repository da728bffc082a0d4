"""Orders of every form: what a request rests on beside itself is found, judged and looked at again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pki import csr, oids, profiles
from pki.algorithms import PrivateKey
from pki.csr_build import Holder
from pki.errors import RequestRefused
from pki.providers.interface import KeyAlgorithm
from pki.related import RelatedCertificate
from pki.tbs import Certificate
from registry.issuance import issue
from registry.model.certificate import CertificateState
from registry.model.errors import BadInput, Refused
from registry.ordering import Asked, order_of
from tests.unit.registry.desk import Desk, content, desk_of, strict
from tests.unit.registry.hospital import ENGINEER, MONITOR, Hospital, device_key


@pytest.fixture
def desk(hospital: Hospital) -> Desk:
    return desk_of(hospital)


def test_a_related_pair(desk: Desk) -> None:
    holder = desk.classical()
    record = desk.order(desk.bound(holder), profiles.DEVICE_RELATED)
    value = Certificate.parse(record.der or b"").extension(oids.RELATED_CERTIFICATE)
    assert value is not None
    assert RelatedCertificate.read(value).matches(holder.certificate.der)
    states = [c.state for c in desk.hospital.certificates()]
    assert states == [CertificateState.ACTIVE, CertificateState.ACTIVE]


def test_a_pair_is_not_bound_to_a_revoked_certificate(desk: Desk) -> None:
    holder = desk.classical()
    der = desk.bound(holder)
    desk.revoke(holder)
    with pytest.raises(Refused, match="revoked") as refused:
        desk.order(der, profiles.DEVICE_RELATED)
    assert refused.value.field == "certID"


def test_a_revocation_between_order_and_signature_is_seen(desk: Desk) -> None:
    holder = desk.classical()
    asked = Asked(request=desk.bound(holder), profile=profiles.DEVICE_RELATED, device=desk.device.device_id)
    order = order_of(asked, desk.hospital.parts, desk.hospital.ports, content)
    desk.revoke(holder)
    with pytest.raises(Refused, match="revoked"):
        issue(order, ENGINEER, ports=desk.hospital.ports, issuer=desk.hospital.parts.issuer)
    assert [c.profile for c in desk.hospital.certificates()] == ["device-classical"] * 2


def test_the_path_of_what_is_named_is_judged(desk: Desk) -> None:
    with pytest.raises(Refused, match=r"path\.issuer_revoked"):
        desk.order(desk.bound(desk.classical()), profiles.DEVICE_RELATED, strict)


def test_another_devices_certificate_is_nobodys_to_be_bound_to(desk: Desk) -> None:
    holder = desk.classical()
    other = replace(desk, device=desk.hospital.admit(MONITOR))
    with pytest.raises(Refused, match="another owner") as refused:
        other.order(other.bound(holder), profiles.DEVICE_RELATED)
    assert refused.value.field == "certID"


def test_a_certificate_from_elsewhere_is_not_believed(desk: Desk) -> None:
    _, issuing = desk.classical(), desk.hospital.parts.issuer.certificate
    stranger = Holder(issuing, PrivateKey.generate(KeyAlgorithm.EC_P256))
    with pytest.raises(Refused, match="did not issue"):
        desk.order(desk.bound(stranger), profiles.DEVICE_RELATED)


def test_a_serial_of_ours_under_another_issuers_name_is_not_believed(desk: Desk) -> None:
    holder = desk.classical()
    renamed = replace(holder.certificate, issuer=holder.certificate.subject)
    with pytest.raises(Refused, match="did not issue"):
        desk.order(desk.bound(replace(holder, certificate=renamed)), profiles.DEVICE_RELATED)


def test_an_old_request_is_not_bound(desk: Desk) -> None:
    der = desk.bound(desk.classical())
    desk.hospital.wait(hours=25)
    with pytest.raises(Refused, match="not_fresh") as refused:
        desk.order(der, profiles.DEVICE_RELATED)
    assert refused.value.field == "requestTime"


def test_a_renewal_replaces_what_was_renewed_and_nothing_beside_it(desk: Desk) -> None:
    hospital = desk.hospital
    first = hospital.confirm(hospital.enroll(desk.device))
    holder = desk.classical()
    der = desk.kem()
    beside = [
        desk.order(desk.bound(holder), profiles.DEVICE_RELATED),
        desk.order(der, profiles.DEVICE_KEM, answer=desk.challenged(der)),
    ]
    new = device_key(7)
    hospital.confirm(hospital.renew(desk.device, first, key=new), key=new)
    states = {c.certificate_serial: c.state for c in hospital.certificates()}
    assert states[first.certificate_serial] is CertificateState.SUPERSEDED
    assert [states[c.certificate_serial] for c in beside] == [CertificateState.ACTIVE] * 2


def test_our_own_keys_are_not_ordered(desk: Desk) -> None:
    der = csr.build(desk.key, common_name="Hospital Issuing CA")
    with pytest.raises(BadInput) as refused:
        desk.order(der, profiles.ISSUING_CA)
    assert refused.value.field == "profile"


def test_an_operator_is_named_by_the_order(desk: Desk) -> None:
    der = csr.build(desk.key, common_name="Erika Example")
    record = desk.order(der, profiles.OPERATOR, device=None, operator="Erika Example")
    assert record.subject == "Erika Example"
    with pytest.raises(RequestRefused, match="subject_of_another"):
        desk.order(der, profiles.OPERATOR, device=None, operator="Somebody Else")
    with pytest.raises(BadInput) as refused:
        desk.order(der, profiles.OPERATOR)
    assert refused.value.field == "--operator"


def test_a_servers_names_are_written_in_lower_case(desk: Desk) -> None:
    der = csr.build(desk.key, common_name="www.hospital.example")
    record = desk.order(der, profiles.SERVER, device=None, dns_names=("WWW.hospital.example",))
    assert record.subject == "www.hospital.example"
