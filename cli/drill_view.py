"""The drill's curve for people: drawn in text, and as an SVG without any library."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape
from typing import Final

from cli.output import Row
from registry.drill import DAY, HOUR, ORDER_OF_HARM, Outcome
from registry.model.criticality import Criticality

_TICKS: Final = ((1.0, "1s"), (60.0, "1m"), (HOUR, "1h"), (DAY, "1d"), (7 * DAY, "7d"), (30 * DAY, "30d"))
_COLUMNS, _ROWS = 64, 11
_WIDTH, _HEIGHT, _LEFT, _TOP = 760, 420, 60, 30
_COLOURS: Final = ("#b2182b", "#762a83", "#d6604d", "#2166ac", "#1b7837", "#999999")


def duration(seconds: float | None) -> str:
    """`3.2 s`, `5 min`, `7.5 h`, `12.1 d`, or `never`."""
    if seconds is None:
        return "never"
    for size, unit in ((DAY, "d"), (HOUR, "h"), (60.0, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"


def text_curve(outcome: Outcome) -> str:
    """Share of the fleet that is safe (all: #, life-sustaining: o) over time, on a logarithmic axis."""
    grid = [[" "] * _COLUMNS for _ in range(_ROWS)]
    for kind, mark in ((None, "#"), (Criticality.LIFE_SUSTAINING, "o")):
        for column in range(_COLUMNS):
            share = outcome.safe_share(_time(column / (_COLUMNS - 1), outcome), kind)
            grid[_ROWS - 1 - round(share * (_ROWS - 1))][column] = mark
    lines = [
        f"{100 - place * 100 // (_ROWS - 1):>4}% |{''.join(row).rstrip()}" for place, row in enumerate(grid)
    ]
    axis, names = ["-"] * _COLUMNS, [" "] * (_COLUMNS + 4)
    for at, name in _ticks(outcome):
        column = round(_place(at, outcome) * (_COLUMNS - 1))
        axis[column] = "+"
        names[column : column + len(name)] = name
    lines += [f"      +{''.join(axis)}", f"       {''.join(names).rstrip()}"]
    return "\n".join([*lines, "       # all devices   o life-sustaining", ""])


def summary(outcome: Outcome) -> list[Row]:
    """A row for all, then one a criticality: how many, and the time to 50, 90 and 99 %; seconds."""
    kinds: list[Criticality | None] = [None, *(kind for kind in ORDER_OF_HARM if outcome.of(kind))]
    return [
        {
            "criticality": kind.value if kind else "all",
            "devices": len(outcome.of(kind)),
            "safe": len(outcome.times(kind)),
            **{f"to_{share}": outcome.time_to(share / 100, kind) for share in (50, 90, 99)},
        }
        for kind in kinds
    ]


def svg(outcome: Outcome, title: str) -> str:
    """The curve of every criticality and of all."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<text x="{_LEFT}" y="18" font-size="14">{escape(title)}</text>',
        *_grid(outcome),
    ]
    kinds = [kind for kind in ORDER_OF_HARM if outcome.of(kind)]
    for place, kind in enumerate(kinds):
        parts.append(_line(outcome, kind, _COLOURS[ORDER_OF_HARM.index(kind)], 1.5))
        parts.append(_legend(place, kind.value.replace("_", " "), _COLOURS[ORDER_OF_HARM.index(kind)]))
    parts += [_line(outcome, None, "black", 2.5), _legend(len(kinds), "all", "black"), "</svg>", ""]
    return "\n".join(parts)


def _grid(outcome: Outcome) -> Iterator[str]:
    for share in (0, 25, 50, 75, 100):
        y = _y(share / 100)
        yield f'<line x1="{_LEFT}" x2="{_WIDTH - 20}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dddddd"/>'
        yield f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{share}%</text>'
    for at, name in _ticks(outcome):
        x = _x(_place(at, outcome))
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_y(0):.1f}" stroke="#dddddd"/>'
        yield f'<text x="{x:.1f}" y="{_y(0) + 18:.1f}" text-anchor="middle">{name}</text>'


def _line(outcome: Outcome, kind: Criticality | None, colour: str, width: float) -> str:
    steps = 240
    points = " ".join(
        f"{_x(step / steps):.1f},{_y(outcome.safe_share(_time(step / steps, outcome), kind)):.1f}"
        for step in range(steps + 1)
    )
    return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{width}"/>'


def _legend(place: int, name: str, colour: str) -> str:
    y = _TOP + 16 + place * 16
    return f'<text x="{_LEFT + 12}" y="{y}" fill="{colour}">{escape(name)}</text>'


def _ticks(outcome: Outcome) -> list[tuple[float, str]]:
    return [tick for tick in _TICKS if tick[0] <= outcome.horizon]


def _place(at: float, outcome: Outcome) -> float:
    """0 at one second, 1 at the horizon."""
    return min(1.0, max(0.0, math.log(max(at, 1.0)) / math.log(outcome.horizon)))


def _time(place: float, outcome: Outcome) -> float:
    return math.exp(place * math.log(outcome.horizon))


def _x(place: float) -> float:
    return _LEFT + place * (_WIDTH - _LEFT - 20)


def _y(share: float) -> float:
    return _HEIGHT - 40 - share * (_HEIGHT - 40 - _TOP)
