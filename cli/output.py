"""How answers are printed: one JSON document with --json, else tables; drawn only on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence

from cli.words import clean, shown

Row = Mapping[str, object]


def say(text: str) -> None:
    """A line of the answer, on stdout."""
    sys.stdout.write(clean(text) + "\n")


def raw(text: str) -> None:
    """Text that is itself the answer, such as PEM, as it is."""
    sys.stdout.write(text)


def note(text: str) -> None:
    """Anything beside the answer, on stderr."""
    sys.stderr.write(clean(text) + "\n")


def print_json(document: object) -> None:
    """One document: times as RFC 3339, octets as base64."""
    import msgspec

    encoded = msgspec.json.encode(document, enc_hook=str)
    sys.stdout.write(msgspec.json.format(encoded, indent=2).decode() + "\n")


def print_rows(rows: Sequence[Row], *, as_json: bool, empty: str, columns: Sequence[str] = ()) -> None:
    """A list; `columns` picks and orders what people see, JSON holds everything."""
    if as_json:
        print_json(rows)
    elif not rows:
        note(empty)
    else:
        names = list(columns or rows[0])
        _table(names, [[shown(row[name]) for name in names] for row in rows])


def print_fields(document: Row, *, as_json: bool) -> None:
    """One object: a line a field; lists of text get a line an item."""
    if as_json:
        print_json(document)
        return
    width = max(map(len, document))
    for name, value in document.items():
        items = value if isinstance(value, list | tuple) and len(value) > 1 else [value]
        for place, item in enumerate(items):
            title = name.replace("_", " ") if place == 0 else ""
            sys.stdout.write(f"{title:<{width}}  {shown(item)}\n")


def print_findings(findings: Iterable[Row], *, title: str = "findings") -> None:
    """What was noticed, the gravest words first on their lines."""
    for place, finding in enumerate(findings):
        if place == 0:
            sys.stdout.write(f"{title}:\n")
        about = f" ({shown(finding['subject'])})" if finding["subject"] else ""
        said = f"  {finding['severity']}: {finding['rule']}: {finding['message']}{about}"
        sys.stdout.write(clean(said) + "\n")


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    titles = [name.replace("_", " ") for name in names]
    if sys.stdout.isatty():
        _draw(titles, rows)
        return
    widths = [max(len(row[at]) for row in (titles, *rows)) for at in range(len(titles))]
    for row in (titles, *rows):
        padded = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        sys.stdout.write("  ".join(padded).rstrip() + "\n")


def _draw(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in titles:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)
