"""What each lint rule is for: a change to a good certificate, and the rule that must say so."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from pki import asn1, names, oids
from pki.algorithms import PrivateKey
from pki.constraint_extensions import (
    NameConstraints,
    Subtrees,
    certificate_policies,
    mud_url,
    name_constraints,
)
from pki.extensions import (
    Extension,
    KeyUsage,
    authority_key_identifier,
    basic_constraints,
    crl_distribution_points,
    extended_key_usage,
    key_usage,
    subject_key_identifier,
)
from pki.identity_extensions import device_names, host_names
from pki.providers.interface import KeyAlgorithm, SignatureAlgorithm
from pki.related import related_certificate, related_extension
from pki.tbs import alt_signature_algorithm, alt_signature_value
from tests.unit.pki.draft_certificate import (
    SIGNATURE,
    Change,
    Draft,
    at,
    begin,
    drop,
    end,
    insert,
    last_first,
    name,
    put,
    put_whole,
    repeat,
)
from tests.unit.pki.issuing_fixtures import DEVICE_FACTS, NOW

GENERALIZED_2027 = asn1.generalized_time(datetime.fromisoformat("2027-11-01T00:00:00+00:00"))
UNUSED_BITS = asn1.bit_string(SIGNATURE, 4)
WITH_NULL = asn1.sequence(asn1.oid(oids.ML_DSA_65), asn1.null())
SHA256 = asn1.sequence(asn1.oid(oids.SHA256))
OTHER_MODEL = device_names(("GS1", "00000000000000"), b"HW-0001")


def without_udi() -> bytes:
    """The device's own names, the last of which is its model's."""
    value = Draft().value(oids.SUBJECT_ALT_NAME)
    first = asn1.children(value, asn1.whole(value))[0]
    return asn1.sequence(asn1.encoded(value, first))


def spki(algorithm: KeyAlgorithm) -> bytes:
    return PrivateKey.generate(algorithm).public.spki


def with_parameters(plain: bytes) -> bytes:
    identifier, key = asn1.children(plain, asn1.whole(plain))
    dotted = asn1.encoded(plain, asn1.children(plain, identifier)[0])
    return asn1.sequence(asn1.sequence(dotted, asn1.null()), asn1.encoded(plain, key))


OTHER_DEVICE = device_names(DEVICE_FACTS.udi, b"HW-0002")
NO_CHECK = Extension(oids.OCSP_NO_CHECK, False, asn1.null())
CASES: dict[str, tuple[str, Change]] = {
    "negative serial": ("certificate.serial_not_positive", at("serial", -(1 << 126))),
    "zero serial": ("certificate.serial_not_positive", at("serial", 0)),
    "21 octets": ("certificate.serial_too_long", at("serial", 1 << 160)),
    "20 octets and a sign octet": ("certificate.serial_too_long", at("serial", 1 << 159)),
    "63 bits": ("certificate.serial_too_short", at("serial", (1 << 63) - 1)),
    "other hash": ("certificate.algorithm_not_the_issuers", at("algorithm", SignatureAlgorithm.ECDSA_SHA384)),
    "other issuer": ("certificate.issuer_not_the_signer", at("issuer", names.encode(common_name="Other"))),
    "version 1": ("certificate.malformed", at("version", b"")),
    "version 4": ("certificate.malformed", at("version", asn1.explicit(0, asn1.integer(3)))),
    "reversed": ("certificate.validity_reversed", end(NOW - timedelta(days=1))),
    "future": ("certificate.not_before_in_future", begin(NOW + timedelta(seconds=1))),
    "backdated": ("certificate.backdated_too_far", begin(NOW - timedelta(minutes=6))),
    "older than issuer": ("certificate.older_than_issuer", begin(NOW - timedelta(minutes=6))),
    "outlives issuer": ("certificate.outlives_issuer", end(NOW + timedelta(days=3700))),
    "one second too long": (
        "certificate.lifetime_too_long",
        end(NOW.replace(microsecond=0) - timedelta(minutes=5) + timedelta(days=365)),
    ),
    "generalized before 2050": ("certificate.validity_encoding", at("not_after", GENERALIZED_2027)),
    "empty subject": ("certificate.subject_empty", at("subject", asn1.sequence())),
    "two CNs": (
        "certificate.subject_attribute_repeated",
        at("subject", name((oids.COMMON_NAME, "device-0001"), (oids.COMMON_NAME, "device-0002"))),
    ),
    "NUL in CN": (
        "certificate.subject_text_malformed",
        at("subject", name((oids.COMMON_NAME, "device-0001\x00.example"))),
    ),
    "over-long CN": ("certificate.subject_text_malformed", at("subject", name((oids.COMMON_NAME, "d" * 65)))),
    "unique identifier": (
        "certificate.unique_identifier_present",
        lambda draft: setattr(draft, "spki", draft.spki + asn1.implicit(2, b"\x00\x01")),
    ),
    "a CA that may not sign": ("certificate.authority_without_usage", put_whole(basic_constraints(ca=True))),
    "signs without being a CA": (
        "certificate.authority_without_usage",
        put_whole(key_usage(KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_CERT_SIGN)),
    ),
    "repeated SKI": ("certificate.extension_repeated", repeat(oids.SUBJECT_KEY_IDENTIFIER)),
    "critical unknown": (
        "certificate.extension_criticality",
        insert(Extension("1.2.3.4", True, asn1.null())),
    ),
    "ignorable key usage": (
        "certificate.extension_criticality",
        put(oids.KEY_USAGE, key_usage(KeyUsage.DIGITAL_SIGNATURE).value),
    ),
    "no AKI": ("certificate.authority_key_identifier_missing", drop(oids.AUTHORITY_KEY_IDENTIFIER)),
    "other AKI": (
        "certificate.authority_key_identifier_foreign",
        put_whole(authority_key_identifier(bytes(20))),
    ),
    "no SKI": ("certificate.subject_key_identifier_missing", drop(oids.SUBJECT_KEY_IDENTIFIER)),
    "other SKI": ("certificate.subject_key_identifier_foreign", put_whole(subject_key_identifier(bytes(20)))),
    "no key usage": ("certificate.key_usage_not_as_profile", drop(oids.KEY_USAGE)),
    "may sign certificates": (
        "certificate.key_usage_not_as_profile",
        put_whole(key_usage(KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_CERT_SIGN)),
    ),
    "CA:TRUE": ("certificate.basic_constraints_not_as_profile", put_whole(basic_constraints(ca=True))),
    "no constraints": ("certificate.basic_constraints_not_as_profile", drop(oids.BASIC_CONSTRAINTS)),
    "OCSP signing": (
        "certificate.purposes_not_as_profile",
        put_whole(extended_key_usage(oids.EKU_CLIENT_AUTH, oids.EKU_OCSP_SIGNING)),
    ),
    "malformed purposes": (
        "certificate.extended_key_usage_malformed",
        put(oids.EXTENDED_KEY_USAGE, b"\x30\x05\x06"),
    ),
    "policy": ("profile.extension_not_named", insert(Extension("2.5.29.32", False, asn1.sequence()))),
    "no-check is not named": ("profile.extension_not_named", insert(NO_CHECK)),
    "no-check": ("profile.ocsp_no_check_not_as_profile", insert(NO_CHECK)),
    "other organization": (
        "profile.subject_not_as_facts",
        at("subject", names.encode(common_name="device-0001", organization="Elsewhere")),
    ),
    "other device's CN": (
        "profile.subject_not_as_facts",
        at("subject", names.encode(common_name="device-0002", organization="Hospital")),
    ),
    "CN of seven": ("profile.common_name_not_allowed", at("subject", names.encode(common_name="device1"))),
    "other hardware": ("profile.alternative_names_not_as_facts", put_whole(OTHER_DEVICE)),
    "host name": (
        "profile.alternative_names_not_as_facts",
        put_whole(host_names(("broker.hospital.example",), ("127.0.0.1",))),
    ),
    "e-mail": (
        "profile.alternative_names_not_as_facts",
        put(oids.SUBJECT_ALT_NAME, asn1.sequence(asn1.implicit(1, b"a@b.example"))),
    ),
    "other model": ("profile.alternative_names_not_as_facts", put_whole(OTHER_MODEL)),
    "no UDI": (
        "profile.alternative_names_not_as_facts",
        put(oids.SUBJECT_ALT_NAME, without_udi()),
    ),
    "no names": ("profile.alternative_names_not_as_facts", drop(oids.SUBJECT_ALT_NAME)),
    "malformed names": (
        "certificate.alternative_names_malformed",
        put(oids.SUBJECT_ALT_NAME, asn1.sequence(asn1.implicit(7, b"123"))),
    ),
    "other list": (
        "profile.status_urls_not_as_configured",
        put_whole(crl_distribution_points(["http://elsewhere.example/a.crl"])),
    ),
    "no status": (
        "profile.status_urls_not_as_configured",
        drop(oids.CRL_DISTRIBUTION_POINTS, oids.AUTHORITY_INFORMATION_ACCESS),
    ),
    "no alternative key": (
        "profile.alternative_key_not_the_proven",
        drop(oids.SUBJECT_ALT_PUBLIC_KEY_INFO),
    ),
    "stripped": (
        "hybrid.alternative_algorithm_not_the_issuers",
        drop(oids.ALT_SIGNATURE_ALGORITHM, oids.ALT_SIGNATURE_VALUE),
    ),
    "value without algorithm": (
        "hybrid.alternative_signature_incomplete",
        drop(oids.ALT_SIGNATURE_ALGORITHM),
    ),
    "value not last": ("hybrid.alternative_signature_not_last", last_first),
    "value twice": ("hybrid.alternative_extension_repeated", repeat(oids.ALT_SIGNATURE_VALUE)),
    "critical value": (
        "hybrid.alternative_extension_critical",
        put_whole(replace(alt_signature_value(SIGNATURE), critical=True)),
    ),
    "unused bits": ("hybrid.alternative_signature_malformed", put(oids.ALT_SIGNATURE_VALUE, UNUSED_BITS)),
    "parameters": ("hybrid.alternative_signature_malformed", put(oids.ALT_SIGNATURE_ALGORITHM, WITH_NULL)),
    "other level": (
        "hybrid.alternative_algorithm_not_the_issuers",
        put_whole(alt_signature_algorithm(SignatureAlgorithm.ML_DSA_87)),
    ),
    "short value": (
        "hybrid.alternative_signature_length",
        put_whole(alt_signature_value(SIGNATURE[:-1])),
    ),
    "P-521 key": ("form.key_not_for_new_certificates", at("spki", spki(KeyAlgorithm.EC_P521))),
    "ML-KEM key that signs": ("form.key_usage_not_of_kem", at("spki", spki(KeyAlgorithm.ML_KEM_768))),
    "encipherment by a key that signs": (
        "form.key_usage_not_of_signatures",
        put_whole(key_usage(KeyUsage.KEY_ENCIPHERMENT)),
    ),
    "ML-DSA key as the main one": ("form.main_key_not_of_form", at("spki", spki(KeyAlgorithm.ML_DSA_65))),
    "ML-DSA key with parameters": (
        "certificate.key_of_form_malformed",
        at("spki", with_parameters(spki(KeyAlgorithm.ML_DSA_65))),
    ),
    "alternative key that is classical": (
        "form.alternative_key_not_of_form",
        put(oids.SUBJECT_ALT_PUBLIC_KEY_INFO, spki(KeyAlgorithm.EC_P384)),
    ),
    "binding that was not asked for": (
        "form.related_not_the_proven",
        insert(related_extension(related_certificate(b"another"))),
    ),
    "binding with a short digest": (
        "form.related_malformed",
        insert(related_extension(asn1.sequence(SHA256, asn1.octet_string(bytes(31))))),
    ),
    "policy of somebody": (
        "profile.policies_not_as_profile",
        insert(certificate_policies(("1.3.6.1.4.1.99999.1",))),
    ),
    "constraints in a device": (
        "profile.name_constraints_not_as_profile",
        insert(name_constraints(NameConstraints(permitted=Subtrees(dns=("a.example",))))),
    ),
    "MUD URL from nowhere": ("profile.mud_url_not_as_facts", insert(mud_url("https://maker.example/x"))),
}
