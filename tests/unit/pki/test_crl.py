"""Lists come back as they were built, other tools accept them, and nothing hostile passes."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from pki import asn1, oids
from pki.algorithms import KeyAlgorithm
from pki.crl import CertificateList, CrlReason, RevokedEntry, build_crl, read_pem, to_pem, verify_crl
from pki.errors import MalformedInput, PkiError, RequestRefused
from pki.extensions import Extension
from pki.keys import HybridPrivateKey
from pki.tbs import Unsigned, sign
from tests.unit.pki.path_fixtures import ROOT, keys
from tests.unit.pki.status_fixtures import CA_KEY, DAY, ENTRIES, ISSUING, NOW, crl, crl_der, pem_file

DER = crl_der()


def run(tool: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")
    return subprocess.run([tool, *arguments], capture_output=True, text=True, timeout=30, check=False)


def with_extensions(*extra: Extension, entries: bytes = b"") -> bytes:
    """A list by hand, signed by the CA, with extensions or entries that build_crl would not write."""
    parsed = crl()
    kept = [e for e in parsed.extensions if e.oid != oids.ALT_SIGNATURE_VALUE]
    body = parsed.issuer + asn1.time(NOW) + asn1.time(NOW + DAY) + entries
    unsigned = Unsigned(asn1.integer(1), body, tuple(e.encode() for e in (*kept, *extra)), 0)
    return sign(unsigned, CA_KEY)


def test_a_list_comes_back_as_it_was_built() -> None:
    parsed = CertificateList.parse(DER)
    assert tuple(parsed.entries()) == ENTRIES
    assert (parsed.crl_number, parsed.base_crl_number, parsed.is_delta) == (7, None, False)
    assert (parsed.this_update, parsed.next_update) == (NOW, NOW + 7 * DAY)
    assert parsed.issuer == ISSUING.subject
    assert parsed.authority_key_identifier == CA_KEY.classical.public.key_identifier
    assert verify_crl(parsed, ISSUING) == ()
    assert verify_crl(parsed, CA_KEY.public) == ()


def test_a_serial_is_looked_up() -> None:
    parsed = crl()
    assert parsed.revoked(0x1001) == ENTRIES[0]
    assert parsed.revoked(0x9999) is None
    assert (parsed.entry_count, parsed.serials) == (3, frozenset({0x1001, 0x1002, 0x1003}))


def test_entries_are_sorted_whatever_their_order() -> None:
    assert CertificateList.parse(crl_der(reversed(ENTRIES))).pre_tbs == crl().pre_tbs


def test_an_empty_list_has_no_entries_at_all() -> None:
    parsed = CertificateList.parse(crl_der(()))
    assert (parsed.entry_count, tuple(parsed.entries())) == (0, ())
    assert verify_crl(parsed, ISSUING) == ()


def test_unspecified_is_said_by_leaving_the_reason_out() -> None:
    read = x509.load_der_x509_crl(DER).get_revoked_certificate_by_serial_number(0x1002)
    assert read is not None
    assert list(read.extensions) == []


def test_a_list_of_100_000_entries_comes_back() -> None:
    reasons = [r for r in CrlReason if r is not CrlReason.REMOVE_FROM_CRL]
    entries = [
        RevokedEntry((1 << 119) + n * 7919, NOW - DAY * (n % 400), reasons[n % 9]) for n in range(100_000)
    ]
    parsed = CertificateList.parse(crl_der(entries))
    assert parsed.entry_count == 100_000
    assert parsed.revoked(entries[54_321].certificate_serial) == entries[54_321]
    assert verify_crl(parsed, ISSUING) == ()


@pytest.mark.parametrize("year", [1950, 1999, 2049, 2050, 2107])
def test_times_of_both_encodings_come_back(year: int) -> None:
    entry = RevokedEntry(5, NOW.replace(year=year))
    assert crl([entry]).revoked(5) == entry


@pytest.mark.parametrize("hours", [-11, 5])
def test_times_of_other_zones_are_written_in_utc(hours: int) -> None:
    local = NOW.astimezone(timezone(timedelta(hours=hours)))
    assert crl([RevokedEntry(5, local)]).revoked(5) == RevokedEntry(5, NOW)


def test_a_delta_names_its_base_and_may_remove() -> None:
    removed = RevokedEntry(0x1003, NOW, CrlReason.REMOVE_FROM_CRL)
    delta = crl([removed], number=9, base=7)
    assert (delta.base_crl_number, delta.is_delta, tuple(delta.entries())) == (7, True, (removed,))
    indicator = x509.load_der_x509_crl(delta.der).extensions.get_extension_for_class(x509.DeltaCRLIndicator)
    assert (indicator.critical, indicator.value.crl_number) == (True, 7)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"entries": [RevokedEntry(5, NOW, CrlReason.REMOVE_FROM_CRL)]}, "reason"),
        ({"entries": [RevokedEntry(5, NOW), RevokedEntry(5, NOW)]}, "certificate_serial"),
        ({"entries": [RevokedEntry(0, NOW)]}, "certificate_serial"),
        ({"entries": [RevokedEntry(1 << 159, NOW)]}, "certificate_serial"),
        ({"base_crl_number": 7}, "base_crl_number"),
        ({"crl_number": -1}, "crl_number"),
        ({"next_update": NOW}, "next_update"),
    ],
)
def test_what_no_relying_party_could_use_is_not_built(changed: dict[str, object], field: str) -> None:
    arguments: dict[str, object] = {
        "issuer_name": ISSUING.subject,
        "authority_key_identifier": b"k" * 20,
        "key": CA_KEY,
        "entries": ENTRIES,
        "crl_number": 7,
        "this_update": NOW,
        "next_update": NOW + DAY,
    }
    with pytest.raises(RequestRefused) as refused:
        build_crl(**{**arguments, **changed})  # type: ignore[arg-type]
    assert refused.value.field == field


def test_pem_comes_back_and_nothing_else_is_taken_for_it() -> None:
    assert read_pem(to_pem(DER)) == DER
    for text in ("", to_pem(DER) * 2, to_pem(DER).replace("CRL", "CRT"), to_pem(DER).replace("MI", "%%", 1)):
        with pytest.raises(MalformedInput):
            read_pem(text)


def test_openssl_verifies_the_classical_signature(tmp_path: Path) -> None:
    (tmp_path / "list.pem").write_text(to_pem(DER))
    ca = pem_file(tmp_path / "ca.pem", ISSUING)
    done = run("openssl", "crl", "-in", str(tmp_path / "list.pem"), "-CAfile", ca, "-noout", "-text")
    assert "verify OK" in done.stdout + done.stderr
    assert "X509v3 CRL Number" in done.stdout
    other = pem_file(tmp_path / "other.pem", ROOT)
    done = run("openssl", "crl", "-in", str(tmp_path / "list.pem"), "-CAfile", other, "-noout")
    assert "verify OK" not in done.stdout + done.stderr


def test_gnutls_reads_the_same(tmp_path: Path) -> None:
    (tmp_path / "list.pem").write_text(to_pem(DER))
    done = run("certtool", "--crl-info", "--infile", str(tmp_path / "list.pem"))
    assert done.returncode == 0, done.stderr
    assert "Revoked certificates (3)" in done.stdout


def test_cryptography_verifies_a_post_quantum_list() -> None:
    key = HybridPrivateKey.generate(KeyAlgorithm.ML_DSA_65, None)
    der = crl_der(key=key)
    read = x509.load_der_x509_crl(der)
    assert read.signature_algorithm_oid.dotted_string == oids.ML_DSA_65
    assert len(list(read)) == 3
    assert verify_crl(CertificateList.parse(der), key.public) == ()
    other = HybridPrivateKey.generate(KeyAlgorithm.ML_DSA_65, None)
    assert [f.rule for f in verify_crl(CertificateList.parse(der), other.public)] == ["crl.signature_invalid"]


def test_cryptography_verifies_the_classical_signature() -> None:
    read = x509.load_der_x509_crl(DER)
    public = x509.load_der_x509_certificate(ISSUING.der).public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    assert read.is_signature_valid(public)
    assert [r.serial_number for r in read] == [0x1001, 0x1002, 0x1003]


NUMBER_TWICE = Extension(oids.CRL_NUMBER, False, asn1.integer(8))
CRITICAL = Extension("1.3.6.1.4.1.99999.1", True, asn1.null())
SCOPED = Extension(oids.ISSUING_DISTRIBUTION_POINT, True, asn1.sequence(b"\x81\x01\x00"))
SERIAL_TWICE = asn1.sequence(*[asn1.sequence(asn1.integer(5), asn1.time(NOW))] * 2)
OTHER_ISSUER = asn1.sequence(
    asn1.sequence(
        asn1.integer(5), asn1.time(NOW), asn1.sequence(Extension("2.5.29.29", True, asn1.sequence()).encode())
    )
)


@pytest.mark.parametrize(
    "der",
    [
        with_extensions(NUMBER_TWICE),
        with_extensions(CRITICAL),
        with_extensions(SCOPED),
        with_extensions(entries=SERIAL_TWICE),
        with_extensions(entries=OTHER_ISSUER),
        with_extensions(entries=asn1.sequence()),
        DER + b"\x00",
        DER[:-1],
        b"",
        ISSUING.der,
    ],
    ids=[
        "twice",
        "critical",
        "scoped",
        "serial twice",
        "indirect",
        "empty",
        "trailing",
        "cut",
        "nothing",
        "cert",
    ],
)
def test_what_cannot_be_judged_is_refused(der: bytes) -> None:
    with pytest.raises(MalformedInput):
        CertificateList.parse(der)


def test_a_hand_made_list_without_oddities_is_read() -> None:
    assert verify_crl(CertificateList.parse(with_extensions()), ISSUING) == ()


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(DER) - 1), st.integers(1, 255))
def test_a_changed_octet_is_refused_or_found(at: int, flip: int) -> None:
    hostile = DER[:at] + bytes((DER[at] ^ flip,)) + DER[at + 1 :]
    try:
        parsed = CertificateList.parse(hostile)
    except PkiError:
        return
    assert any(f.refuses for f in verify_crl(parsed, ISSUING))
    assert all(isinstance(e.revoked_at, datetime) for e in parsed.entries())


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_random_octets_are_refused_by_type(data: bytes) -> None:
    with pytest.raises(PkiError):
        CertificateList.parse(asn1.sequence(data))


def test_another_ca_of_the_same_name_is_found() -> None:
    other = replace(ISSUING, spki=keys("other").classical.public.spki)
    rules = {f.rule for f in verify_crl(crl(), other)}
    assert rules == {"crl.signature_invalid"}
