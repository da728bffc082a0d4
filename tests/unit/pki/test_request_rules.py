"""What a request may ask for, by profile: everything else is a finding that names the field."""

from __future__ import annotations

import pytest

from pki import asn1, csr, oids
from pki.errors import RequestRefused
from pki.extensions import (
    Extension,
    KeyUsage,
    basic_constraints,
    crl_distribution_points,
    extended_key_usage,
    key_usage,
    subject_key_identifier,
)
from pki.identity_extensions import device_names, host_names
from pki.keys import HybridPrivateKey
from pki.profiles import DEVICE, DEVICE_CLASSICAL, ISSUING_CA, OCSP_ECDSA, SERVER, SubjectFacts
from pki.providers.interface import KeyAlgorithm
from pki.request_rules import check_request
from tests.unit.pki.issuing_fixtures import DEVICE_FACTS, NOW, entropy, house
from tests.unit.pki.request_fixtures import (
    asked,
    catalyst_attributes,
    name,
    request,
)

GOOD = request()
P521 = HybridPrivateKey.generate(KeyAlgorithm.EC_P521, None)
OTHER = device_names(DEVICE_FACTS.udi, b"HW-0002")
OTHER_MODEL = device_names(("GS1", "1"), None)


def plain(*pairs: tuple[str, str]) -> bytes:
    return request({}, subject=name(*pairs))


def cn(text: str) -> bytes:
    return plain((oids.COMMON_NAME, text))


def ask(*extensions: Extension | None) -> bytes:
    return request(asked(*(extension for extension in extensions if extension)))


REFUSED: dict[str, tuple[str, str, bytes]] = {
    "P-521": (
        "request.key_not_allowed",
        "subjectPublicKeyInfo",
        csr.build(P521, common_name="device-0001"),
    ),
    "empty subject": ("request.subject_empty", "subject", plain()),
    "two CNs": (
        "request.subject_attribute_repeated",
        "CN",
        plain((oids.COMMON_NAME, "device-0001"), (oids.COMMON_NAME, "device-0001")),
    ),
    "another's CN": ("request.subject_of_another", "CN", cn("device-0002")),
    "another's serial": (
        "request.subject_of_another",
        "serialNumber",
        plain((oids.COMMON_NAME, "device-0001"), (oids.SERIAL_NUMBER_ATTRIBUTE, "SN-78")),
    ),
    "NUL": ("request.subject_text_malformed", "CN", cn("device-0001\x00")),
    "control": ("request.subject_text_malformed", "CN", cn("device\x1b[2J01")),
    "bidi": ("request.subject_text_malformed", "CN", cn("device\u202e1000")),
    "over-long": ("request.subject_text_malformed", "CN", cn("d" * 65)),
    "country": (
        "request.subject_attribute_not_known",
        "C",
        plain((oids.COMMON_NAME, "device-0001"), (oids.COUNTRY, "DE")),
    ),
    "CA:TRUE": ("request.ca_not_allowed", "basicConstraints", ask(basic_constraints(ca=True))),
    "certificate signing": (
        "request.key_usage_not_allowed",
        "keyUsage",
        ask(key_usage(KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_CERT_SIGN)),
    ),
    "OCSPSigning": (
        "request.purpose_not_allowed",
        "extKeyUsage",
        ask(extended_key_usage(oids.EKU_OCSP_SIGNING)),
    ),
    "ocsp-nocheck": (
        "request.extension_not_in_profile",
        oids.OCSP_NO_CHECK,
        ask(Extension(oids.OCSP_NO_CHECK, False, asn1.null())),
    ),
    "policy": (
        "request.extension_not_in_profile",
        "2.5.29.32",
        ask(Extension("2.5.29.32", False, asn1.sequence())),
    ),
    "a list of its own": (
        "request.extension_not_in_profile",
        oids.CRL_DISTRIBUTION_POINTS,
        ask(crl_distribution_points(["http://elsewhere.example/a.crl"])),
    ),
    "alternative key as an extension": (
        "request.extension_not_in_profile",
        oids.SUBJECT_ALT_PUBLIC_KEY_INFO,
        ask(Extension(oids.SUBJECT_ALT_PUBLIC_KEY_INFO, False, asn1.null())),
    ),
    "host name": (
        "request.alternative_name_of_another",
        "subjectAltName",
        ask(host_names(("broker.example",), ())),
    ),
    "another's hardware": ("request.alternative_name_of_another", "subjectAltName", ask(OTHER)),
    "e-mail": (
        "request.alternative_name_of_another",
        "subjectAltName",
        ask(Extension(oids.SUBJECT_ALT_NAME, False, asn1.sequence(asn1.implicit(1, b"a@b.example")))),
    ),
    "another's model": ("request.alternative_name_of_another", "subjectAltName", ask(OTHER_MODEL)),
    "malformed usage": (
        "request.extension_malformed",
        oids.KEY_USAGE,
        ask(Extension(oids.KEY_USAGE, True, asn1.null())),
    ),
    "an extension twice": (
        "request.extension_repeated",
        oids.SUBJECT_KEY_IDENTIFIER,
        ask(subject_key_identifier(bytes(20)), subject_key_identifier(bytes(20))),
    ),
    "challenge password": (
        "request.attribute_not_known",
        "1.2.840.113549.1.9.7",
        request({"1.2.840.113549.1.9.7": asn1.utf8_string("secret")}),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_request_for_too_much_names_the_field(case: str) -> None:
    rule, field, der = REFUSED[case]
    findings = check_request(csr.Request.parse(der), DEVICE_CLASSICAL, DEVICE_FACTS)
    assert [(finding.rule, finding.subject) for finding in findings] == [(rule, field)]
    with pytest.raises(RequestRefused, match=rule) as refused:
        house().issuer.prepare(
            DEVICE_CLASSICAL, DEVICE_FACTS, csr.Request.parse(der), now=NOW, entropy=entropy
        )
    assert refused.value.field == field


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
