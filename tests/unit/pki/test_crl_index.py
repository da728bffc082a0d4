"""The index over entries: the same as a look into each, in whatever form and order they are, and no laxer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pki import asn1, crl_index, oids
from pki.crl_entry import CrlReason, RevokedEntry, encode_content, read_entry
from pki.crl_index import EntryIndex
from pki.errors import MalformedInput
from pki.extensions import Extension

NOW = datetime(2026, 11, 22, 6, 30, 15, tzinfo=UTC)
ENTRIES = st.builds(
    RevokedEntry,
    st.one_of(st.integers(1, (1 << 159) - 1), st.integers(1 << 126, (1 << 128) - 1), st.integers(1, 300)),
    st.integers(0, 4_700_000_000).map(
        lambda seconds: datetime(1951, 1, 1, tzinfo=UTC) + timedelta(0, seconds)
    ),
    st.sampled_from(CrlReason),
    st.none() | st.just(NOW),
)


def encoded(entry: RevokedEntry) -> bytes:
    return asn1.tlv(asn1.SEQUENCE, encode_content(entry))


def index(*entries: bytes) -> EntryIndex:
    der = b"".join(entries)
    return EntryIndex.of(der, 0, len(der))


@settings(max_examples=150, deadline=None)
@given(st.lists(ENTRIES, max_size=40, unique_by=lambda entry: entry.certificate_serial))
def test_every_entry_is_found_whatever_the_order(entries: list[RevokedEntry]) -> None:
    found = index(*map(encoded, entries))
    assert len(found) == len(entries)
    for entry in entries:
        offset = found.find(entry.certificate_serial)
        assert offset is not None
        assert read_entry(found.der, offset) == entry
    listed = [int.from_bytes(serial[2:], "big") for run in found.runs() for serial in run]
    assert listed == sorted(entry.certificate_serial for entry in entries)


def test_an_absent_serial_is_not_found() -> None:
    found = index(*(encoded(RevokedEntry(serial, NOW)) for serial in (5, 7, 1 << 100)))
    assert [found.find(serial) for serial in (1, 6, 8, 1 << 99, 1 << 101, 1 << 158)] == [None] * 6
    assert index().find(5) is None


def test_pieces_are_cut_anywhere_and_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [RevokedEntry((1 << 126) + n, NOW, CrlReason(n % 7)) for n in range(200)]
    whole = index(*map(encoded, entries))
    for size in (60, 61, 71, 100, 333):
        monkeypatch.setattr(crl_index, "_AT_ONCE", size)
        cut = index(*map(encoded, entries))
        assert cut.offsets == whole.offsets
        assert cut.in_order


def test_what_stands_here_and_not_there() -> None:
    here = index(*(encoded(RevokedEntry(serial, NOW)) for serial in (3, 500, 1 << 90, 1 << 130)))
    there = index(*(encoded(RevokedEntry(serial, NOW)) for serial in (1 << 90, 4)))
    assert list(here.missing_from(there)) == [3, 500, 1 << 130]
    assert list(here.missing_from(here)) == []
    assert list(here.missing_from(index())) == [3, 500, 1 << 90, 1 << 130]


GOOD = encoded(RevokedEntry(0x55, NOW))
LEAP = asn1.sequence(asn1.integer(6), asn1.tlv(asn1.UTC_TIME, b"240229000000Z"))
NO_LEAP = asn1.sequence(asn1.integer(6), asn1.tlv(asn1.UTC_TIME, b"230229000000Z"))


def test_a_leap_day_is_read_by_hand() -> None:
    found = index(GOOD, LEAP)
    assert found.find(6) is not None


@pytest.mark.parametrize(
    "bad",
    [
        NO_LEAP,
        GOOD,
        GOOD[:-1],
        b"\x30\x00",
        GOOD.replace(b"\x30\x12", b"\x30\x13", 1),
        GOOD.replace(b"\x30\x12", b"\x30\x11", 1),
        GOOD.replace(b"\x30\x12", b"\x30\x81\x12", 1),
        GOOD.replace(b"261122", b"261131"),
        GOOD.replace(b"261122", b"261322"),
        GOOD.replace(b"063015Z", b"243015Z"),
        GOOD.replace(b"063015Z", b"0630150"),
        asn1.sequence(asn1.integer(-5), asn1.time(NOW)),
        asn1.sequence(asn1.tlv(asn1.INTEGER, b"\x00\x05"), asn1.time(NOW)),
        asn1.sequence(asn1.tlv(asn1.INTEGER, b""), asn1.time(NOW)),
        asn1.sequence(asn1.tlv(asn1.INTEGER, b"\x01" * 128), asn1.time(NOW)),
        asn1.sequence(asn1.integer(6)),
        asn1.sequence(
            asn1.integer(6),
            asn1.time(NOW),
            asn1.sequence(Extension(oids.CRL_REASON, False, asn1.tlv(asn1.ENUMERATED, b"\x07")).encode()),
        ),
        asn1.sequence(
            asn1.integer(6),
            asn1.time(NOW),
            asn1.sequence(Extension(oids.CRL_REASON, True, CrlReason.SUPERSEDED.encode()).encode()),
        ),
        b"\x00" + LEAP,
    ],
)
def test_a_bad_entry_is_refused_wherever_it_stands(bad: bytes) -> None:
    for entries in ((GOOD, bad), (bad, encoded(RevokedEntry(0x99, NOW)), GOOD)):
        with pytest.raises(MalformedInput):
            index(*entries)


SMALL = st.lists(st.integers(1, 60), max_size=12, unique=True).map(sorted)


@settings(max_examples=400, deadline=None)
@given(SMALL, SMALL)
def test_what_is_missing_is_told_by_the_quick_comparison_as_by_the_slow(
    one: list[int], other: list[int]
) -> None:
    here = index(*(encoded(RevokedEntry(serial, NOW)) for serial in one))
    there = index(*(encoded(RevokedEntry(serial, NOW)) for serial in other))
    assert list(here.missing_from(there)) == sorted(set(one) - set(other))


@settings(max_examples=200, deadline=None)
@given(SMALL, st.integers(1, 60))
def test_a_list_with_one_more_entry_has_lost_none(serials: list[int], added: int) -> None:
    here = index(*(encoded(RevokedEntry(serial, NOW)) for serial in serials))
    there = index(*(encoded(RevokedEntry(serial, NOW)) for serial in sorted({*serials, added})))
    assert here._stands_in(there)
    assert list(here.missing_from(there)) == []
    assert list(there.missing_from(here)) == sorted({added} - set(serials))
