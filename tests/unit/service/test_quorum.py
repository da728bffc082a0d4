"""The slot beside the keys: what opens it, what a split ends, and what a crash in the middle leaves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from audit.leaf import decode
from pki.errors import WrongPassphrase
from registry.model.actor import operator
from registry.ports import Ports
from registry.store.unit_of_work import Store
from service import clock
from service.errors import BadSetting, NotInitialised
from service.keystore import KeyReader, KeyWriter, finish_exchange, reseal, reseal_here
from service.quorum import SLOT, Split, end_quorum, open_slot, read_slot, require_slot, split_passphrase
from service.shares import ForeignShare, Gathering
from tests.quick_seals import CHEAP, seals_at

PASSPHRASE = b"a passphrase of a test"
NAMES = ("issuing.classical", "log.ed25519")
NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture(scope="module", autouse=True)
def cheap_seals() -> Iterator[None]:
    """Many passphrases are tried here, each for a scrypt."""
    with seals_at(CHEAP):
        yield


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    folder = tmp_path / "keys"
    writer = KeyWriter(folder, PASSPHRASE, NOW)
    for name in NAMES:
        writer.write_secret(name, name.encode())
    return folder


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[Ports]:
    store = Store.open(f"sqlite:///{tmp_path / 'registry.db'}")
    yield Ports(store, clock.now, clock.entropy)
    store.close()


def _split(keys: Path, ports: Ports, wanted: Split, passphrase: bytes = PASSPHRASE) -> list[str]:
    dealt: list[str] = []
    split_passphrase(
        keys,
        passphrase,
        wanted,
        lambda _number, words: dealt.append(words),
        actor=operator("test"),
        ports=ports,
    )
    return dealt


def _open(keys: Path, shares: list[str]) -> bytes:
    slot = require_slot(keys)
    gathering = Gathering(slot.shares)
    for words in shares:
        gathering.add(words)
    return open_slot(keys, gathering, slot).passphrase


def _kinds(ports: Ports) -> list[str]:
    with ports.store.read() as uow:
        return [decode(entry).kind for entry in uow.log.read_entries(0, uow.log.size())]


def _readable(keys: Path, passphrase: bytes) -> bool:
    reader = KeyReader(keys, passphrase)
    return all(reader.read_secret(name) == name.encode() for name in NAMES)


def test_shares_give_the_passphrase_that_still_works_by_itself(keys: Path, ports: Ports) -> None:
    shares = _split(keys, ports, Split(5, 3))
    assert _open(keys, shares[2:]) == PASSPHRASE
    assert _readable(keys, PASSPHRASE)
    assert (keys / SLOT).stat().st_mode & 0o777 == 0o600


def test_a_retired_passphrase_opens_nothing(keys: Path, ports: Ports) -> None:
    shares = _split(keys, ports, Split(3, 2, retire_passphrase=True))
    with pytest.raises(WrongPassphrase):
        KeyReader(keys, PASSPHRASE).read_secret(NAMES[0])
    assert _readable(keys, _open(keys, shares[1:]))


def test_shares_of_the_split_before_open_nothing(keys: Path, ports: Ports) -> None:
    before = _split(keys, ports, Split(3, 2, retire_passphrase=True))
    inside = _open(keys, before[:2])
    old_slot = (keys / SLOT).read_bytes()
    after = _split(keys, ports, Split(3, 2), inside)
    with pytest.raises(ForeignShare):
        _open(keys, before[:2])
    assert _readable(keys, _open(keys, after[:2]))
    # Not even with yesterday's slot from a backup: nobody knew the passphrase, so it was changed as well.
    (keys / SLOT).write_bytes(old_slot)
    with pytest.raises(WrongPassphrase):
        KeyReader(keys, _open(keys, before[:2])).read_secret(NAMES[0])


def test_a_wrong_passphrase_deals_nothing(keys: Path, ports: Ports) -> None:
    with pytest.raises(WrongPassphrase):
        _split(keys, ports, Split(3, 2), b"another passphrase")
    assert read_slot(keys) is None


def test_an_interrupted_dealing_changes_nothing(keys: Path, ports: Ports) -> None:
    def gone(number: int, _words: str) -> None:
        if number == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        split_passphrase(keys, PASSPHRASE, Split(3, 2, True), gone, actor=operator("test"), ports=ports)
    assert read_slot(keys) is None
    assert _readable(keys, PASSPHRASE)


def test_the_end_of_a_quorum_is_a_new_passphrase(keys: Path, ports: Ports) -> None:
    shares = _split(keys, ports, Split(3, 2, retire_passphrase=True))
    end_quorum(keys, _open(keys, shares[:2]), b"the next passphrase", actor=operator("test"), ports=ports)
    assert _readable(keys, b"the next passphrase")
    with pytest.raises(NotInitialised, match="No quorum"):
        require_slot(keys)
    assert _kinds(ports) == ["quorum.split", "quorum.ended"]


@pytest.mark.parametrize("renamed", [False, True])
def test_a_crash_in_the_exchange_leaves_the_old_keys_or_the_new_ones(
    keys: Path, ports: Ports, renamed: bool
) -> None:
    """Killed before the first rename the old folder stands; after it the new one is taken."""
    fresh = keys.with_name(".keys.medtrust-reseal-next")
    writer = KeyWriter(fresh, b"the next passphrase", NOW)
    for name in NAMES:
        writer.write_secret(name, name.encode())
    if renamed:
        keys.rename(keys.with_name(".keys.medtrust-reseal-old"))
    finish_exchange(keys)
    assert _readable(keys, b"the next passphrase" if renamed else PASSPHRASE)
    reseal(keys, b"the next passphrase" if renamed else PASSPHRASE, PASSPHRASE, besides={}, now=NOW)
    assert _readable(keys, PASSPHRASE)
    assert sorted(path.name for path in keys.parent.iterdir() if "keys" in path.name) == ["keys"]


def test_a_reader_leaves_a_folder_in_the_making_alone(keys: Path) -> None:
    making = keys.with_name(".keys.medtrust-reseal-next")
    making.mkdir()
    KeyReader(keys, PASSPHRASE)
    assert making.exists()


def test_an_old_folder_alone_is_taken_back(keys: Path) -> None:
    keys.rename(keys.with_name(".keys.medtrust-reseal-old"))
    assert _readable(keys, PASSPHRASE)


def test_old_keys_do_not_linger_after_the_exchange(keys: Path) -> None:
    left = keys.with_name(".keys.medtrust-reseal-old")
    left.mkdir()
    (left / "issuing.classical.json").write_bytes(b"opens with a retired passphrase")
    KeyReader(keys, PASSPHRASE)
    assert not left.exists()


def test_folders_of_others_beside_the_keys_are_left_alone(keys: Path) -> None:
    for name in ("keys.old", "keys.next"):
        keys.with_name(name).mkdir()
    KeyReader(keys, PASSPHRASE)
    assert keys.with_name("keys.old").exists()
    assert keys.with_name("keys.next").exists()


def test_keys_on_a_medium_follow_in_any_number_of_tries(keys: Path) -> None:
    new = b"the next passphrase"
    assert reseal_here(keys, NAMES[:1], PASSPHRASE, new, NOW) == NAMES[:1]
    assert reseal_here(keys, NAMES, PASSPHRASE, new, NOW) == NAMES[1:]
    assert _readable(keys, new)
    with pytest.raises(WrongPassphrase):
        reseal_here(keys, NAMES, PASSPHRASE, b"a third passphrase", NOW)
    assert _readable(keys, new)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [("-2-of-3-only", "-1-of-3-only"), ("-2-of-3-only", "-2-of-3"), ("quorum-", "quorum-1")],
)
def test_a_slot_that_was_edited_opens_nothing(keys: Path, ports: Ports, was: str, becomes: str) -> None:
    shares = _split(keys, ports, Split(3, 2, retire_passphrase=True))
    slot = keys / SLOT
    slot.write_text(slot.read_text().replace(was, becomes))
    with pytest.raises((ForeignShare, WrongPassphrase, BadSetting)):
        _open(keys, shares[:2])
