"""What `medtrust doctor` looks at in our CAs: certificates, where keys are, and who runs with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from service.authorities import CaState, KeyPlace, read_register
from service.authority import REGISTRY, certificate_file, responder_names
from service.checks import Check, Level
from service.pem import read_certificate
from service.pkcs11 import token_problem
from service.runtime import Runtime


def process(runtime: Runtime, said: Mapping[str, object] | None) -> Iterator[Check]:
    """Whether a process runs, and with today's CAs: it opens them at its start only."""
    if said is None:
        message = "medtrust is not running: no lists are renewed"
        yield Check("process", Level.NOTE, message, "Start it: medtrust up.")
        return
    register = read_register(runtime.home)
    others = sorted(e.name for e in register.entries if e.answers and e.name != register.default)
    wanted = [register.default, *others]
    opened = said.get("cas")
    stale = isinstance(opened, list) and [*opened[:1], *sorted(opened[1:])] != wanted
    if stale:
        message = f"medtrust up runs with other CAs than the home has now ({', '.join(wanted)})"
        yield Check("process", Level.WARNING, message, "Restart it.")
    else:
        yield Check("process", Level.OK, "medtrust up is running")


def own_certificates(runtime: Runtime, now: datetime) -> Iterator[Check]:
    """How long the CAs' and our own signers' certificates are good for."""
    entries = [e for e in read_register(runtime.home).entries if e.state is not CaState.DISTRUSTED]
    responders = [name for entry in entries if entry.answers for name in responder_names(entry.name)]
    for name in (*(entry.name for entry in entries), REGISTRY, *responders):
        certificate = read_certificate(certificate_file(runtime.home, name))
        left = certificate.not_after - now
        life = certificate.not_after - certificate.not_before
        level = Level.CRITICAL if left <= timedelta() else Level.WARNING if left < life / 3 else Level.OK
        step = "Signers renew themselves under medtrust up; CAs: medtrust ca rollover." if level else ""
        yield Check(f"certificate {name}", level, f"good until {certificate.not_after:%Y-%m-%d}", step)


def ca_keys(runtime: Runtime) -> Iterator[Check]:
    """Where each CA's key is: away is where a root's belongs."""
    for entry in read_register(runtime.home).entries:
        held = any(runtime.home.keys.glob(f"{entry.name}.*.json"))
        name, away = f"key {entry.name}", entry.key_place is KeyPlace.AWAY
        if away and held:
            message = "The key is said to be away, but a copy lies in the home"
            yield Check(name, Level.CRITICAL, message, f"medtrust ca detach-root {entry.name} DIR, again.")
        elif entry.key_place is KeyPlace.PKCS11:
            problem = token_problem(runtime.settings.pkcs11)
            level = Level.OK if not problem else Level.CRITICAL if entry.answers else Level.WARNING
            step = "Put the token in, or mend [ca.pkcs11]; nothing is signed before." if problem else ""
            yield Check(name, level, problem or "in the token, which is there", step)
        elif entry.is_root and not entry.issues and not away:
            message = "in the home, sealed; a thief of this machine finds it: better kept away"
            yield Check(name, Level.OK, message, f"Carry it away: medtrust ca detach-root {entry.name} DIR.")
        else:
            yield Check(name, Level.OK, "kept away" if away else f"{entry.key_place}")
