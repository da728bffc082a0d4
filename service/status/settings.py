"""The status service's settings, raw and checked; its two addresses are checked in service.settings."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

import msgspec

from pki import oids
from service.errors import BadSetting
from service.status.access import AccessLogging
from service.status.limits import Network

Digest = Literal["sha1", "sha256", "sha384", "sha512"]
DIGESTS: Final[dict[str, str]] = {
    "sha1": oids.SHA1,
    "sha256": oids.SHA256,
    "sha384": oids.SHA384,
    "sha512": oids.SHA512,
}


class RawStatus(msgspec.Struct, forbid_unknown_fields=True):
    """[status]"""

    url: str = "http://127.0.0.1:8080"
    listen: str = "127.0.0.1:8080"
    workers: int = 1
    ocsp_hours: int = 1
    presign: list[Digest] = msgspec.field(default_factory=lambda: ["sha1"])
    access_log: AccessLogging = AccessLogging.ANONYMOUS
    rate_limit: int = 100
    rate_exempt: list[str] = msgspec.field(default_factory=lambda: ["127.0.0.0/8", "::1/128"])


@dataclass(frozen=True, slots=True)
class StatusSettings:
    """Checked."""

    workers: int = 1
    """Processes of `medtrust status-server` that answer."""
    ocsp_lifetime: timedelta = timedelta(hours=1)
    """Of OCSP answers: nextUpdate less thisUpdate."""
    presign: tuple[str, ...] = (oids.SHA1,)
    """For CertIDs with these digests answers are signed ahead."""
    access_log: AccessLogging = AccessLogging.ANONYMOUS
    rate_limit: int = 100
    """Requests a second and address; 0: no limit."""
    rate_exempt: tuple[Network, ...] = ()


def status_settings(raw: RawStatus) -> StatusSettings:
    """Raw to usable; a nonsense value is refused with a sentence that names it."""
    if raw.rate_limit < 0:
        raise BadSetting(
            f"status.rate_limit is {raw.rate_limit}.",
            next_step="Requests a second for one address; 0 for no limit.",
            field="status.rate_limit",
        )
    return StatusSettings(
        checked_workers(raw.workers),
        checked_hours(raw.ocsp_hours, "status.ocsp_hours"),
        tuple(dict.fromkeys(DIGESTS[name] for name in raw.presign)),
        raw.access_log,
        raw.rate_limit,
        tuple(map(_network, raw.rate_exempt)),
    )


def checked_hours(hours: int, field: str) -> timedelta:
    """1 to 168, as an answer's life, or BadSetting."""
    if not 1 <= hours <= 168:
        raise BadSetting(
            f"{field} is {hours}.",
            next_step="1 to 168: whoever kept an answer may show it that long, also after a revocation.",
            field=field,
        )
    return timedelta(hours=hours)


def checked_workers(workers: int) -> int:
    """1 to 64, or BadSetting."""
    if not 1 <= workers <= 64:
        raise BadSetting(
            f"status.workers is {workers}.",
            next_step="1 to 64; one for each core that status may have.",
            field="status.workers",
        )
    return workers


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as bad:
        raise BadSetting(
            f"status.rate_exempt names {text!r}, which is not a network.",
            next_step='For example "192.0.2.17/32" for one proxy.',
            field="status.rate_exempt",
        ) from bad
