"""Secrets cut into shares of words (SLIP-39), and put together again. The one door to shamir-mnemonic.

No message repeats a word of a share: messages end up in logs and on screens.
Not handled here: files, prompts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from shamir_mnemonic.shamir import combine_mnemonics, generate_mnemonics
from shamir_mnemonic.share import Share
from shamir_mnemonic.utils import MnemonicError
from shamir_mnemonic.wordlist import WORD_INDEX_MAP

from service.errors import BadSetting, ServiceError

MOST_SHARES: Final = 16
_ITERATIONS: Final = 0  # the cut secret is random and long: a slow derivation would protect nothing


class BadShare(BadSetting):
    """Words that are no share."""


class ForeignShare(ServiceError):
    """A good share, of another secret or of an older split."""

    kind = "refused"


class SharesMissing(ServiceError):
    """Fewer shares than the threshold."""

    kind = "refused"


@dataclass(frozen=True, slots=True)
class ShareSet:
    """Which split a share belongs to, and how many of how many open it."""

    identifier: int
    threshold: int
    count: int

    def __str__(self) -> str:
        return f"{self.threshold} of {self.count}"


@dataclass(frozen=True, slots=True)
class Dealt:
    """A secret in shares; each goes to another person."""

    identifier: int
    shares: tuple[str, ...] = field(repr=False)


def split(secret: bytes, *, count: int, threshold: int) -> Dealt:
    """`secret`: 16 octets or more, an even number. BadSetting names a count or threshold out of range."""
    if not 2 <= threshold <= count <= MOST_SHARES:
        raise BadSetting(
            f"{threshold} of {count} shares cannot be: 2 to {MOST_SHARES} shares, and a threshold of 2 or "
            "more that they can reach.",
            next_step="For example: --shares 5 --threshold 3.",
            field="--threshold",
        )
    words = generate_mnemonics(1, [(threshold, count)], secret, iteration_exponent=_ITERATIONS)[0]
    dealt = Dealt(Share.from_mnemonic(words[0]).identifier, tuple(words))
    # Before anybody relies on them: what was cut is what comes back.
    if combine_mnemonics(words[:threshold]) != secret:
        raise ServiceError("The shares do not give the secret back; nothing was changed.", field="shares")
    return dealt


class Gathering:
    """Shares of one set, collected one by one until there are enough."""

    def __init__(self, wanted: ShareSet) -> None:
        self._wanted = wanted
        self._given: dict[int, str] = {}

    @property
    def missing(self) -> int:
        """How many more are needed."""
        return max(0, self._wanted.threshold - len(self._given))

    @property
    def members(self) -> tuple[int, ...]:
        """The numbers of the shares given, from 1."""
        return tuple(sorted(self._given))

    def add(self, words: str) -> int:
        """A share more; its number. BadShare or ForeignShare leave what was gathered as it is."""
        share = _parsed(words)
        if share.identifier != self._wanted.identifier or share.member_threshold != self._wanted.threshold:
            raise ForeignShare(
                f"Share {share.index + 1} is good, but of another split; {self.still()}",
                next_step="Take the shares of the newest split: medtrust ca quorum show says which that is.",
                field="share",
            )
        if share.index + 1 in self._given:
            raise BadShare(
                f"Share {share.index + 1} was given already; {self.still()}",
                next_step="Each share counts once: ask another holder.",
                field="share",
            )
        self._given[share.index + 1] = " ".join(words.split())
        return int(share.index) + 1

    def secret(self) -> bytes:
        """What the shares hide; SharesMissing says how many are not here."""
        if self.missing:
            raise SharesMissing(
                f"{len(self._given)} of the {self._wanted.threshold} shares that are needed were given; "
                f"{self.still()}",
                next_step="Ask more holders for theirs.",
                field="share",
            )
        try:
            return bytes(combine_mnemonics(list(self._given.values())[: self._wanted.threshold]))
        except MnemonicError as bad:
            raise BadShare(
                "The shares do not belong together: one of them was changed.",
                next_step="Try other holders' shares.",
                field="share",
            ) from bad

    def still(self) -> str:
        """`2 more of 3 are missing.`"""
        return f"{self.missing} more of {self._wanted.threshold} are missing."


def _parsed(words: str) -> Share:
    given = words.lower().split()
    for place, word in enumerate(given, 1):
        if word not in WORD_INDEX_MAP:
            raise BadShare(
                f"Word {place} of the share is not in the list of SLIP-39 words.",
                next_step="Compare it with the paper: four letters tell every word from all others.",
                field="share",
            )
    try:
        return Share.from_mnemonic(" ".join(given))
    except MnemonicError as bad:
        raise BadShare(
            f"The share's check does not hold: {len(given)} words, at least one of them wrong or missing.",
            next_step="Compare every word, and their order, with the paper.",
            field="share",
        ) from bad
