"""Steps with requests at the terminal."""

from __future__ import annotations

import stat
from pathlib import Path

from pki.tbs import Certificate
from service.pem import from_pem_or_der
from tests.integration.cli.conftest import Cli


def made(cli: Cli, device: str, form: str, name: str, *options: object) -> Path:
    """The request's file."""
    base = cli.folder / name
    done = cli.done(
        "cert", "request", "--cn", device, "--form", form, "--out", base, "--unencrypted", *options
    )
    return Path(done["csr"])


def issued(cli: Cli, request: Path, device: str, profile: str, *options: object) -> Path:
    """The chain's file."""
    out = request.with_suffix(".pem")
    order = ("cert", "issue", "--csr", request, "--device", device, "--profile", profile, "--out", out)
    cli.done(*order, "--passphrase-file", cli.passphrase, *options)
    return out


def leaf(chain: Path) -> Certificate:
    return Certificate.parse(from_pem_or_der(chain.read_bytes())[0])


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
