"""The audit log as a whole: sign a checkpoint over what is read back, verify all, list, prove one leaf."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from audit.checkpoint import open_checkpoint, sign_checkpoint
from audit.keys import Signer, VerifierKey
from audit.leaf import Leaf, decode
from audit.log import checkpoint_from_read_back
from audit.receipt import Receipt, receipt_for
from audit.verify import Problem, open_checkpoints, verify_log
from registry.model.errors import NotFound
from registry.ports import Ports
from registry.store.unit_of_work import UnitOfWork

_CHUNK = 1000


def sign(signers: Sequence[Signer], origin: str, *, ports: Ports) -> int:
    """A checkpoint over the present log, where it has grown; its size. LogDamaged: nothing is signed."""
    keys = [signer.key for signer in signers]
    with ports.store.write() as uow:
        last = uow.log.last_checkpoint()
        previous = open_checkpoint(last, origin=origin, keys=keys).checkpoint if last else None
        checkpoint = checkpoint_from_read_back(uow.log, origin=origin, previous=previous)
        if previous is None or checkpoint.size > previous.size:
            now = ports.clock()
            uow.log.add_checkpoint(checkpoint.size, sign_checkpoint(checkpoint, signers, now), now)
    return checkpoint.size


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a full verification found."""

    entries: int
    checkpoints: int
    problems: tuple[Problem, ...]


def verify(keys: Sequence[VerifierKey], origin: str, *, ports: Ports) -> Verdict:
    """Every leaf re-hashed from the bytes read back, every node, every checkpoint; all problems as values."""
    with ports.store.read() as uow:
        frontier = uow.log.read_frontier()
        notes = uow.log.checkpoints()
        opened, problems = open_checkpoints(notes, origin=origin, keys=keys)
        found = verify_log(
            _leaves(uow, frontier.size), nodes=uow.log.read_node, frontier=frontier, checkpoints=opened
        )
    return Verdict(frontier.size, len(notes), (*problems, *found))


def entries(*, ports: Ports, limit: int) -> list[tuple[int, Leaf]]:
    """The newest leaves, oldest of them first, with their indexes."""
    with ports.store.read() as uow:
        size = uow.log.size()
        start = max(0, size - limit)
        found = uow.log.read_entries(start, size)
    return [(start + place, decode(leaf)) for place, leaf in enumerate(found)]


def receipt(index: int, *, ports: Ports) -> Receipt:
    """Proof that a leaf is in the last signed checkpoint; NotFound before it was signed."""
    with ports.store.read() as uow:
        note = uow.log.last_checkpoint()
        leaf = uow.log.read_entries(index, index + 1) if index >= 0 else []
        if note is None or not leaf:
            raise NotFound(
                f"No signed checkpoint holds entry {index} yet.",
                next_step="A job signs one each minute while `medtrust up` runs.",
                field="index",
            )
        return receipt_for(index, leaf[0], checkpoint=note, read=uow.log.read_node)


def _leaves(uow: UnitOfWork, size: int) -> Iterator[bytes]:
    for start in range(0, size, _CHUNK):
        yield from uow.log.read_entries(start, min(size, start + _CHUNK))
