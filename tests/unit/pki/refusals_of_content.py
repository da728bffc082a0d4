"""What a request may not say: the other rows of docs/requests.md's table, as bytes."""

from __future__ import annotations

from pki import asn1, oids
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
from tests.unit.pki.issuing_fixtures import DEVICE_FACTS
from tests.unit.pki.refusals import ENCODINGS, Refusal
from tests.unit.pki.refusals_of_attributes import ATTRIBUTES
from tests.unit.pki.refusals_of_keys import KEYS
from tests.unit.pki.request_fixtures import asked, name, request

SAN = "subjectAltName"
E_MAIL = "1.2.840.113549.1.9.1"


def plain(*pairs: tuple[str, str]) -> bytes:
    return request({}, subject=name(*pairs))


def cn(text: str) -> bytes:
    return plain((oids.COMMON_NAME, text))


def typed(tag: int, octets: bytes) -> bytes:
    """A CN in a string type of our choosing."""
    pair = asn1.sequence(asn1.oid(oids.COMMON_NAME), asn1.tlv(tag, octets))
    return request({}, subject=asn1.sequence(asn1.set_of([pair])))


def multi_valued() -> bytes:
    pairs = [
        asn1.sequence(asn1.oid(dotted), asn1.utf8_string(text))
        for dotted, text in ((oids.COMMON_NAME, "device-0001"), (oids.ORGANIZATION, "Hospital"))
    ]
    return request({}, subject=asn1.sequence(asn1.set_of(pairs)))


def ask(*extensions: Extension | None) -> bytes:
    return request(asked(*(extension for extension in extensions if extension)))


def alternative_names(*parts: bytes) -> bytes:
    return ask(Extension(oids.SUBJECT_ALT_NAME, False, asn1.sequence(*parts)))


def dns(text: str) -> bytes:
    return alternative_names(asn1.implicit(2, text.encode()))


def _subject(what: str, rule: str, field: str, der: bytes) -> Refusal:
    return Refusal(what, f"request.{rule}", field, lambda: der)


SUBJECTS = (
    _subject("an empty subject", "subject_empty", "subject", plain()),
    _subject("another device's name", "subject_of_another", "CN", cn("device-0002")),
    _subject("an IP address as the name", "subject_of_another", "CN", cn("10.0.0.1")),
    _subject(
        "another device's serial number",
        "subject_of_another",
        "serialNumber",
        plain((oids.COMMON_NAME, "device-0001"), (oids.SERIAL_NUMBER_ATTRIBUTE, "SN-78")),
    ),
    _subject(
        "two common names",
        "subject_attribute_repeated",
        "CN",
        plain((oids.COMMON_NAME, "device-0001"), (oids.COMMON_NAME, "device-0001")),
    ),
    _subject(
        "an attribute that no profile writes",
        "subject_attribute_not_known",
        "C",
        plain((oids.COMMON_NAME, "device-0001"), (oids.COUNTRY, "DE")),
    ),
    _subject(
        "an e-mail address in the subject",
        "subject_attribute_not_known",
        E_MAIL,
        plain((oids.COMMON_NAME, "device-0001"), (E_MAIL, "a@b.example")),
    ),
    _subject("a NUL in the name", "subject_text_malformed", "CN", cn("device-0001\x00")),
    _subject("a control character in the name", "subject_text_malformed", "CN", cn("device\x1b[2J01")),
    _subject("a direction override in the name", "subject_text_malformed", "CN", cn("device\u202e1000")),
    _subject("an over-long name", "subject_text_malformed", "CN", cn("d" * 65)),
    _subject("a BMPString", "subject_string_type", "CN", typed(0x1E, "device-0001".encode("utf-16-be"))),
    _subject("a TeletexString", "subject_string_type", "CN", typed(0x14, b"device-0001")),
    _subject(
        "a UniversalString", "subject_string_type", "CN", typed(0x1C, "device-0001".encode("utf-32-be"))
    ),
    _subject("a subject's part with two attributes", "subject_multi_valued", "subject", multi_valued()),
    _subject(
        "200 parts of a subject",
        "subject_too_long",
        "subject",
        plain(*((oids.COMMON_NAME, "device-0001"),) * 200),
    ),
)
EXTENSIONS = (
    _subject("CA:TRUE", "ca_not_allowed", "basicConstraints", ask(basic_constraints(ca=True))),
    _subject(
        "the usage of signing certificates",
        "key_usage_not_allowed",
        "keyUsage",
        ask(key_usage(KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_CERT_SIGN)),
    ),
    _subject(
        "OCSPSigning", "purpose_not_allowed", "extKeyUsage", ask(extended_key_usage(oids.EKU_OCSP_SIGNING))
    ),
    _subject(
        "ocsp-nocheck",
        "extension_not_in_profile",
        oids.OCSP_NO_CHECK,
        ask(Extension(oids.OCSP_NO_CHECK, False, asn1.null())),
    ),
    _subject(
        "a certificate policy",
        "extension_not_in_profile",
        oids.CERTIFICATE_POLICIES,
        ask(Extension(oids.CERTIFICATE_POLICIES, False, asn1.sequence())),
    ),
    _subject(
        "a revocation list of its own",
        "extension_not_in_profile",
        oids.CRL_DISTRIBUTION_POINTS,
        ask(crl_distribution_points(["http://elsewhere.example/a.crl"])),
    ),
    _subject(
        "an alternative key as an extension",
        "extension_not_in_profile",
        oids.SUBJECT_ALT_PUBLIC_KEY_INFO,
        ask(Extension(oids.SUBJECT_ALT_PUBLIC_KEY_INFO, False, asn1.null())),
    ),
    _subject(
        "a related certificate of its own choosing",
        "extension_not_in_profile",
        oids.RELATED_CERTIFICATE,
        ask(Extension(oids.RELATED_CERTIFICATE, False, asn1.sequence())),
    ),
    _subject(
        "Windows' certificate template",
        "extension_not_in_profile",
        "1.3.6.1.4.1.311.20.2",
        ask(Extension("1.3.6.1.4.1.311.20.2", False, asn1.tlv(0x1E, "WebServer".encode("utf-16-be")))),
    ),
    _subject(
        "a malformed extension",
        "extension_malformed",
        oids.KEY_USAGE,
        ask(Extension(oids.KEY_USAGE, True, asn1.null())),
    ),
    _subject(
        "an extension twice",
        "extension_repeated",
        oids.SUBJECT_KEY_IDENTIFIER,
        ask(subject_key_identifier(bytes(20)), subject_key_identifier(bytes(20))),
    ),
    _subject(
        "400 extensions",
        "extensions_too_many",
        "extensionRequest",
        ask(*(Extension(f"1.2.3.{number}", False, b"\x05\x00") for number in range(400))),
    ),
)
ALTERNATIVE_NAMES = (
    _subject("a host name for a device", "alternative_name_of_another", SAN, dns("broker.example")),
    _subject("a wildcard", "dns_name_malformed", SAN, dns("*.example")),
    _subject("a host name in upper case", "dns_name_malformed", SAN, dns("Broker.EXAMPLE")),
    _subject("a host name with an underscore", "dns_name_malformed", SAN, dns("my_pump.example")),
    _subject(
        "an international host name as it is spoken", "dns_name_malformed", SAN, dns("klinik-münchen.example")
    ),
    _subject("a NUL in a host name", "dns_name_malformed", SAN, dns("a.example\x00.evil.example")),
    _subject("an empty host name", "dns_name_malformed", SAN, dns("")),
    _subject(
        "an IP address for a device",
        "alternative_name_of_another",
        SAN,
        ask(host_names((), ("10.0.0.1",))),
    ),
    _subject(
        "an e-mail address",
        "alternative_name_of_another",
        SAN,
        alternative_names(asn1.implicit(1, b"a@b.example")),
    ),
    _subject(
        "an otherName of another type",
        "alternative_name_of_another",
        SAN,
        alternative_names(
            asn1.tlv(0xA0, asn1.oid("1.3.6.1.4.1.311.20.2.3") + asn1.explicit(0, asn1.utf8_string("a@b")))
        ),
    ),
    _subject(
        "a smuggled directory name",
        "alternative_name_of_another",
        SAN,
        alternative_names(asn1.explicit(4, name((oids.COMMON_NAME, "Hospital Root CA")))),
    ),
    _subject(
        "another's hardware serial",
        "alternative_name_of_another",
        SAN,
        ask(device_names(DEVICE_FACTS.udi, b"HW-0002")),
    ),
    _subject(
        "another model's UDI-DI", "alternative_name_of_another", SAN, ask(device_names(("GS1", "1"), None))
    ),
)
REFUSALS = (*ENCODINGS, *KEYS, *SUBJECTS, *EXTENSIONS, *ALTERNATIVE_NAMES, *ATTRIBUTES)
