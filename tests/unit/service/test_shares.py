"""Shares in words: enough of them open, and each way of being wrong has its own sentence."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import BadSetting
from service.shares import BadShare, Dealt, ForeignShare, Gathering, ShareSet, SharesMissing, split

SECRET = bytes(range(32))


@pytest.fixture(scope="module")
def dealt() -> Dealt:
    return split(SECRET, count=5, threshold=3)


def _gathering(dealt: Dealt) -> Gathering:
    return Gathering(ShareSet(dealt.identifier, 3, 5))


def test_every_three_of_five_give_the_secret_in_any_order(dealt: Dealt) -> None:
    for chosen in itertools.permutations(dealt.shares, 3):
        gathering = _gathering(dealt)
        for words in chosen:
            gathering.add(words)
        assert gathering.secret() == SECRET


def test_too_few_shares_say_how_many_are_missing(dealt: Dealt) -> None:
    gathering = _gathering(dealt)
    assert gathering.add(dealt.shares[4]) == 5
    with pytest.raises(SharesMissing, match=r"1 of the 3 shares .* 2 more of 3 are missing"):
        gathering.secret()
    assert (gathering.missing, gathering.members) == (2, (5,))


def test_the_same_share_twice_counts_once(dealt: Dealt) -> None:
    gathering = _gathering(dealt)
    gathering.add(dealt.shares[0])
    with pytest.raises(BadShare, match="given already; 2 more of 3"):
        gathering.add(dealt.shares[0].upper())
    assert gathering.missing == 2


def test_a_share_of_another_split_is_foreign(dealt: Dealt) -> None:
    gathering = _gathering(dealt)
    other = split(SECRET, count=5, threshold=3)
    with pytest.raises(ForeignShare, match="of another split; 3 more of 3"):
        gathering.add(other.shares[0])


def test_a_wrong_word_is_found_by_its_place_and_never_repeated(dealt: Dealt) -> None:
    words = dealt.shares[0].split()
    words[6] = "password"
    with pytest.raises(BadShare, match=r"Word 7 of the share") as caught:
        _gathering(dealt).add(" ".join(words))
    assert "password" not in str(caught.value)
    assert not any(word in str(caught.value).split() for word in words[:6])


def test_exchanged_and_missing_words_fail_the_check(dealt: Dealt) -> None:
    words = dealt.shares[0].split()
    exchanged = " ".join([*words[:9], words[10], words[9], *words[11:]])
    for wrong in (exchanged, " ".join(words[:-1]), "", "academic"):
        with pytest.raises(BadShare):
            _gathering(dealt).add(wrong)


@pytest.mark.parametrize(("count", "threshold"), [(5, 1), (1, 1), (3, 4), (17, 3), (0, 0)])
def test_a_split_that_cannot_be_is_refused(count: int, threshold: int) -> None:
    with pytest.raises(BadSetting, match="cannot be"):
        split(SECRET, count=count, threshold=threshold)


@given(st.text(max_size=400))
@settings(max_examples=200, deadline=None)
def test_any_text_is_a_share_or_a_typed_error(text: str) -> None:
    gathering = Gathering(ShareSet(1, 3, 5))
    with pytest.raises((BadShare, ForeignShare)):
        gathering.add(text)
    assert gathering.missing == 3
