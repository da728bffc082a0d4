"""`medtrust token`: one-time join tokens; the secret is shown once and stored nowhere."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from cli.asking import Json, noun, registry
from cli.output import note, print_json, print_rows, say
from registry import tokens
from registry.lookup import get_device
from registry.model.device import device_id
from service import clock
from service.runtime import current_operator

app = noun(
    "One-time join tokens for enrolment.",
    "medtrust token create mtd-abcdefghijklmnop --hours 2",
    "medtrust token list mtd-abcdefghijklmnop",
)


@app.command()
def create(
    device: Annotated[str, typer.Argument(metavar="DEVICE", help="An approved device's id.")],
    ctx: typer.Context,
    hours: Annotated[int, typer.Option(help="How long it may be used, 1 to 24.")] = tokens.MOST_HOURS,
    as_json: Json = False,
) -> None:
    """Create a join token: printed once on stdout, never shown again."""
    with registry(ctx) as runtime:
        secret, token = tokens.create_token(
            device_id(device), current_operator(), ports=runtime.ports, lifetime=timedelta(hours=hours)
        )
    if as_json:
        print_json(
            {
                "token": secret,
                "token_id": token.token_id,
                "device_id": token.device_id,
                "expires_at": token.expires_at,
            }
        )
    else:
        say(secret)
    note(f"Shown once, for {device}; good until {token.expires_at:%Y-%m-%d %H:%M}Z, for one enrolment.")


@app.command("list")
def list_tokens(
    device: Annotated[str, typer.Argument(metavar="DEVICE", help="The device's id.")],
    ctx: typer.Context,
    as_json: Json = False,
) -> None:
    """List a device's join tokens; their secrets are not kept."""
    now = clock.now()
    with registry(ctx) as runtime, runtime.store.read() as uow:
        known = get_device(device_id(device), uow)
        rows = [
            {
                "token_id": token.token_id,
                "state": "spent" if token.spent_at else "expired" if token.expires_at <= now else "open",
                "created_at": token.created_at,
                "expires_at": token.expires_at,
                "spent_at": token.spent_at,
                "spent_on": token.spent_on,
            }
            for token in uow.enrollments.tokens_of(known.device_id)
        ]
    print_rows(rows, as_json=as_json, empty=f"No tokens. Create one: medtrust token create {device}.")
