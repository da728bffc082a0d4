"""What one list lost against the one before it: told as an index over both would tell it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pki import asn1, crl_succession
from pki.crl_entry import CrlReason, RevokedEntry, encode_content
from pki.crl_succession import EntryOctets, left_out
from pki.errors import MalformedInput
from pki.extensions import Extension

NOW = datetime(2026, 11, 22, 6, 30, 15, tzinfo=UTC)
SERIALS = st.one_of(
    st.integers(1, 60), st.integers(1 << 126, (1 << 126) + 60), st.integers(1, (1 << 159) - 1)
)
LISTS = st.dictionaries(SERIALS, st.sampled_from([CrlReason.UNSPECIFIED, CrlReason.SUPERSEDED]), max_size=60)


def entry(serial: int, reason: CrlReason = CrlReason.SUPERSEDED, since: datetime | None = None) -> bytes:
    return asn1.tlv(asn1.SEQUENCE, encode_content(RevokedEntry(serial, NOW, reason, since)))


def octets(*entries: bytes) -> EntryOctets:
    """As in a list: with something before and behind."""
    inner = b"".join(entries)
    return EntryOctets(b"\x30\x03abc" + inner + b"\x30\x03def", 5, 5 + len(inner))


def listed(serials: dict[int, CrlReason]) -> EntryOctets:
    return octets(*(entry(serial, serials[serial]) for serial in sorted(serials)))


@settings(max_examples=400, deadline=None)
@given(LISTS, LISTS)
def test_two_lists_of_any_kind(one: dict[int, CrlReason], other: dict[int, CrlReason]) -> None:
    assert left_out(listed(one), listed(other)) == sorted(set(one) - set(other))


@settings(max_examples=400, deadline=None)
@given(LISTS, st.sets(SERIALS, max_size=4), st.data())
def test_a_list_with_a_few_more_and_a_few_less(
    one: dict[int, CrlReason], more: set[int], data: st.DataObject
) -> None:
    lost = data.draw(st.sets(st.sampled_from(sorted(one)), max_size=3)) if one else set()
    other = {s: r for s, r in one.items() if s not in lost} | dict.fromkeys(more, CrlReason.KEY_COMPROMISE)
    assert left_out(listed(one), listed(other)) == sorted(set(one) - set(other))


@pytest.mark.parametrize("piece", [1, 2, 39, 40, 41, 100])
def test_octets_are_compared_in_pieces_of_any_size(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crl_succession, "_PIECE", piece)
    one = dict.fromkeys(range(100, 160), CrlReason.SUPERSEDED)
    other = {s: r for s, r in one.items() if s not in (100, 131, 159)} | {5: CrlReason.SUPERSEDED}
    assert left_out(listed(one), listed(one)) == []
    assert left_out(listed(one), listed(other)) == [100, 131, 159]
    assert left_out(listed(other), listed(one)) == [5]


def test_entries_with_long_headers_are_walked_over() -> None:
    unknown = Extension("1.2.3.4", False, b"\x04\x81\xc8" + b"x" * 200)
    long = asn1.sequence(asn1.integer(7), asn1.time(NOW), asn1.sequence(unknown.encode()))
    wide = [entry(9, since=NOW), entry(1 << 158, since=NOW - timedelta(days=9))]
    assert left_out(octets(long, *wide), octets(long, entry(8), *wide)) == []
    assert left_out(octets(long, entry(8), *wide), octets(long, *wide)) == [8]


BAD = entry(50).replace(b"261122", b"261322")


@pytest.mark.parametrize("bad", [BAD, entry(50)[:-1] + b"\x07", b"\x30\x00", b"\x30\x7f\x02\x01\x32"])
def test_a_bad_entry_that_the_last_list_had_not_is_refused(bad: bytes) -> None:
    old = octets(entry(40), entry(60))
    for new in (octets(entry(40), bad, entry(60)), octets(bad), octets(entry(40), entry(60), bad)):
        with pytest.raises(MalformedInput):
            left_out(old, new)


@pytest.mark.parametrize(
    "serials", [(40, 39, 60), (40, 60, 50), (30, 40, 60, 40), (40, 40, 60), (40, 60, 60)], ids=str
)
def test_what_is_out_of_order_or_twice_is_not_judged_here(serials: tuple[int, ...]) -> None:
    old = octets(entry(40), entry(60))
    assert left_out(old, octets(*map(entry, serials))) is None


def test_many_differences_are_somebody_elses() -> None:
    old, new = dict.fromkeys(range(1, 2000, 2), CrlReason(4)), dict.fromkeys(range(2000), CrlReason(1))
    new.pop(0)
    assert left_out(listed(old), listed(new)) is None
    assert left_out(listed({}), listed(new)) is None
