"""One target under atheris: `python -m tests.fuzz.one TARGET [libFuzzer options]`. Ends as libFuzzer does."""

from __future__ import annotations

import sys
from random import Random

import atheris

with atheris.instrument_imports(include=["pki"]):
    from tests.fuzz.mutate import mutated
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Half of the mutations know DER's structure; libFuzzer makes the others."""
    target = TARGETS[sys.argv.pop(1)]

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        random = Random(seed)
        made = mutated(data, random) if random.random() < 0.5 else atheris.Mutate(data, most)
        return bytes(made[:most])

    atheris.Setup(sys.argv, target.survives, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
