"""What a request may ask for, by profile; what it may not stands in test_refusals."""

from __future__ import annotations

from pki import asn1, csr, oids
from pki.extensions import (
    Extension,
    KeyUsage,
    basic_constraints,
    extended_key_usage,
    key_usage,
    subject_key_identifier,
)
from pki.identity_extensions import device_names, host_names
from pki.profiles import DEVICE, DEVICE_CLASSICAL, ISSUING_CA, OCSP_ECDSA, SERVER, SubjectFacts
from pki.request_rules import check_request
from tests.unit.pki.issuing_fixtures import DEVICE_FACTS
from tests.unit.pki.request_fixtures import (
    asked,
    catalyst_attributes,
    request,
)

GOOD = request()


def ask(*extensions: Extension | None) -> bytes:
    return request(asked(*(extension for extension in extensions if extension)))


def test_what_the_profile_names_may_be_asked_for() -> None:
    mine = device_names(DEVICE_FACTS.udi, DEVICE_FACTS.hardware_serial)
    assert mine is not None
    harmless = (
        basic_constraints(ca=False),
        key_usage(KeyUsage.DIGITAL_SIGNATURE),
        extended_key_usage(oids.EKU_CLIENT_AUTH),
        subject_key_identifier(bytes(20)),
        mine,
    )
    assert check_request(csr.Request.parse(ask(*harmless)), DEVICE_CLASSICAL, DEVICE_FACTS) == ()


def test_a_server_may_ask_for_its_own_names_in_any_spelling() -> None:
    facts = SubjectFacts(
        common_name="device-0001", dns_names=("b.example",), ip_addresses=("2001:DB8::1", "127.0.0.1")
    )
    parsed = csr.Request.parse(ask(host_names(("b.example",), ("2001:db8::1",))))
    assert check_request(parsed, SERVER, facts) == ()


def test_a_ca_may_ask_for_its_path_length_and_no_other() -> None:
    facts = SubjectFacts(common_name="device-0001")
    right = csr.Request.parse(
        request(catalyst_attributes(more=asked(basic_constraints(ca=True, path_length=0))))
    )
    wrong = csr.Request.parse(request(catalyst_attributes(more=asked(basic_constraints(ca=True)))))
    assert check_request(right, ISSUING_CA, facts) == ()
    assert [f.rule for f in check_request(wrong, ISSUING_CA, facts)] == ["request.path_length_not_allowed"]


def test_a_responder_may_ask_for_no_check() -> None:
    parsed = csr.Request.parse(ask(Extension(oids.OCSP_NO_CHECK, False, asn1.null())))
    assert check_request(parsed, OCSP_ECDSA, SubjectFacts(common_name="device-0001")) == ()


def test_a_device_profile_wants_both_keys_and_the_classical_one_only_one() -> None:
    one, both = csr.Request.parse(request({})), csr.Request.parse(GOOD)
    missing = [f.rule for f in check_request(one, DEVICE, DEVICE_FACTS)]
    extra = [f.rule for f in check_request(both, DEVICE_CLASSICAL, DEVICE_FACTS)]
    assert missing == ["request.alternative_key_missing"]
    assert extra == ["request.alternative_key_not_allowed"]
    assert check_request(both, DEVICE, DEVICE_FACTS) == ()
