"""`medtrust status export`: OCSP answers, lists and certificates as files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from cli.asking import Json, PassphraseFd, PassphraseFile, home_of
from cli.errors import CliError
from cli.output import note, print_fields
from cli.words import examples

if TYPE_CHECKING:
    from service.status.export import Exported

_ADDRESS: Final = re.compile(r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?/?")
EXAMPLES = examples(
    "medtrust status export /srv/www/pki",
    "medtrust status export /srv/www/pki --hours 48 --hash sha1 --upstream http://127.0.0.1:8080",
)


def export(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder; renewed if ours.")],
    hours: Annotated[int, typer.Option(metavar="N", help="Life of the OCSP answers, 1 to 168.")] = 24,
    digests: Annotated[
        list[str] | None,
        typer.Option("--hash", metavar="NAME", help="Digest of CertIDs; repeat. Else sha1 and sha256."),
    ] = None,
    upstream: Annotated[
        str, typer.Option(metavar="URL", help="A live service for POST and nonces, in the configuration.")
    ] = "",
    passphrase_file: PassphraseFile = None,
    passphrase_fd: PassphraseFd = None,
    as_json: Json = False,
) -> None:
    """Write status as static files for nginx or an object store, with the configuration.

    No CA's key is opened. Run it from a timer: what was revoked since the last run does not show.
    """
    from urllib.parse import urlsplit

    from service.runtime import PassphraseSource, open_runtime, read_passphrase
    from service.status.export import Export, Exporter
    from service.status.keys import unlock_responders
    from service.status.settings import DIGESTS, checked_hours

    wanted = list(dict.fromkeys(digests or ["sha1", "sha256"]))
    unknown = [name for name in wanted if name not in DIGESTS]
    if unknown:
        raise CliError(
            f"{unknown[0]!r} is no digest of CertIDs.",
            next_step=f"One of {', '.join(DIGESTS)}.",
            field="--hash",
        )
    if upstream and not _ADDRESS.fullmatch(upstream):
        raise CliError(
            f"{upstream!r} is no address for nginx's proxy_pass.",
            next_step="http://HOST:PORT, without a path: a status server answers with and without its own.",
            field="--upstream",
        )
    where = folder.expanduser().absolute()
    if any(c in '"\\$' or not c.isprintable() for c in str(where)):
        raise CliError(
            "The folder's name holds what an nginx configuration cannot.",
            next_step='Choose one without ", \\, $ and control characters.',
            field="DIR",
        )
    oids = tuple(DIGESTS[name] for name in wanted)
    lifetime = checked_hours(hours, "--hours")
    home = home_of(ctx)
    with open_runtime(home, read_only=True) as runtime:
        passphrase = read_passphrase(PassphraseSource(passphrase_file, passphrase_fd), runtime.settings)
        keys = unlock_responders(home, runtime.settings, passphrase)
        prefix = urlsplit(runtime.settings.status_url).path
        what = Export(where, lifetime, oids, upstream.rstrip("/"), prefix)
        done = Exporter(keys, home, runtime.ports, what, note).run()
    print_fields(_document(done, where), as_json=as_json)


def _document(done: Exported, folder: Path) -> dict[str, object]:
    return {
        "folder": str(folder),
        "ocsp_answers": done.answers,
        "lists": done.lists,
        "removed": done.removed,
        "made_at": done.made_at,
        "valid_until": done.until,
    }
