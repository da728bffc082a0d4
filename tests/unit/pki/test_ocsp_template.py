"""A response from a template is, octet by octet, what the long way builds."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pki import asn1, oids
from pki.algorithms import KeyAlgorithm
from pki.cert_id import CertId
from pki.crl_entry import CrlReason
from pki.der_time import octets_of
from pki.ocsp import GOOD, CertStatus, Responder, Revoked, SingleAnswer, build_response, parse_response
from pki.ocsp_request import nonce_extension
from pki.ocsp_response import encode_status
from pki.ocsp_template import AnswerTemplate, id_head_of, serial_octets
from tests.unit.pki.status_fixtures import DAY, ISSUING, NOW, responder_certificate, responder_key

UNTIL = NOW + timedelta(hours=1)
STATUSES = st.one_of(
    st.just(GOOD),
    st.builds(Revoked, st.just(NOW - 3 * DAY), st.sampled_from(list(CrlReason)[:5])),
)


def from_template(
    long_way: bytes, serial: int, status: CertStatus, nonce: bytes | None, digest: str, kind: KeyAlgorithm
) -> tuple[bytes, bytes]:
    """(what is signed, the response with the signature of the long way)."""
    responder = Responder(responder_certificate(kind), responder_key(kind).classical)
    template = AnswerTemplate(responder, id_head_of(CertId.of(ISSUING, serial, digest)))
    extensions = b"" if nonce is None else asn1.explicit(1, asn1.sequence(nonce_extension(nonce).encode()))
    tbs = template.tbs(
        serial_octets(serial), encode_status(status), octets_of(NOW), octets_of(UNTIL), extensions
    )
    basic = parse_response(long_way).basic
    assert basic is not None
    response = template.response(tbs, basic.signature)
    if nonce is None:
        times = octets_of(NOW), octets_of(UNTIL)
        at_once = template.whole(serial_octets(serial), encode_status(status), *times, basic.signature)
        assert at_once == response
    return tbs, response + template.tail


@settings(max_examples=60, deadline=None)
@given(
    serial=st.integers(1, 2**159 - 1),
    status=STATUSES,
    nonce=st.none() | st.binary(min_size=1, max_size=128),
    digest=st.sampled_from([oids.SHA1, oids.SHA256, oids.SHA384, oids.SHA512]),
    kind=st.sampled_from([KeyAlgorithm.EC_P256, KeyAlgorithm.ML_DSA_65]),
)
def test_octet_by_octet_the_same(
    serial: int, status: CertStatus, nonce: bytes | None, digest: str, kind: KeyAlgorithm
) -> None:
    cert_id = CertId.of(ISSUING, serial, digest)
    long_way = build_response(
        answers=[SingleAnswer(cert_id.der, status, NOW, UNTIL)],
        responder=Responder(responder_certificate(kind), responder_key(kind).classical),
        produced_at=NOW,
        nonce=nonce,
    )
    basic = parse_response(long_way).basic
    assert basic is not None
    tbs, response = from_template(long_way, serial, status, nonce, digest, kind)
    assert tbs == basic.tbs
    assert response == long_way


@pytest.mark.parametrize("serial", [1, 0x7F, 0x80, 0xFF00, 2**159 - 1])
def test_a_serial_as_it_stands_in_a_cert_id(serial: int) -> None:
    cert_id = CertId.of(ISSUING, serial, oids.SHA1)
    head, octets = id_head_of(cert_id), serial_octets(serial)
    assert asn1.sequence(head, asn1.tlv(asn1.INTEGER, octets)) == cert_id.der


def test_an_archive_cutoff_is_written_and_read() -> None:
    cert_id = CertId.of(ISSUING, 7)
    responder = Responder(responder_certificate(), responder_key(KeyAlgorithm.EC_P256).classical)
    answer = SingleAnswer(cert_id.der, GOOD, NOW, UNTIL, archive_cutoff=NOW - 30 * DAY)
    basic = parse_response(build_response(answers=[answer], responder=responder, produced_at=NOW)).basic
    assert basic is not None
    assert basic.answers == (answer,)
