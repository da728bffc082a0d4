"""`medtrust oqs`: the optional second opinion of liboqs; nothing is built or fetched without a yes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import asdict

from cli.asking import Json, Yes, confirm, noun
from cli.errors import PartMissing
from cli.output import note, print_fields, say
from pki.providers import oqs

app = noun("liboqs, an optional second opinion on post-quantum signatures.", "medtrust oqs status")
_TOOLS = ("git", "cmake", "cc")


@app.command()
def status(as_json: Json = False) -> None:
    """Show what of liboqs is here, and what to do about what is missing."""
    found = oqs.status()
    print_fields({"summary": found.sentence, **asdict(found)}, as_json=as_json)


@app.command()
def install(yes: Yes = False) -> None:
    """Build liboqs from its sources into ~/_oqs, by liboqs-python's own installer. Asks first."""
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
    note("This clones github.com/open-quantum-safe/liboqs, builds it with cmake and installs it into ~/_oqs.")
    note("medtrust works without it: only `second opinion` checks use it.")
    confirm("Fetch and build now?", yes=yes)
    # A child: importing the wrapper without its library is what builds it, and it may end its process.
    done = subprocess.run([sys.executable, "-c", "import oqs"], stdout=sys.stderr, check=False)
    after = oqs.status()
    if done.returncode or after.native is None:
        raise PartMissing(
            "liboqs was not built.", next_step="Its installer's words stand above.", field="liboqs"
        )
    say(after.sentence)
