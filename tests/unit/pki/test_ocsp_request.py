"""Requests of other tools are understood and odd ones are answered with an error."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp as other_ocsp
from hypothesis import given, settings
from hypothesis import strategies as st

from pki import asn1, oids
from pki.algorithms import SignatureAlgorithm
from pki.errors import MalformedInput
from pki.extensions import Extension
from pki.ocsp import (
    CertId,
    OcspRequest,
    OcspRequestRefused,
    ResponseStatus,
    build_request,
)
from tests.unit.pki.path_fixtures import DEVICE, ROOT, device_recipe, keys
from tests.unit.pki.status_fixtures import ISSUING, pem_file

ISSUER_X509 = x509.load_der_x509_certificate(ISSUING.der)
DEVICE_X509 = x509.load_der_x509_certificate(DEVICE.der)
CERT_ID = CertId.of(ISSUING, DEVICE.serial)
PLAIN = build_request(DEVICE, ISSUING)
FULL = build_request(
    DEVICE,
    ISSUING,
    nonce=b"n" * 32,
    preferred=(SignatureAlgorithm.ML_DSA_65, SignatureAlgorithm.ECDSA_SHA256),
)


def request(
    *extensions: Extension,
    singles: tuple[bytes, ...] = (asn1.sequence(CERT_ID.der),),
    before: bytes = b"",
    after: bytes = b"",
) -> bytes:
    """A request by hand: odd where a test wants it."""
    listed = asn1.sequence(*(e.encode() for e in extensions))
    tail = asn1.explicit(2, listed) if extensions else b""
    return asn1.sequence(asn1.sequence(before, asn1.sequence(*singles), tail), after)


def nonce(octets: int) -> Extension:
    return Extension(oids.OCSP_NONCE, False, asn1.octet_string(b"n" * octets))


def test_a_request_comes_back_as_it_was_built() -> None:
    read = OcspRequest.parse(FULL)
    assert read.cert_ids == (CERT_ID,)
    assert read.nonce == b"n" * 32
    assert read.preferred == (SignatureAlgorithm.ML_DSA_65, SignatureAlgorithm.ECDSA_SHA256)


def test_a_cert_id_names_its_issuer_by_name_and_key() -> None:
    renamed = device_recipe(name="Issuing CA", key=keys("other")).make()
    assert CERT_ID.matches(ISSUING)
    assert not CERT_ID.matches(ROOT)
    assert renamed.subject == ISSUING.subject
    assert not CERT_ID.matches(renamed)


def test_an_unknown_digest_is_read_and_matches_nobody() -> None:
    der = CERT_ID.der.replace(asn1.oid(oids.SHA256), asn1.oid("2.16.840.1.101.3.4.2.9"))
    read = OcspRequest.parse(request(singles=(asn1.sequence(der),)))
    assert read.cert_ids[0].matches(ISSUING) is False
    with pytest.raises(MalformedInput):
        CertId.of(ISSUING, 1, "2.16.840.1.101.3.4.2.9")


@pytest.mark.parametrize(
    ("algorithm", "dotted"),
    [
        (hashes.SHA1(), oids.SHA1),  # noqa: S303 - some clients know no other
        (hashes.SHA256(), oids.SHA256),
        (hashes.SHA384(), oids.SHA384),
        (hashes.SHA512(), oids.SHA512),
    ],
)
def test_requests_of_cryptography_are_understood(algorithm: hashes.HashAlgorithm, dotted: str) -> None:
    builder = other_ocsp.OCSPRequestBuilder().add_certificate(DEVICE_X509, ISSUER_X509, algorithm)
    made = builder.add_extension(x509.OCSPNonce(b"0123456789abcdef"), critical=False).build()
    read = OcspRequest.parse(made.public_bytes(Encoding.DER))
    assert read.nonce == b"0123456789abcdef"
    assert read.cert_ids == (CertId.of(ISSUING, DEVICE.serial, dotted),)
    assert read.cert_ids[0].matches(ISSUING)


def test_cryptography_understands_ours() -> None:
    read = other_ocsp.load_der_ocsp_request(FULL)
    assert read.serial_number == DEVICE.serial
    assert read.issuer_key_hash == hashlib.sha256(ISSUING.public_key.key_bits).digest()
    assert read.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == b"n" * 32


def test_requests_of_openssl_are_understood(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    issuer, cert = pem_file(tmp_path / "ca.pem", ISSUING), pem_file(tmp_path / "d.pem", DEVICE)
    asked = ["-issuer", issuer, "-cert", cert, "-sha256", "-cert", cert]
    out = tmp_path / "request.der"
    done = subprocess.run(
        ["openssl", "ocsp", *asked, "-reqout", str(out)], capture_output=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    read = OcspRequest.parse(out.read_bytes())
    assert [c.hash_oid for c in read.cert_ids] == [oids.SHA1, oids.SHA256]
    assert all(c.matches(ISSUING) and c.certificate_serial == DEVICE.serial for c in read.cert_ids)
    assert read.nonce is not None


def test_name_version_and_signature_of_an_asker_are_tolerated() -> None:
    version = asn1.explicit(0, asn1.integer(0))
    name = asn1.explicit(1, asn1.implicit(1, b"engineer@hospital.example"))
    signature = asn1.explicit(0, asn1.sequence(asn1.null()))
    assert OcspRequest.parse(request(before=version + name, after=signature)).cert_ids == (CERT_ID,)


def test_unknown_extensions_are_ignored_unless_critical() -> None:
    harmless = Extension("1.3.6.1.4.1.99999.1", False, b"\x05\x00")
    assert OcspRequest.parse(request(harmless)).cert_ids == (CERT_ID,)


def test_preferred_algorithms_that_we_lack_are_left_out() -> None:
    sha224 = asn1.sequence(asn1.sequence(asn1.oid("1.2.840.10045.4.3.1")))
    known = asn1.sequence(asn1.sequence(asn1.oid(oids.ML_DSA_44)))
    wanted = Extension(oids.OCSP_PREFERRED_SIGNATURE_ALGORITHMS, False, asn1.sequence(sha224, known))
    assert OcspRequest.parse(request(wanted)).preferred == (SignatureAlgorithm.ML_DSA_44,)


@pytest.mark.parametrize("octets", [1, 16, 32, 128])
def test_nonces_within_the_bounds_are_taken(octets: int) -> None:
    assert OcspRequest.parse(request(nonce(octets))).nonce == b"n" * octets


SINGLE = asn1.sequence(CERT_ID.der)
CRITICAL = Extension("1.3.6.1.4.1.99999.1", True, b"\x05\x00")
MALFORMED = {
    "nonce of 0": request(nonce(0)),
    "nonce of 129": request(nonce(129)),
    "nonce without its octet string": request(Extension(oids.OCSP_NONCE, False, b"n" * 16)),
    "two nonces": request(nonce(16), nonce(16)),
    "critical unknown": request(CRITICAL),
    "critical unknown in one": request(
        singles=(asn1.sequence(CERT_ID.der, asn1.explicit(0, asn1.sequence(CRITICAL.encode()))),)
    ),
    "no certificate": request(singles=()),
    "257 certificates": request(singles=(SINGLE,) * 257),
    "version 2": request(before=asn1.explicit(0, asn1.integer(1))),
    "name before version": request(before=asn1.explicit(1, b"") + asn1.explicit(0, asn1.integer(0))),
    "trailing": PLAIN + b"\x00",
    "cut": PLAIN[:-1],
    "nothing": b"",
    "too long": request(Extension("1.3.6.1.4.1.99999.1", False, b"x" * 65_536)),
    "a list": asn1.sequence(asn1.sequence(asn1.sequence(asn1.integer(5)))),
}


@pytest.mark.parametrize("der", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_malformed_is_answered_so(der: bytes) -> None:
    with pytest.raises(OcspRequestRefused) as refused:
        OcspRequest.parse(der)
    assert refused.value.status is ResponseStatus.MALFORMED_REQUEST
    assert refused.value.field


def test_256_certificates_are_answered() -> None:
    assert len(OcspRequest.parse(request(singles=(SINGLE,) * 256)).cert_ids) == 256


def test_a_client_may_not_send_a_nonce_that_it_would_refuse() -> None:
    with pytest.raises(OcspRequestRefused):
        build_request(DEVICE, ISSUING, nonce=b"n" * 129)


@settings(max_examples=400, deadline=None)
@given(st.integers(0, len(FULL) - 1), st.integers(1, 255), st.booleans())
def test_a_changed_request_is_read_or_refused_by_type(at: int, flip: int, cut: bool) -> None:
    hostile = FULL[:at] + bytes((FULL[at] ^ flip,)) + (b"" if cut else FULL[at + 1 :])
    try:
        read = OcspRequest.parse(hostile)
    except OcspRequestRefused:
        return
    assert read.cert_ids


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_random_octets_are_refused_by_type(data: bytes) -> None:
    with pytest.raises(OcspRequestRefused):
        OcspRequest.parse(asn1.sequence(asn1.sequence(data)) if len(data) % 2 else data)
