"""Parts of lists and deltas: what they say of themselves, which certificate is whose, and what is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from pki import asn1, oids
from pki.crl import Frame, RevokedEntry, build_crl, build_from_contents
from pki.crl_checks import publication_findings, verify_crl
from pki.crl_entry import encode_content
from pki.crl_list import CertificateList
from pki.crl_scope import ListScope, issuing_distribution_point, read_issuing_distribution_point
from pki.crl_shard import COUNTS, Shard, all_shards, delta_url, shard_of, shard_url, url_of
from pki.errors import MalformedInput, RequestRefused
from pki.profiles import StatusUrls
from tests.unit.pki.status_fixtures import CA_KEY, DAY, ISSUING, NOW

WHOLE_URL = "http://pki.example/crl/issuing.crl"
PART_URL = "http://pki.example/crl/issuing/16-3.crl"


def part(entries: tuple[RevokedEntry, ...] = (), *, number: int = 7, url: str = PART_URL) -> CertificateList:
    return CertificateList.parse(
        build_crl(
            issuer_name=ISSUING.subject,
            authority_key_identifier=CA_KEY.classical.public.key_identifier,
            key=CA_KEY,
            entries=entries,
            crl_number=number,
            this_update=NOW,
            next_update=NOW + DAY,
            distribution_point=url,
        )
    )


@given(st.integers(1, (1 << 159) - 1))
def test_every_serial_belongs_to_exactly_one_part(serial: int) -> None:
    for count in COUNTS[1:]:
        assert [s for s in all_shards(count) if s.holds(serial)] == [shard_of(serial, count)]


def test_serials_that_count_up_are_spread_evenly() -> None:
    for count in COUNTS[1:]:
        parts = [shard_of(serial, count) for serial in range(1, 257)]
        assert {parts.count(shard) for shard in all_shards(count)} == {256 // count}


def test_urls_stand_beside_the_whole_lists() -> None:
    urls = StatusUrls(crl=WHOLE_URL, crl_shards=16)
    assert shard_url(urls, 0x1234_3F) == PART_URL
    assert shard_url(StatusUrls(crl=WHOLE_URL), 0x1234_3F) == WHOLE_URL
    assert shard_url(StatusUrls(crl_shards=16), 5) == ""
    assert url_of(Shard(256, 255), WHOLE_URL) == "http://pki.example/crl/issuing/256-255.crl"
    assert delta_url(WHOLE_URL) == "http://pki.example/crl/issuing/delta.crl"


@pytest.mark.parametrize(
    "text", ["", "16", "16-16", "1-0", "17-3", "16-3-1", "16--3", "x-1", "٣-1", "256-0000"]
)
def test_parts_that_there_are_not_are_refused(text: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        Shard.read(text)
    assert refused.value.field == "shard"


def test_a_part_says_in_a_critical_extension_what_it_speaks_of() -> None:
    parsed = part((RevokedEntry(0x13F, NOW),))
    assert parsed.distribution_point == (PART_URL,)
    assert verify_crl(parsed, ISSUING) == ()
    seen = x509.load_der_x509_crl(parsed.der).extensions
    scope = seen.get_extension_for_class(x509.IssuingDistributionPoint)
    assert scope.critical
    assert scope.value.full_name == [x509.UniformResourceIdentifier(PART_URL)]
    assert not scope.value.indirect_crl


def test_a_whole_list_says_where_its_deltas_are() -> None:
    frame = Frame(
        issuer_name=ISSUING.subject,
        authority_key_identifier=b"k" * 20,
        crl_number=1,
        this_update=NOW,
        next_update=NOW + DAY,
        freshest=delta_url(WHOLE_URL),
    )
    seen = x509.load_der_x509_crl(build_from_contents(frame, [], CA_KEY)).extensions
    fresh = seen.get_extension_for_class(x509.FreshestCRL)
    assert not fresh.critical
    assert [n.value for point in fresh.value for n in point.full_name or ()] == [delta_url(WHOLE_URL)]


def test_a_delta_has_no_deltas() -> None:
    frame = Frame(
        issuer_name=ISSUING.subject,
        authority_key_identifier=b"k" * 20,
        crl_number=2,
        base_crl_number=1,
        this_update=NOW,
        next_update=NOW + DAY,
        freshest=delta_url(WHOLE_URL),
    )
    with pytest.raises(RequestRefused) as refused:
        build_from_contents(frame, [], CA_KEY)
    assert refused.value.field == "freshest"


def test_encoded_entries_must_be_in_order_and_each_once() -> None:
    one, two = (encode_content(RevokedEntry(serial, NOW)) for serial in (5, 6))
    later = encode_content(RevokedEntry(5, NOW + timedelta(seconds=1)))
    frame = Frame(
        issuer_name=ISSUING.subject,
        authority_key_identifier=b"k" * 20,
        crl_number=1,
        this_update=NOW,
        next_update=NOW + DAY,
    )
    assert CertificateList.parse(build_from_contents(frame, [one, two], CA_KEY)).entry_count == 2
    for contents in ([two, one], [one, one], [one, later]):
        with pytest.raises(RequestRefused) as refused:
            build_from_contents(frame, contents, CA_KEY)
        assert refused.value.field == "certificate_serial"


def test_a_part_does_not_replace_another_part_or_the_whole() -> None:
    other = part(number=8, url=PART_URL.replace("16-3", "16-4"))
    assert "crl.scope_changed" in {f.rule for f in publication_findings(part(), other, ISSUING, NOW)}
    assert publication_findings(part(), part(number=8), ISSUING, NOW) == ()


@pytest.mark.parametrize("flag", [0x81, 0x82, 0x84, 0x85])
def test_other_limits_are_read(flag: int) -> None:
    scope = read_issuing_distribution_point(asn1.sequence(asn1.tlv(flag, b"\xff")))
    said = (
        scope.only_user_certificates,
        scope.only_ca_certificates,
        scope.indirect,
        scope.only_attribute_certificates,
    )
    assert said == tuple(flag == known for known in (0x81, 0x82, 0x84, 0x85))
    assert scope != ListScope()


def test_some_reasons_are_read() -> None:
    assert read_issuing_distribution_point(asn1.sequence(asn1.tlv(0x83, b"\x06\x40"))).only_some_reasons


_NAME = asn1.tlv(0xA0, asn1.implicit(6, b"http://x"))


@pytest.mark.parametrize(
    "value",
    [
        b"",
        asn1.sequence(),
        asn1.sequence(asn1.tlv(0x81, b"\x00")),
        asn1.sequence(asn1.tlv(0x82, b"\xff"), asn1.tlv(0x81, b"\xff")),
        asn1.sequence(asn1.tlv(0x81, b"\xff"), asn1.tlv(0x81, b"\xff")),
        asn1.sequence(asn1.tlv(0x86, b"\xff")),
        asn1.sequence(asn1.explicit(0, b"")),
        asn1.sequence(asn1.explicit(0, asn1.tlv(0xA0, b""))),
        asn1.sequence(asn1.explicit(0, asn1.tlv(0xA1, b""))),
        asn1.sequence(asn1.explicit(0, asn1.tlv(0xA0, asn1.implicit(2, b"host")))),
        asn1.sequence(asn1.explicit(0, asn1.tlv(0xA0, asn1.implicit(6, b"http://\xff")))),
        asn1.sequence(asn1.explicit(0, _NAME + _NAME)),
        asn1.sequence(asn1.explicit(0, _NAME)) + b"\x00",
    ],
)
def test_a_scope_that_is_not_understood_is_refused(value: bytes) -> None:
    with pytest.raises(MalformedInput):
        read_issuing_distribution_point(value)


def test_what_we_write_we_read() -> None:
    extension = issuing_distribution_point(PART_URL)
    assert (extension.oid, extension.critical) == (oids.ISSUING_DISTRIBUTION_POINT, True)
    assert read_issuing_distribution_point(extension.value) == ListScope((PART_URL,))
