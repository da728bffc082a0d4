"""Settings: raw as they stand in medtrust.toml, and validated as the process may use them. Two types."""

from __future__ import annotations

import ipaddress
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from mqtt_bridge.broker.interface import Address
from pki.second_opinion import KeyUse, MlDsaSigner, SecondOpinion
from registry.model.kem_challenge import KemProof
from service.errors import BadSetting
from service.home import Home
from service.pkcs11_sessions import TokenPlace
from service.status.settings import RawStatus, StatusSettings, checked_workers, status_settings
from service.token_settings import RawPkcs11, token_place

BrokerKind = Literal["auto", "mosquitto", "embedded"]


class RawStore(msgspec.Struct, forbid_unknown_fields=True):
    """[store]"""

    url: str = "sqlite:///registry.db"


class RawMqtt(msgspec.Struct, forbid_unknown_fields=True):
    """[mqtt]"""

    broker: BrokerKind = "auto"
    listen: str = "127.0.0.1"
    bootstrap_port: int = 8884
    ops_port: int = 8883
    names: list[str] = msgspec.field(default_factory=lambda: ["localhost", "127.0.0.1"])


class RawCa(msgspec.Struct, forbid_unknown_fields=True):
    """[ca]"""

    organization: str = ""
    passphrase_file: str = ""
    kem_proof: KemProof = KemProof.CHALLENGE
    pkcs11: RawPkcs11 = msgspec.field(default_factory=RawPkcs11)


class RawCrypto(msgspec.Struct, forbid_unknown_fields=True):
    """[crypto]"""

    ml_dsa_signer: Literal["auto", "cryptography", "oqs"] = "auto"
    second_opinion: Literal["off", "if-available", "required"] = "off"


class RawCrl(msgspec.Struct, forbid_unknown_fields=True):
    """[crl]"""

    shards: Literal[1, 16, 64, 256] = 1
    deltas: bool = False


class RawLog(msgspec.Struct, forbid_unknown_fields=True):
    """[log]"""

    level: Literal["debug", "info", "warning", "error"] = "info"


class RawSettings(msgspec.Struct, forbid_unknown_fields=True):
    """medtrust.toml, decoded and nothing more."""

    store: RawStore = msgspec.field(default_factory=RawStore)
    status: RawStatus = msgspec.field(default_factory=RawStatus)
    mqtt: RawMqtt = msgspec.field(default_factory=RawMqtt)
    ca: RawCa = msgspec.field(default_factory=RawCa)
    crypto: RawCrypto = msgspec.field(default_factory=RawCrypto)
    crl: RawCrl = msgspec.field(default_factory=RawCrl)
    log: RawLog = msgspec.field(default_factory=RawLog)


@dataclass(frozen=True, slots=True)
class Settings:
    """Checked: every value can be used as it is."""

    store_url: str
    status_url: str
    """Without a trailing slash; stands in every certificate."""
    status_listen: Address
    status: StatusSettings
    broker: BrokerKind
    bootstrap: Address
    ops: Address
    server_names: tuple[str, ...]
    organization: str
    passphrase_file: Path | None
    kem_proof: KemProof
    """What must show that an ML-KEM key is held by whoever asks for its certificate."""
    log_level: str
    crl_shards: int
    """Into how many parts, by serial, the lists of CAs that issue are cut."""
    crl_deltas: bool
    key_use: KeyUse
    """Which library signs with the keys of ours, and whether a second one checks."""
    pkcs11: TokenPlace | None = None
    """The token that holds classical keys of CAs, where one does."""


def read_settings(home: Home) -> Settings:
    """The home's settings; without a file, the defaults."""
    path = home.settings_file
    return validate(decode(path.read_bytes() if path.exists() else b"", str(path)), home)


def decode(toml: bytes, where: str) -> RawSettings:
    """TOML to raw settings; BadSetting says which key is wrong."""
    try:
        return msgspec.convert(tomllib.loads(toml.decode()), RawSettings)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as bad:
        raise BadSetting(
            f"{where} cannot be read: {bad}.",
            next_step="See docs/settings.md for every key.",
            field="settings",
        ) from bad


def validate(raw: RawSettings, home: Home) -> Settings:
    """Raw to usable; a nonsense value is refused with a sentence that names it."""
    ports = (raw.mqtt.bootstrap_port, raw.mqtt.ops_port)
    if ports[0] == ports[1] != 0:
        raise BadSetting(
            f"mqtt.bootstrap_port and mqtt.ops_port are both {ports[0]}.",
            next_step="Strangers and devices need a listener each.",
            field="mqtt.ops_port",
        )
    return Settings(
        store_url=_store_url(raw.store.url, home),
        status_url=_status_url(raw.status.url),
        status_listen=_address(raw.status.listen, "status.listen"),
        status=status_settings(raw.status),
        broker=raw.mqtt.broker,
        bootstrap=Address(_host(raw.mqtt.listen, "mqtt.listen"), _port(ports[0], "mqtt.bootstrap_port")),
        ops=Address(_host(raw.mqtt.listen, "mqtt.listen"), _port(ports[1], "mqtt.ops_port")),
        server_names=_names(raw.mqtt.names),
        organization=_organization(raw.ca.organization),
        passphrase_file=_below(home, raw.ca.passphrase_file) if raw.ca.passphrase_file else None,
        kem_proof=raw.ca.kem_proof,
        log_level=raw.log.level,
        crl_shards=raw.crl.shards,
        crl_deltas=raw.crl.deltas,
        key_use=KeyUse(MlDsaSigner(raw.crypto.ml_dsa_signer), SecondOpinion(raw.crypto.second_opinion)),
        pkcs11=token_place(raw.ca.pkcs11, home.root),
    )


def with_status(settings: Settings, *, listen: str | None, workers: int | None) -> Settings:
    """The same with what a command line said of the status service; BadSetting as for the file."""
    rules = settings.status if workers is None else replace(settings.status, workers=checked_workers(workers))
    at = settings.status_listen if listen is None else _address(listen, "--listen")
    return replace(settings, status=rules, status_listen=at)


def _store_url(url: str, home: Home) -> str:
    if url.startswith("sqlite:///"):
        return f"sqlite:///{_below(home, url.removeprefix('sqlite:///'))}"
    if url.startswith(("postgresql://", "postgresql+psycopg://")):
        return url.replace("postgresql://", "postgresql+psycopg://", 1)
    raise BadSetting(
        "store.url is neither sqlite:///FILE nor postgresql://HOST/NAME.",
        next_step="Remove it for the default, a file in the home folder.",
        field="store.url",
    )


def _below(home: Home, path: str) -> Path:
    return (home.root / Path(path).expanduser()).absolute()


def _status_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme == "http" and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets or a port that no address has
        usable = False
    if not usable or not url.isascii() or "?" in url or "#" in url:
        raise BadSetting(
            f"status.url {url!r} is not a plain http:// address.",
            next_step="Use http://HOST[:PORT]: status is signed; https would need itself to check itself.",
            field="status.url",
        )
    return url.rstrip("/")


def _address(text: str, field: str) -> Address:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal():
        raise BadSetting(
            f"{field} {text!r} is not HOST:PORT.", next_step="For example 127.0.0.1:8080.", field=field
        )
    return Address(_host(host.strip("[]"), field), _port(int(port), field))


def _host(text: str, field: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError as bad:
        raise BadSetting(
            f"{field} {text!r} is not an IP address.",
            next_step="127.0.0.1 for this machine only, 0.0.0.0 for all networks.",
            field=field,
        ) from bad


def _port(number: int, field: str) -> int:
    if not 0 <= number <= 65535:
        raise BadSetting(f"{field} {number} is not a port.", next_step="0 picks a free one.", field=field)
    return number


def _names(names: list[str]) -> tuple[str, ...]:
    if not names or any(not n or len(n) > 253 or not n.isascii() or " " in n for n in names):
        raise BadSetting(
            "mqtt.names must list the host names and addresses under which devices reach the broker.",
            field="mqtt.names",
        )
    return tuple(names)


def _organization(text: str) -> str:
    if len(text) > 64 or not text.isprintable():
        raise BadSetting(
            "ca.organization is longer than 64 characters or unprintable.", field="ca.organization"
        )
    return text
