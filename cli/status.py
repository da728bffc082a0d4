"""`medtrust status`: the whole registry on one screen, in counts; status for others, as files or a home."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import typer

from cli.asking import Json, registry
from cli.output import print_json, say
from cli.status_export import export
from cli.status_provision import provision
from cli.words import examples
from registry.model.certificate import CertificateState
from registry.store.unit_of_work import UnitOfWork
from service import clock, control

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    invoke_without_command=True,
    epilog=examples(
        "medtrust status",
        "medtrust status export /srv/www/pki --hours 48 --upstream http://127.0.0.1:8080",
        "medtrust status provision /srv/responder --new-passphrase-file responder.pass",
    ),
)
SOON: Final = timedelta(days=30)
_LIVE: Final = (CertificateState.PENDING, CertificateState.ACTIVE, CertificateState.HELD)


@app.callback()
def status(ctx: typer.Context, as_json: Json = False) -> None:
    """Show counts: devices by state, tier and criticality, certificates by state, what expires, alarms.

    With a verb: status for others, as static files or as a home for a status server.
    """
    if ctx.invoked_subcommand is not None:
        return
    with registry(ctx) as runtime:
        with runtime.store.read() as uow:
            document = _counts(uow, clock.now())
        document = {"home": str(runtime.home.root), "process": control.status(runtime.home), **document}
    if as_json:
        print_json(document)
        return
    running = document["process"]
    say(f"home          {document['home']}")
    say(f"process       {'running' if running else 'not running: medtrust up'}")
    for title in ("devices", "trust", "criticality", "certificates", "alarms"):
        say(f"{title:<13} {_in_words(document[title])}")
    say(f"{'expiring':<13} {document['expiring_within_30_days']} within 30 days")
    say(f"{'owed':<13} {document['owed_effects']} effects wait for the wire")


def _counts(uow: UnitOfWork, now: datetime) -> dict[str, object]:
    devices, certificates = uow.devices.all(), uow.certificates.all()
    tiers = {record.device_id: record.tier for record in uow.trust.all()}
    soon = [c for c in certificates if c.state in _LIVE and now < c.not_after < now + SOON]
    return {
        "devices": _counted(device.state for device in devices),
        "trust": _counted(tiers.get(device.device_id, "never heard") for device in devices),
        "criticality": _counted(device.criticality for device in devices),
        "certificates": _counted(c.state for c in certificates),
        "alarms": _counted(alarm.severity for alarm in uow.alarms.open()),
        "expiring_within_30_days": len(soon),
        "owed_effects": len(uow.operations.owed()),
    }


def _counted(values: Iterable[str]) -> dict[str, int]:
    return dict(Counter(str(value) for value in values).most_common())


def _in_words(counts: object) -> str:
    if not isinstance(counts, dict) or not counts:
        return "none"
    return ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in counts.items())


app.command("export")(export)
app.command("provision")(provision)
