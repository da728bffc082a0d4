"""`medtrust oqs`: what of liboqs is here, and its own installer; nothing is fetched without a yes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import asdict

from cli.asking import Json, Yes, confirm, noun
from cli.errors import PartMissing
from cli.output import note, print_fields, say
from pki.providers import oqs

app = noun("liboqs, optional: SLH-DSA, fast ML-DSA signing, second opinions.", "medtrust oqs status")
_TOOLS = ("git", "cmake", "cc")


@app.command()
def status(as_json: Json = False) -> None:
    """Show what of liboqs is here, and what to do about what is missing."""
    # The register of algorithms is not needed by the other verb.
    from service.algorithms_here import missing_here

    found = oqs.status()
    fields = {"summary": found.sentence, **asdict(found), "missing": [str(kind) for kind in missing_here()]}
    print_fields(fields, as_json=as_json)


@app.command()
def install(yes: Yes = False) -> None:
    """Build liboqs from its sources, by liboqs-python's own installer. Asks first."""
    found = oqs.status()
    if found.native is not None:
        say(f"Nothing to do: {found.sentence}.")
        return
    if found.wrapper is None:
        raise PartMissing("liboqs-python is not installed.", next_step=found.remedy, field="liboqs-python")
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing:
        raise PartMissing(
            f"Building liboqs needs {', '.join(missing)}, which are not here.",
            next_step="Install them, or your distribution's liboqs package.",
            field=missing[0],
        )
    note(
        f"This clones github.com/open-quantum-safe/liboqs, builds it with cmake and puts it into {_target()}."
    )
    note("Where your distribution has a liboqs package, that one is better: it is kept up to date.")
    note("medtrust works without it, but for SLH-DSA keys, fast ML-DSA signing and second opinions.")
    confirm("Fetch and build now?", yes=yes)
    # A child: importing the wrapper without its library is what builds it, and it may end its process.
    done = subprocess.run([sys.executable, "-c", "import oqs"], stdout=sys.stderr, check=False)
    after = oqs.status()
    if done.returncode or after.native is None:
        raise PartMissing(
            "liboqs was not built.", next_step="Its installer's words stand above.", field="liboqs"
        )
    say(after.sentence)


def _target() -> str:
    """Where liboqs-python's installer puts it, and looks for it."""
    return os.environ.get("OQS_INSTALL_PATH") or "~/_oqs"
