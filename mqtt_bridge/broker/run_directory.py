"""The broker's own directory: 0700, files 0600, replaced atomically, owned by the account that reads them."""

from __future__ import annotations

import os
import pwd
import socket
import ssl
import sys
from pathlib import Path

from mqtt_bridge.broker.config import BrokerPlan
from mqtt_bridge.broker.interface import Address
from mqtt_bridge.broker.supervised import Account
from mqtt_bridge.errors import BrokerMisconfigured, PortTaken

_SERVICE_ACCOUNT = "mosquitto"


class RunDirectory:
    """Writes what mosquitto reads; with an account, hands it over to it (mosquitto re-reads on SIGHUP)."""

    def __init__(self, path: Path, account: Account | None) -> None:
        self.path = path
        self._account = account
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.is_symlink():
            raise BrokerMisconfigured(f"{path} is a symbolic link.", field="directory")
        path.chmod(0o700)
        (path / "data").mkdir(mode=0o700, exist_ok=True)
        for each in (path, path / "data", *(path / "data").iterdir()):
            self._hand_over(each)

    def write(self, name: str, content: bytes) -> Path:
        """Replaces a file: a reader sees the old or the new one, and after a power cut, too."""
        target = self.path / name
        fresh = self.path / f".{name}.new"
        fresh.unlink(missing_ok=True)
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        self._hand_over(fresh)
        fresh.replace(target)
        directory = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
        return target

    def _hand_over(self, path: Path) -> None:
        if self._account is not None:
            os.chown(path, self._account.uid, self._account.gid)


def sources(plan: BrokerPlan) -> dict[str, bytes]:
    """The plan's PEM files by their names in the run directory. Raises BrokerMisconfigured."""
    named = {"ca.pem": plan.ca, "server.pem": plan.certificate, "server.key": plan.key, "crl.pem": plan.crl}
    try:
        found = {name: path.read_bytes() for name, path in named.items()}
    except OSError as error:
        raise BrokerMisconfigured(
            f"A file of the broker cannot be read: {error}.",
            next_step="Create the server certificate and the first CRL before starting the broker.",
            field="files",
        ) from error
    check_server_files(plan)
    check_crl(found["crl.pem"])
    return found


def check_server_files(plan: BrokerPlan) -> None:
    """Refuses anchors, a certificate and a key that TLS cannot use together."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_verify_locations(plan.ca)
        context.load_cert_chain(plan.certificate, plan.key)
    except (OSError, ssl.SSLError) as error:
        raise BrokerMisconfigured(
            f"The broker's certificate, key or CA file cannot be used: {error}.", field="certificate"
        ) from error


def check_crl(pem: bytes) -> None:
    """Refuses what mosquitto would choke on: an unreadable CRL file locks every device out."""
    if pem.count(b"-----BEGIN X509 CRL-----") < 1 or pem.count(b"-----BEGIN") != pem.count(b"-----END"):
        raise BrokerMisconfigured(
            "The CRL file holds no PEM CRL.", next_step="Publish a CRL of the issuing CA first.", field="crl"
        )


def service_account(directory: Path) -> Account | None:
    """The account to run as when we are root and it can reach what it needs; None: stay who we are.

    Switched before the program starts: mosquitto's own switch would untie it from our death.
    """
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(_SERVICE_ACCOUNT)
    except KeyError:
        return None
    account = Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    needed = (directory.absolute(), Path(sys.executable).resolve(), Path(__file__).resolve())
    return account if all(_reaches(account, path) for path in needed) else None


def _reaches(account: Account, path: Path) -> bool:
    """Whether the account may pass through every directory above `path`."""
    for parent in path.parents:
        if not parent.exists():
            continue
        state = parent.stat()
        mine = 0o100 if state.st_uid == account.uid else 0o010 if state.st_gid == account.gid else 0o001
        if not state.st_mode & mine:
            return False
    return True


def claim_ports(plan: BrokerPlan) -> None:
    """Refuses to start where somebody else listens, and says where. Raises PortTaken."""
    for name, address in (("bootstrap", plan.bootstrap), ("ops", plan.ops), ("control", plan.control)):
        try:
            _try_bind(address)
        except OSError as error:
            raise PortTaken(
                f"The {name} listener cannot have {address}: {error.strerror or error}.",
                next_step=f"Stop what listens on port {address.port}, or set mqtt.{name}_port.",
                field=name,
            ) from error


def _try_bind(address: Address) -> None:
    family, kind, protocol, _, where = socket.getaddrinfo(
        address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(where)
        probe.listen(1)
