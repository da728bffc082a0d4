"""What stands outside the store and remembers it: the last list and the last checkpoint, in home/public."""

from __future__ import annotations

from collections.abc import Callable

from registry.ports import Ports
from registry.restoration import ISSUER, SeenOutside, accept_older
from service.authorities import read_authorities
from service.home import Home, write_atomically
from service.runtime import Runtime, current_operator

CHECKPOINT = "checkpoint"


def seen_outside(home: Home) -> SeenOutside:
    """The published files, where they are."""
    checkpoint = home.public / CHECKPOINT
    files = {entry.name: home.public / f"{entry.name}.crl" for entry in read_authorities(home)}
    lists = {name: path.read_bytes() for name, path in files.items() if path.exists()}
    parts = {name: [f.read_bytes() for f in (home.public / "crl" / name).glob("*.crl")] for name in files}
    note = checkpoint.read_text() if checkpoint.exists() else None
    return SeenOutside(lists.pop(ISSUER, None), note, lists, parts)


def keep_checkpoint(home: Home, ports: Ports) -> None:
    """The newest signed note beside the lists, for everybody and for our own next start."""
    with ports.store.read() as uow:
        note = uow.log.last_checkpoint()
    path = home.public / CHECKPOINT
    if note is not None and (not path.exists() or path.read_text() != note):
        write_atomically(path, note.encode())


def accept_outside(runtime: Runtime, tell: Callable[[str], None]) -> None:
    """A person goes on with an older copy; the checkpoint that it contradicts is kept under another name."""
    taken = accept_older(seen_outside(runtime.home), current_operator(), ports=runtime.ports)
    checkpoint = runtime.home.public / CHECKPOINT
    if checkpoint.exists():
        checkpoint.rename(checkpoint.with_name(f"{CHECKPOINT}.before-{runtime.ports.clock():%Y%m%dT%H%M%S}"))
    tell(f"An older store was accepted; {taken} revocations were taken over from the published list.")
