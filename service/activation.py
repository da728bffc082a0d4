"""How people open the CA: with the passphrase, or together with shares, from files or at a terminal.

MEDTRUST_SHARES_FILES names shares' files (separated as in PATH) for every command, as
MEDTRUST_PASSPHRASE_FILE names the passphrase's.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from registry.restoration import refuse_older
from service.errors import BadSetting, ServiceError
from service.outside import seen_outside
from service.passphrase import first_line, typed
from service.quorum import Opened, Slot, note_use, open_slot, read_slot, require_slot, shares_in
from service.runtime import PassphraseSource, Runtime, current_operator, read_passphrase
from service.shares import Gathering

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Activation:
    """Where the way in comes from; nothing given means: ask at the terminal."""

    passphrase: PassphraseSource
    shares: tuple[Path, ...] = ()
    quorum: bool = False
    """Ask for shares, also where there is a passphrase."""
    purpose: str = "sign"
    """For the log: the command."""


def activate(asked: Activation, runtime: Runtime, tell: Tell, *, accept_older_store: bool = False) -> bytes:
    """The CA's passphrase; where shares gave it, the log says which ones, before anything is signed."""
    opened = _opened(asked, runtime, tell)
    if isinstance(opened, bytes):
        return opened
    if not accept_older_store:
        # A leaf in an older copy would contradict the log that the world has seen.
        refuse_older(seen_outside(runtime.home), ports=runtime.ports)
    note_use(opened, asked.purpose, actor=current_operator(), ports=runtime.ports)
    tell(f"Opened by shares {', '.join(map(str, opened.members))} of {opened.slot.shares.count}.")
    return opened.passphrase


def new_passphrase(file: Path | None) -> bytes:
    """One that nobody used yet: from a file (0600), else typed twice. The environment's is the old one."""
    if file is not None:
        return first_line(file)
    return _typed("The new passphrase: ", "--new-passphrase-file", confirm=True)


def old_passphrase(file: Path | None) -> bytes:
    """One that opens what is to be changed: from a file (0600), else typed."""
    return first_line(file) if file else _typed("The earlier passphrase: ", "--old-passphrase-file")


def _typed(question: str, option: str, *, confirm: bool = False) -> bytes:
    return typed(question, confirm=confirm, next_step=f"Give {option} FILE (mode 0600).", field=option)


def gather_shares(keys: Path, files: Iterable[Path], tell: Tell) -> Opened:
    """From files where there are any, else from the terminal."""
    slot = require_slot(keys)
    named = tuple(files)
    gathering = _from_files(slot, named) if named else _from_terminal(slot, tell)
    return open_slot(keys, gathering, slot)


def _opened(asked: Activation, runtime: Runtime, tell: Tell) -> bytes | Opened:
    keys = runtime.home.keys
    given = asked.passphrase.file is not None or asked.passphrase.descriptor is not None
    if given and (asked.shares or asked.quorum):
        raise BadSetting(
            "Both a passphrase and shares were given.", next_step="Give one of them.", field="--shares-file"
        )
    if not given:
        asked = replace(asked, shares=asked.shares or _shares_of_environment())
    if asked.shares or asked.quorum:
        return gather_shares(keys, asked.shares, tell)
    slot = read_slot(keys)
    if slot is not None and slot.only and not given:
        return gather_shares(keys, (), tell)
    return read_passphrase(asked.passphrase, runtime.settings)


def _shares_of_environment() -> tuple[Path, ...]:
    named = os.environ.get("MEDTRUST_SHARES_FILES", "")
    return tuple(Path(part) for part in named.split(os.pathsep) if part)


def _from_files(slot: Slot, files: tuple[Path, ...]) -> Gathering:
    gathering = Gathering(slot.shares)
    for path in files:
        found = shares_in(path)
        if not found:
            raise BadSetting(f"The shares file {path} holds no share.", field="--shares-file")
        for words in found:
            gathering.add(words)
    return gathering


def _from_terminal(slot: Slot, tell: Tell) -> Gathering:
    if not os.isatty(0):
        raise BadSetting(
            f"The CA opens with {slot.shares} shares, and there is no terminal to ask at.",
            next_step="Give --shares-file FILE (mode 0600) once for each, or start at a terminal.",
            field="shares",
        )
    gathering = Gathering(slot.shares)
    while gathering.missing:
        words = getpass.getpass(f"A share ({gathering.still()[:-1]}; nothing is shown): ")
        if not words.strip():
            gathering.secret()  # says how many are missing
        try:
            tell(f"Share {gathering.add(words)} is good.")
        except ServiceError as bad:
            tell(str(bad))
    return gathering
