"""Every command that opens the CA takes the same three ways in: passphrase, descriptor, shares."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from cli.main import app

NOT_THE_CAS = {
    "medtrust init": "there is no quorum before there is a CA",
    "medtrust cert request": "a person's own key",
    "medtrust cert answer": "a person's own key",
    "medtrust status export": "it opens no CA's key either",
    "medtrust status-server": "it opens no CA's key, and may not write who opened what to the log",
}


def _commands(
    command: Any,  # noqa: ANN401 - typer keeps these types private
    path: str,
    context: Any,  # noqa: ANN401 - as above
) -> Iterator[tuple[str, set[str]]]:
    if not hasattr(command, "list_commands"):
        yield path, {option for parameter in command.params for option in parameter.opts}
        return
    for name in command.list_commands(context):
        yield from _commands(command.get_command(context, name), f"{path} {name}", context)


def test_who_takes_a_passphrase_takes_shares() -> None:
    root = typer.main.get_command(app)
    context = root.make_context("medtrust", [], resilient_parsing=True)
    seen = dict(_commands(root, "medtrust", context))
    opening = {path for path, options in seen.items() if "--passphrase-file" in options}
    assert {"medtrust up", "medtrust crl publish", "medtrust cert issue", "medtrust ca ceremony"} <= opening
    assert {path for path in opening if "--shares-file" not in seen[path]} == set(NOT_THE_CAS) & opening
    assert {path for path in opening if "--passphrase-fd" not in seen[path]} == set()
