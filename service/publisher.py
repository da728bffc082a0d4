"""Lists from the store into files: each file is replaced whole, and never by an older list.

The store is the truth, where a number is recorded with its list. Whoever writes a file takes the home's lock
and writes what the store holds then: of two processes the slower one cannot bring an older list back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from pki.crl_list import CertificateList
from pki.errors import MalformedInput
from registry.model.actor import Actor
from registry.model.errors import DependencyDown
from registry.ports import Ports
from registry.publication import WHOLE, ListSigner, publish_lists
from registry.store.lists import StoredList
from service.home import Home, make_private, write_atomically

_PATIENCE: Final = 30.0
"""Seconds to wait for another process that writes a list of fifty megabytes."""


def list_file(home: Home, issuer: str, scope: str) -> Path:
    """Where a list lies, as its URL says it: `issuing.crl`, `crl/issuing/16-3.crl`."""
    if scope == WHOLE:
        return home.public / f"{issuer}.crl"
    return home.public / "crl" / issuer / f"{scope}.crl"


class Publisher:
    """Signs lists and puts them into home/public."""

    def __init__(self, home: Home, ports: Ports) -> None:
        self._home, self._ports = home, ports

    def publish(self, signer: ListSigner, scopes: Sequence[str], actor: Actor) -> tuple[StoredList, ...]:
        """New lists, recorded and on disk; Refused or DependencyDown, and the last ones stay in force.

        A crash before the files are replaced leaves older copies; `catch_up` replaces them.
        """
        published = publish_lists(signer, scopes, actor, ports=self._ports)
        for stored in published:
            self.write(stored)
        return published

    def catch_up(self, issuers: Iterable[str]) -> int:
        """Files that a killed process left behind the store; how many."""
        behind = 0
        for issuer in issuers:
            with self._ports.store.read() as uow:
                heads = uow.lists.heads(issuer)
            for scope in heads:
                with self._ports.store.read() as uow:
                    stored = uow.lists.latest(issuer, scope)
                path = list_file(self._home, issuer, scope)
                if stored is not None and _is_behind(path, stored):
                    self.write(stored)
                    behind += 1
        return behind

    def write(self, stored: StoredList) -> None:
        """The list into its file, or a newer one that the store holds; DependencyDown where that fails."""
        path = list_file(self._home, stored.issuer, stored.scope)
        lock = FileLock(make_private(self._home.run) / "lists.lock", timeout=_PATIENCE)
        try:
            path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            with lock:
                write_atomically(path, self._newest(stored))
        except Timeout:
            raise DependencyDown(
                f"Another process has been writing lists for {_PATIENCE:.0f} seconds.",
                next_step="The list is in the store and is served from there; look for a process that hangs.",
                field="lists.lock",
            ) from None
        except OSError as full:
            raise DependencyDown(
                f"The list cannot be written to {path}: {full.strerror}.",
                next_step="The file keeps the list before it. Make room, then: medtrust crl publish.",
                field="home",
            ) from full

    def _newest(self, stored: StoredList) -> bytes:
        with self._ports.store.read() as uow:
            head = uow.lists.head(stored.issuer, stored.scope)
            overtaken = head is not None and head.crl_number > stored.crl_number
            return uow.lists.octets(head) if overtaken and head is not None else stored.der


def _is_behind(path: Path, stored: StoredList) -> bool:
    """Whether a file holds an older list, or none; a newer one is a restored store's matter."""
    if not path.exists():
        return True
    octets = path.read_bytes()
    if octets == stored.der:
        return False
    try:
        return CertificateList.parse(octets).crl_number < stored.crl_number
    except MalformedInput:
        return True
