"""`medtrust crl inspect`: what stands in lists that need not be ours; nothing of them is believed."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from cli.asking import Json
from cli.crl_view import entry_rows, inspected, print_list
from cli.output import print_json, say
from pki.crl_list import CertificateList
from service import clock
from service.list_source import lists_from

_SHOWN: Final = 20


def inspect(
    which: Annotated[str, typer.Argument(metavar="FILE|URL", help="PEM, also several in one, or DER.")],
    limit: Annotated[int, typer.Option(min=0, metavar="N", help="How many entries; 0: all.")] = _SHOWN,
    as_json: Json = False,
) -> None:
    """Look at lists in anybody's file or at a URL: issuer, times, life left, signatures, first entries.

    Needs no home and checks no signature: that is `crl verify`. With --json an array, one document a list.
    """
    now = clock.now()
    found = [CertificateList.parse(der) for der in lists_from(which)]
    if as_json:
        shown = [(crl, entry_rows(crl, limit or crl.entry_count, None)) for crl in found]
        print_json([{**inspected(crl, now), "entries": rows} for crl, rows in shown])
        return
    for place, crl in enumerate(found):
        if place:
            say("")
        print_list(crl, inspected(crl, now), entry_rows(crl, limit or crl.entry_count, None))
