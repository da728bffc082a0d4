"""Security telemetry of the reference device: what a real one measures, here read from a posture file.

A posture is data, so that a demonstration can show a changed firmware or an open debug port.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from mqtt_bridge.device import files
from mqtt_bridge.device.errors import WrongInput

STREAM = "posture"
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
Port = Annotated[int, Meta(ge=1, le=65_535)]
Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$(?!\n)")]
Version = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+~-]{0,31}$(?!\n)")]
Count = Annotated[int, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=100)]


class Firmware(Struct, frozen=True, forbid_unknown_fields=True):
    """What runs."""

    name: Name = "reference-device"
    ver: Version = "1.0.0"
    sha256: Sha256 = "0" * 64


class Failures(Struct, frozen=True, forbid_unknown_fields=True):
    """Counts since start."""

    tls: Count = 0
    auth: Count = 0
    mem: Count = 0
    wdog: Count = 0
    fs: Count = 0


class Posture(Struct, frozen=True, forbid_unknown_fields=True):
    """What the device says of itself; None is not sent."""

    fw: Firmware = Firmware()
    sbom_sha256: Sha256 | None = None
    secure_boot: bool = True
    dbg: bool = False
    """A debug port is open."""
    tamper: bool = False
    listen_tcp: list[Port] = msgspec.field(default_factory=list)
    listen_udp: list[Port] = msgspec.field(default_factory=list)
    peers_n: Count | None = None
    bytes_in: Count | None = None
    bytes_out: Count | None = None
    pkts: Count | None = None
    err: Failures = Failures()
    cpu: Share | None = None
    """Per cent, as are mem and disk."""
    mem: Share | None = None
    disk: Share | None = None
    cfg_sha256: Sha256 | None = None
    clinical_mode: Literal["idle", "in_use", "unknown"] = "unknown"


def with_changes(posture: Posture, changes: dict[str, object]) -> Posture:
    """The posture with some claims replaced. Raises WrongInput naming the claim."""
    merged = {**msgspec.to_builtins(posture), **changes}
    if isinstance(changes.get("fw"), dict):
        merged["fw"] = {**msgspec.to_builtins(posture.fw), **changes["fw"]}  # type: ignore[dict-item]
    try:
        return msgspec.convert(merged, Posture)
    except msgspec.ValidationError as bad:
        raise WrongInput(f"The posture is not usable: {bad}.", field="posture") from bad


def read_posture(path: Path) -> Posture:
    """From a TOML or JSON file. Raises WrongInput."""
    content = files.read(path, "posture")
    decode = msgspec.json.decode if path.suffix == ".json" else msgspec.toml.decode
    try:
        return decode(content, type=Posture)
    except (msgspec.MsgspecError, UnicodeDecodeError) as bad:
        raise WrongInput(f"{path} is not a posture: {bad}.", field="posture") from bad


def claims(
    posture: Posture,
    *,
    boot: int,
    seq: int,
    uptime: int,
    now: datetime,
    certificate_fingerprint: bytes,
    anchor_fingerprint: bytes,
) -> bytes:
    """One telemetry payload: JSON by the schema of docs/mqtt.md; uptime in seconds."""
    said = {name: value for name, value in msgspec.to_builtins(posture).items() if value is not None}
    return msgspec.json.encode(
        {
            "v": 1,
            "ts": timestamp(now),
            "boot": boot,
            "seq": seq,
            "uptime": uptime,
            "cert_fp": certificate_fingerprint.hex(),
            "anchor_fp": anchor_fingerprint.hex(),
            **said,
        }
    )


def timestamp(now: datetime) -> str:
    """RFC 3339 in UTC, whole milliseconds."""
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
