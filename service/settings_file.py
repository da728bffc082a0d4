"""The first medtrust.toml of a new home: written by `init`, read and edited by people afterwards."""

from __future__ import annotations

import ipaddress
import json
from urllib.parse import urlsplit

import msgspec

from service.errors import AlreadyInitialised
from service.home import Home, write_private
from service.settings import RawCa, RawSettings, Settings, read_settings, validate
from service.status.settings import RawStatus
from service.token_settings import RawPkcs11


def write_settings(
    home: Home, *, organization: str = "", status_url: str = "", token: RawPkcs11 | None = None
) -> Settings:
    """Writes what was given and returns it checked; an existing file is used as it is, never changed.

    BadSetting names a value that cannot be used, AlreadyInitialised refuses flags beside an existing file.
    """
    if home.settings_file.exists():
        if organization or status_url or token:
            raise AlreadyInitialised(
                f"{home.settings_file} is there already.",
                next_step="Edit it, and leave out --organization, --status-url and --token with its files.",
                field="settings",
            )
        return read_settings(home)
    status = RawStatus()
    if status_url:
        status = RawStatus(url=status_url, listen=_listen(status_url))
    ca = RawCa(organization=organization, pkcs11=token or RawPkcs11())
    raw = RawSettings(status=status, ca=ca)
    settings = validate(raw, home)
    write_private(home.settings_file, as_toml(raw).encode())
    return settings


def _listen(status_url: str) -> str:
    """Where to listen so that the URL is answered: this machine only, where the URL names this machine."""
    try:
        parts = urlsplit(status_url)
        port = parts.port or 80
    except ValueError:
        return status_url  # validate() refuses the URL itself, with its name
    host = parts.hostname or ""
    return f"127.0.0.1:{port}" if _is_loopback(host) else f"0.0.0.0:{port}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def as_toml(raw: RawSettings) -> str:
    """The file's text."""
    lines = ["# medtrust's settings; the reference is docs/settings.md.", ""]
    for section, values in msgspec.to_builtins(raw).items():
        lines += _section(section, values)
    return "\n".join(lines)


def _section(name: str, values: dict[str, object]) -> list[str]:
    tables = {key: value for key, value in values.items() if isinstance(value, dict)}
    lines = [f"{key} = {_value(value)}" for key, value in values.items() if key not in tables]
    below = (line for key, table in tables.items() for line in _section(f"{name}.{key}", table))
    return [f"[{name}]", *lines, "", *below]


def _value(value: object) -> str:
    # JSON's strings, numbers and lists of strings are TOML's too, once nothing unprintable is left in them.
    return json.dumps(value, ensure_ascii=False)
