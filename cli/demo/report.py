"""What was checked, by whom, and what they said: printed as it happens, and kept for demo.json.

A step is as good as the worst word about it; who could not look is named and never counted as a yes.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cli.words import clean

MEDTRUST = "medtrust"


@dataclass(frozen=True, slots=True)
class Said:
    """One witness's word."""

    by: str
    ok: bool | None
    """None: could not look; `detail` says why."""
    detail: str


def looked(ok: bool, detail: str, by: str = MEDTRUST) -> Said:
    """A word of a witness who could look."""
    return Said(by, ok, detail)


@dataclass(frozen=True, slots=True)
class Step:
    """One line of demo.json."""

    name: str
    ok: bool
    checked_by: str
    """Those who looked, with commas; nobody who was skipped."""
    detail: str


def step_of(name: str, words: Sequence[Said]) -> Step:
    """ok when somebody looked and nobody who looked said no."""
    heard = [said for said in words if said.ok is not None]
    return Step(
        name,
        bool(heard) and all(said.ok for said in heard),
        ", ".join(dict.fromkeys(said.by for said in heard)),
        "; ".join(f"{said.by}: {said.detail}" for said in words),
    )


class Report:
    """Collects steps and figures, and prints them."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._chapters = 0
        self._finished = False
        self._absent: Counter[str] = Counter()
        self.steps: list[Step] = []
        self.figures: dict[str, float] = {}

    @property
    def ok(self) -> bool:
        """Whether the story came to its end, and every step of it is right."""
        return self._finished and all(step.ok for step in self.steps)

    def finish(self) -> None:
        """The end was reached; before, nothing is ok, however right it looks."""
        self._finished = bool(self.steps)

    def chapter(self, title: str) -> None:
        """A new part of the story."""
        self._chapters += 1
        self._console.print()
        self._console.rule(Text(f"{self._chapters}  {title}", style="bold"), align="left")

    def tell(self, *lines: str) -> None:
        """What happened, in sentences."""
        for line in lines:
            self._console.print(Padding(Text(clean(line)), (0, 0, 0, 2)))

    def explain(self, title: str, lines: Sequence[str]) -> None:
        """The registry's own reasons."""
        self._console.print(Padding(Text(clean(title), style="italic"), (0, 0, 0, 2)))
        for line in lines:
            self._console.print(Padding(Text(clean(line), style="dim"), (0, 0, 0, 6)))

    def check(self, name: str, *words: Said) -> bool:
        """One step; whether it is right."""
        step = step_of(name, words)
        self.steps.append(step)
        self._absent.update(said.by for said in words if said.ok is None)
        mark = Text("ok", style="bold green") if step.ok else Text("FAILED", style="bold red")
        self._console.print(Padding(Text.assemble(mark, "  ", clean(name)), (0, 0, 0, 2)))
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True, style="cyan")
        table.add_column(overflow="fold")
        for said in words:
            style = "" if said.ok else "yellow" if said.ok is None else "red"
            table.add_row(said.by, Text(clean(said.detail), style=style))
        self._console.print(Padding(table, (0, 0, 0, 6)))
        return step.ok

    def figure(self, name: str, value: float) -> None:
        """A measured figure; milliseconds where the name ends in _ms."""
        self.figures[name] = round(value, 1)

    def document(self) -> bytes:
        """demo.json."""
        body = {"ok": self.ok, "steps": [asdict(step) for step in self.steps], "figures": self.figures}
        return json.dumps(body, indent=2, ensure_ascii=False).encode() + b"\n"

    def close(self, folder: str) -> None:
        """The summary."""
        failed = [step.name for step in self.steps if not step.ok]
        self._console.print()
        self._console.rule(align="left")
        figures = ", ".join(f"{name} {value:g}" for name, value in self.figures.items())
        self.tell(f"Measured: {figures or 'nothing'}.")
        for name in failed:
            self._console.print(Padding(Text(f"FAILED  {clean(name)}", style="bold red"), (0, 0, 0, 2)))
        for name, times in self._absent.items():
            self.tell(f"Not checked by {name}, which is not here: {times} times.")
        self.tell(f"{len(self.steps) - len(failed)} of {len(self.steps)} steps hold. Look at {folder}/.")
