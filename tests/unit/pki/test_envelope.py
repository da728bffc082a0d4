"""Key envelopes: they open with the passphrase that sealed them, and with nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pki.envelope import DEFAULT, FLOOR, KdfParameters, Opener, Sealer, read_header
from pki.errors import MalformedInput, PkiError, WrongPassphrase

CHEAP = KdfParameters(n=16, r=8, p=1)
PASSPHRASE = b"correct horse battery"
CREATED = datetime(2026, 11, 22, 6, 0, 0, tzinfo=UTC)
SECRET = b"\x30\x03\x02\x01\x2a" * 20
SALT = bytes(range(16))


def counting_entropy() -> Callable[[int], bytes]:
    numbers = count(1)
    return lambda size: next(numbers).to_bytes(size, "big")


def sealed(passphrase: bytes = PASSPHRASE, parameters: KdfParameters = CHEAP) -> bytes:
    return Sealer(passphrase, parameters, SALT, floor=CHEAP).seal(
        SECRET, "root-1", CREATED, counting_entropy()
    )


def changed(change: Callable[[dict[str, Any]], None]) -> bytes:
    document = json.loads(sealed())
    change(document)
    return json.dumps(document).encode()


ENVELOPE = sealed()


def test_an_envelope_opens_with_its_passphrase() -> None:
    assert Opener(PASSPHRASE, floor=CHEAP).open(ENVELOPE) == SECRET


def test_the_default_cost_is_the_designs_and_opens_by_the_default_floor() -> None:
    assert KdfParameters(n=131072, r=8, p=1) == DEFAULT
    envelope = Sealer(PASSPHRASE, salt=SALT).seal(SECRET, "root-1", CREATED, counting_entropy())
    assert Opener(PASSPHRASE).open(envelope) == SECRET


def test_the_secret_is_not_in_the_file() -> None:
    assert SECRET not in ENVELOPE
    assert PASSPHRASE not in ENVELOPE


def test_the_header_tells_which_key_it_is() -> None:
    header = read_header(ENVELOPE)
    assert (header.key_id, header.created, header.parameters) == ("root-1", CREATED, CHEAP)


def test_two_envelopes_of_one_sealer_share_the_salt_but_no_nonce() -> None:
    sealer, entropy = Sealer(PASSPHRASE, CHEAP, SALT, floor=CHEAP), counting_entropy()
    first, second = (sealer.seal(SECRET, "root-1", CREATED, entropy) for _ in range(2))
    assert read_header(first).salt == read_header(second).salt
    assert read_header(first).nonce != read_header(second).nonce
    opener = Opener(PASSPHRASE, floor=CHEAP)
    assert [opener.open(first), opener.open(second)] == [SECRET, SECRET]


def test_a_wrong_passphrase_is_said_with_a_next_step() -> None:
    with pytest.raises(WrongPassphrase) as refused:
        Opener(b"wrong horse battery", floor=CHEAP).open(ENVELOPE)
    assert refused.value.field == "passphrase"
    assert refused.value.next_step


def test_a_short_passphrase_is_refused_when_sealing() -> None:
    with pytest.raises(MalformedInput, match="at least 12") as refused:
        Sealer(b"eleven byte", CHEAP, SALT, floor=CHEAP)
    assert refused.value.field == "passphrase"


def test_a_salt_that_was_forgotten_is_refused() -> None:
    with pytest.raises(MalformedInput, match="salt"):
        Sealer(PASSPHRASE, CHEAP, floor=CHEAP)


@pytest.mark.parametrize("key_id", ["", "a" * 129, "line\nbreak", "schlüssel"])
def test_a_key_id_that_cannot_be_printed_is_refused(key_id: str) -> None:
    with pytest.raises(MalformedInput) as refused:
        Sealer(PASSPHRASE, CHEAP, SALT, floor=CHEAP).seal(SECRET, key_id, CREATED, counting_entropy())
    assert refused.value.field == "key_id"


@pytest.mark.parametrize("n", [2**14, 2**24, 2**17 + 1, 0, -8])
def test_cost_below_the_floor_or_above_the_ceiling_is_not_even_tried(n: int) -> None:
    cost = KdfParameters(n=n)
    assert not (cost.affordable and cost.at_least(FLOOR))
    with pytest.raises(MalformedInput) as refused:
        Opener(PASSPHRASE).open(changed(lambda d: d["header"].update(n=n)))
    assert refused.value.field == "kdf"


@pytest.mark.parametrize(
    "members",
    [{"key_id": "root-2"}, {"created": "2026-11-23T06:00:00Z"}, {"p": 2}, {"nonce": "AAAAAAAAAAAAAAAC"}],
    ids=lambda m: next(iter(m)),
)
def test_a_changed_header_does_not_open(members: dict[str, Any]) -> None:
    with pytest.raises(WrongPassphrase):
        Opener(PASSPHRASE, floor=CHEAP).open(changed(lambda d: d["header"].update(members)))


@pytest.mark.parametrize(
    "envelope",
    [
        b"",
        b"not json",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b"[" * 60_000,
        b"x" * 70_000,
        ENVELOPE.replace(b'"n":16', b'"n":16.0'),
        ENVELOPE.replace(b'"n":16', b'"n":true'),
        ENVELOPE.replace(b'"n":16', b'"n":16,"n":16'),
        ENVELOPE.replace(b"2026-11-22T", b"2026-11-2T"),
        ENVELOPE.replace(b"scrypt", b"pbkdf2"),
        ENVELOPE.replace(b"envelope-1", b"envelope-2"),
        ENVELOPE.replace(b'"ciphertext":"', b'"ciphertext":"!'),
        ENVELOPE.replace(b'"header":{', b'"header":{"more":1,'),
    ],
    ids=range(15),
)
def test_what_is_no_envelope_is_malformed_input(envelope: bytes) -> None:
    with pytest.raises(MalformedInput) as refused:
        Opener(PASSPHRASE, floor=CHEAP).open(envelope)
    assert refused.value.field == "envelope"


@given(place=st.integers(0, len(ENVELOPE) - 2), octet=st.integers(0, 255))
def test_no_changed_byte_opens_to_anything_else(place: int, octet: int) -> None:
    mutated = ENVELOPE[:place] + bytes((octet,)) + ENVELOPE[place + 1 :]
    opened = b""
    with suppress(PkiError):
        opened = Opener(PASSPHRASE, floor=CHEAP).open(mutated)
    assert opened in ({SECRET} if mutated == ENVELOPE else {SECRET, b""})
