"""`medtrust settings`: the settings as the process uses them, checked."""

from __future__ import annotations

import re
from dataclasses import asdict

import typer

from cli.asking import Json, home_of, noun
from cli.output import print_fields
from service.settings import read_settings

app = noun("Settings.", "medtrust settings show --json")
_PASSWORD = re.compile(r"(?<=:)[^:/@]+(?=@)")


@app.command()
def show(ctx: typer.Context, as_json: Json = False) -> None:
    """Show every setting in force; a password in store.url is masked."""
    home = home_of(ctx)
    found = read_settings(home)
    listen = {
        name: f"{address.host}:{address.port}"
        for name, address in (
            ("status_listen", found.status_listen),
            ("bootstrap", found.bootstrap),
            ("ops", found.ops),
        )
    }
    document = {
        "home": str(home.root),
        "file": str(home.settings_file) if home.settings_file.exists() else None,
        **asdict(found),
        **listen,
        "pkcs11": f"{found.pkcs11.label} ({found.pkcs11.module})" if found.pkcs11 else None,
        "store_url": _PASSWORD.sub("***", found.store_url),
    }
    print_fields(document, as_json=as_json)
