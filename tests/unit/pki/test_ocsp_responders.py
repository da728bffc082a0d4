"""Which responders a certificate names: of authorityInfoAccess, the OCSP methods' URIs and nothing else."""

from __future__ import annotations

import pytest

from pki import asn1, oids
from pki.errors import MalformedInput
from pki.extensions import authority_information_access, ocsp_responders


def test_only_ocsp_is_a_responder() -> None:
    both = authority_information_access(ocsp="http://a/ocsp", ca_issuers="http://a/ca.der")
    assert ocsp_responders(both.value) == ("http://a/ocsp",)
    none = authority_information_access(ocsp="", ca_issuers="http://a/ca.der")
    assert ocsp_responders(none.value) == ()


def test_several_keep_their_order_and_other_kinds_of_names_are_no_urls() -> None:
    ocsp = asn1.oid(oids.AD_OCSP)
    places = (asn1.implicit(6, b"http://b/"), asn1.implicit(2, b"host"), asn1.implicit(6, b"http://a/"))
    value = asn1.sequence(*(asn1.sequence(ocsp, place) for place in places))
    assert ocsp_responders(value) == ("http://b/", "http://a/")


@pytest.mark.parametrize(
    "value", [b"", asn1.sequence(asn1.sequence(asn1.oid(oids.AD_OCSP))), asn1.sequence(asn1.null())]
)
def test_what_is_no_access_description_is_refused(value: bytes) -> None:
    with pytest.raises(MalformedInput):
        ocsp_responders(value)
