"""What a bench says: figures, each beside the limit or peer that was measured in the same run."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

COLUMNS = ("figure", "value", "limit or peer in the same run", "ratio", "goal")


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound on the value, or on its ratio to the limit."""

    least: float | None = None
    most: float | None = None
    on_ratio: bool = False

    def met_by(self, value: float, ratio: float | None) -> bool:
        """Whether the figure reaches it."""
        judged = ratio if self.on_ratio else value
        if judged is None:
            return False
        return (self.least is None or judged >= self.least) and (self.most is None or judged <= self.most)

    def __str__(self) -> str:
        bound = f">= {self.least:g}" if self.least is not None else f"<= {self.most:g}"
        return f"{'ratio ' if self.on_ratio else ''}{bound}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value; `limit` and `limit_value` are of the same unit."""

    what: str
    value: float
    unit: str
    limit: str = ""
    limit_value: float | None = None
    paired_ratio: float | None = None
    """The median of ratios taken turn by turn, where there is one: steadier than the medians' ratio."""
    goal: Goal | None = None

    @property
    def ratio(self) -> float | None:
        """The value over the limit."""
        if self.paired_ratio is not None:
            return self.paired_ratio
        return self.value / self.limit_value if self.limit_value else None

    @property
    def met(self) -> bool | None:
        """Whether its goal is met; None without a goal."""
        return self.goal.met_by(self.value, self.ratio) if self.goal else None

    def cells(self) -> tuple[str, ...]:
        """One line of the table."""
        limit = (
            f"{self.limit}: {number(self.limit_value)} {self.unit}" if self.limit_value is not None else ""
        )
        goal = f"{self.goal} {'met' if self.met else 'NOT MET'}" if self.goal else ""
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        return self.what, f"{number(self.value)} {self.unit}", limit, ratio, goal


@dataclass(frozen=True, slots=True)
class Report:
    """Figures in the order in which they are read, and sentences about them."""

    figures: Sequence[Figure]
    notes: Sequence[str] = field(default=())


def number(value: float | None) -> str:
    """Three digits that mean something."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(figures: Iterable[Figure]) -> str:
    """Columns wide enough for what is in them."""
    lines = [COLUMNS, *(figure.cells() for figure in figures)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(COLUMNS))]
    rule = tuple("-" * width for width in widths)
    rows = [lines[0], rule, *lines[1:]]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def document(reports: dict[str, Report]) -> str:
    """One JSON document of all reports."""
    body = {
        name: {
            "figures": [asdict(f) | {"ratio": f.ratio, "met": f.met} for f in report.figures],
            "notes": list(report.notes),
        }
        for name, report in reports.items()
    }
    return json.dumps({"machine": machine(), "benches": body}, indent=2, default=str)


def machine() -> str:
    """What it was measured on."""
    cores = model = ""
    info = Path("/proc/cpuinfo")
    if info.exists():
        models = [line.partition(": ")[2] for line in info.read_text().splitlines() if "model name" in line]
        cores, model = f"{len(models)} cores of ", models[0] if models else ""
    return f"{cores}{model or platform.processor()}, {platform.system()}, Python {platform.python_version()}"
