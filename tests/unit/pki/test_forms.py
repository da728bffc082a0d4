"""Every profile under a CA of every form: what is issued holds by its signatures, and others can read it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography import x509

from pki import asn1, oids, profiles
from pki.algorithms import PrivateKey, SignatureAlgorithm
from pki.errors import LintRefused
from pki.extensions import KeyUsage, read_key_usage
from pki.issuer import Issuer
from pki.keys import HybridPrivateKey
from pki.profiles import PROFILES, Kind
from pki.providers.interface import KeyAlgorithm
from pki.providers.openssl import OpenSsl
from pki.related import RelatedCertificate
from pki.tbs import Certificate, read_alternative
from tests.unit.pki.form_fixtures import FORMS, RELATED_TO, allowed, certify, facts_for, keys_for, tree
from tests.unit.pki.issuing_fixtures import NOW, URLS, entropy

BELOW = [p for p in PROFILES.values() if p.kind is not Kind.ROOT]
ISSUED = [(p.name, form) for form in FORMS for p in BELOW if allowed(p, form)]
REFUSED = [(p.name, form) for form in FORMS for p in BELOW if not allowed(p, form)]


@pytest.mark.parametrize(("name", "form"), ISSUED)
def test_a_profile_is_issued_by_a_ca_of_that_form(name: str, form: str) -> None:
    profile = profiles.by_name(name)
    issuer = tree(form).root if profile.kind is Kind.CA else tree(form).issuing
    certificate = certify(profile, form)
    assert {extension.oid for extension in certificate.extensions} <= profile.extensions
    assert certificate.public_key.algorithm is profile.main[0]
    assert read_key_usage(certificate.extension(oids.KEY_USAGE) or b"") == set(profile.key_usages)
    signed, ca = certificate.signed, issuer.certificate
    assert ca.public_key.verify(signed.algorithm, signed.signature, signed.tbs)
    alternative, findings = read_alternative(certificate.extensions)
    assert findings == ()
    assert (alternative is not None) == (form == "catalyst")
    if alternative is not None:
        key = ca.alternative_public_key
        assert key is not None
        assert key.verify(alternative.algorithm, alternative.value, certificate.pre_tbs)


@pytest.mark.parametrize(("name", "form"), REFUSED)
def test_a_ca_that_falls_first_vouches_for_nobody_who_does_not(name: str, form: str) -> None:
    with pytest.raises(LintRefused, match=r"chain\.issuer"):
        certify(profiles.by_name(name), form)


@pytest.mark.parametrize("form", FORMS)
def test_a_root_of_every_form_signs_itself(form: str) -> None:
    root = tree(form).root.certificate
    assert root.issuer == root.subject
    assert root.public_key.verify(root.signed.algorithm, root.signed.signature, root.signed.tbs)


@pytest.mark.parametrize(("name", "form"), [("device", "pure"), ("device-kem", "composite")])
def test_another_parser_reads_it(name: str, form: str) -> None:
    certificate = certify(profiles.by_name(name), form)
    read = x509.load_der_x509_certificate(certificate.der)
    assert read.serial_number == certificate.serial
    assert len(list(read.extensions)) == len(certificate.extensions)


KINDS = [(p.name, kind) for p in BELOW for kind in p.main[1:]]


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_every_kind_of_key_that_a_profile_names_is_certified(name: str, kind: KeyAlgorithm) -> None:
    certificate = certify(profiles.by_name(name), "catalyst", kind)
    assert certificate.public_key.algorithm is kind


def test_a_related_certificate_names_the_other_by_its_hash() -> None:
    certificate = certify(profiles.DEVICE_RELATED, "pure")
    binding = RelatedCertificate.read(certificate.extension(oids.RELATED_CERTIFICATE) or b"")
    assert binding.matches(RELATED_TO)


def test_a_device_says_where_its_traffic_is_described() -> None:
    certificate = certify(profiles.DEVICE)
    value = certificate.extension(oids.MUD_URL) or b""
    assert value == asn1.tlv(asn1.IA5_STRING, b"https://maker.example/pump.json")
    assert KeyUsage.DIGITAL_SIGNATURE in read_key_usage(certificate.extension(oids.KEY_USAGE) or b"")


class OneSignature(OpenSsl):
    """A token's slot whose key may be used once: a second use is a broken promise."""

    def __init__(self) -> None:
        self.used = 0

    def sign(self, handle: object, algorithm: SignatureAlgorithm, data: bytes) -> bytes:
        self.used += 1
        return super().sign(handle, algorithm, data)


def test_a_dear_signature_is_made_once_a_certificate() -> None:
    slot = OneSignature()
    key = PrivateKey.held_by(slot, KeyAlgorithm.ML_DSA_65, slot.generate(KeyAlgorithm.ML_DSA_65))
    root = tree("pure").root
    token = root.prepare(
        profiles.by_name("issuing-ca-pure"),
        replace(facts_for(profiles.ISSUING_CA), common_name="Slot CA"),
        HybridPrivateKey(key).public,
        now=NOW,
        entropy=entropy,
    )
    issuer = Issuer(Certificate.parse(root.issue(token).der), HybridPrivateKey(key), URLS)
    device = profiles.DEVICE
    asked = issuer.prepare(device, facts_for(device), keys_for(device).public, now=NOW, entropy=entropy)
    assert slot.used == 0
    issuer.issue(asked)
    assert slot.used == 1
