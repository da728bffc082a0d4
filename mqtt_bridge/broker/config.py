"""The plan of a broker, and the mosquitto files that it means: text only, no file is touched here.

Two mosquitto processes: client ids are one namespace per process, and a bootstrap client, who needs no
certificate, could else take over (cut off) any device by giving its id. A relay joins the two.
"""

from __future__ import annotations

import hashlib
import ipaddress
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

from mqtt_bridge.broker import access
from mqtt_bridge.broker.interface import Address
from mqtt_bridge.errors import BrokerMisconfigured

_PBKDF2_ROUNDS = 101  # mosquitto's own number; the password is 256 random bits, not a person's


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what clients may cost us."""

    ops_connections: int = 10_000
    bootstrap_connections: int = 200
    payload_bytes: int = 65_536
    """A catalyst CSR is about 8 kB; telemetry has a limit of its own."""
    queued_messages: int = 100_000
    """Per client; mosquitto's default of 1,000 loses acknowledged messages of a bridge that is away."""
    inflight_messages: int = 1_000
    max_keepalive: int = 300
    bootstrap_memory_bytes: int = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class BrokerPlan:
    """Where to listen and with what. Source files are copied into `directory`, which is ours alone."""

    directory: Path
    bootstrap: Address
    ops: Address
    control: Address
    """Loopback only."""
    ca: Path
    """PEM: the anchors and issuing CAs of device certificates."""
    certificate: Path
    """PEM: the server certificate, with its chain."""
    key: Path
    crl: Path
    """PEM: the CRL of each issuing CA. A lapsed one locks every device out."""
    limits: Limits = Limits()

    def __post_init__(self) -> None:
        for name, address in (("bootstrap", self.bootstrap), ("ops", self.ops), ("control", self.control)):
            if not 0 < address.port < 65_536 or not address.host or any(c.isspace() for c in address.host):
                raise BrokerMisconfigured(f"{name} cannot listen on {address}.", field=name)
        if not _is_loopback(self.control.host):
            raise BrokerMisconfigured(
                f"The control listener has no TLS and must not listen on {self.control.host}.",
                next_step="Use 127.0.0.1.",
                field="control",
            )
        if any(not c.isprintable() for c in str(self.directory)):
            raise BrokerMisconfigured("The broker's directory has control characters.", field="directory")

    @property
    def files(self) -> RunFiles:
        """The files of the running broker."""
        return RunFiles(self.directory)


@dataclass(frozen=True, slots=True)
class RunFiles:
    """Names inside the broker's directory."""

    directory: Path

    def __getitem__(self, name: str) -> Path:
        return self.directory / name


@dataclass(frozen=True, slots=True)
class Secrets:
    """Made anew at each start: two passwords, their salts, and the relay's unguessable client id."""

    control_password: str
    relay_password: str
    control_salt: bytes
    relay_salt: bytes
    relay_client_id: str


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def password_line(user: str, password: str, salt: bytes) -> str:
    """A line of mosquitto's password file: `$7$`, PBKDF2-HMAC-SHA512."""
    derived = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _PBKDF2_ROUNDS)
    return f"{user}:$7${_PBKDF2_ROUNDS}${b64encode(salt).decode()}${b64encode(derived).decode()}\n"


def mosquitto_files(plan: BrokerPlan, secrets: Secrets, *, run_as: str) -> dict[str, str]:
    """Every text file of both brokers, by name. `run_as` is the account that mosquitto stays or becomes."""
    return {
        "ops.conf": _ops(plan, run_as),
        "bootstrap.conf": _bootstrap(plan, secrets, run_as),
        "ops.acl": access.acl_text(access.OPS),
        "bootstrap.acl": access.acl_text(access.BOOTSTRAP),
        "control.acl": access.user_acl_text(access.CONTROL_USER, access.CONTROL)
        + access.user_acl_text(access.RELAY_USER, access.RELAY),
        "control.passwords": password_line(
            access.CONTROL_USER, secrets.control_password, secrets.control_salt
        )
        + password_line(access.RELAY_USER, secrets.relay_password, secrets.relay_salt),
    }


def _common(limits: Limits, run_as: str) -> str:
    """Global lines only: one per-listener line up here would open port 1883 to all, without TLS."""
    return f"""per_listener_settings true
user {run_as}
log_dest stderr
log_timestamp false
log_type error
log_type warning
log_type notice
log_type information
sys_interval 0
set_tcp_nodelay true
max_queued_messages {limits.queued_messages}
max_inflight_messages {limits.inflight_messages}
max_keepalive {limits.max_keepalive}
message_size_limit {limits.payload_bytes}
max_packet_size {limits.payload_bytes + 4096}
"""


def _server_tls(files: RunFiles) -> str:
    return f"""certfile {files["server.pem"]}
keyfile {files["server.key"]}
tls_version tlsv1.3
"""


def _ops(plan: BrokerPlan, run_as: str) -> str:
    """autosave every second: with the default, kill -9 loses what was acknowledged half an hour ago."""
    files = plan.files
    return f"""{_common(plan.limits, run_as)}persistence true
persistence_location {files["data"]}/
autosave_interval 1
autosave_on_changes false
persistent_client_expiration 14d

listener {plan.control.port} {plan.control.host}
allow_anonymous false
allow_zero_length_clientid false
password_file {files["control.passwords"]}
acl_file {files["control.acl"]}

listener {plan.ops.port} {plan.ops.host}
allow_anonymous false
allow_zero_length_clientid false
max_connections {plan.limits.ops_connections}
max_qos 1
{_server_tls(files)}cafile {files["ca.pem"]}
crlfile {files["crl.pem"]}
require_certificate true
use_identity_as_username true
use_username_as_clientid true
acl_file {files["ops.acl"]}
"""


def _bootstrap(plan: BrokerPlan, secrets: Secrets, run_as: str) -> str:
    """No persistence and no retained messages: an unauthenticated client must not leave anything behind."""
    files = plan.files
    # Answers cross the relay at QoS 0: at QoS 1 its PUBACK met a delayed ACK (25 ms), and a device that
    # hears nothing asks again and gets the same answer.
    return f"""{_common(plan.limits, run_as)}persistence false
retain_available false
memory_limit {plan.limits.bootstrap_memory_bytes}
persistent_client_expiration 1h

listener {plan.bootstrap.port} {plan.bootstrap.host}
allow_anonymous true
allow_zero_length_clientid false
max_connections {plan.limits.bootstrap_connections}
max_qos 1
max_topic_alias 0
{_server_tls(files)}acl_file {files["bootstrap.acl"]}

connection relay
address {plan.control.host}:{plan.control.port}
bridge_protocol_version mqttv50
local_clientid {secrets.relay_client_id}
remote_clientid {secrets.relay_client_id}
remote_username {access.RELAY_USER}
remote_password {secrets.relay_password}
cleansession true
notifications false
bridge_attempt_unsubscribe false
bridge_outgoing_retain false
keepalive_interval 30
restart_timeout 1 5
topic mtr/1/b/+/+/up/# out 1
topic mtr/1/b/+/+/down/# in 0
"""
