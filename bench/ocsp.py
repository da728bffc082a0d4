"""OCSP over HTTP on one worker, against the same HTTP server with one fixed body of the same size."""

from __future__ import annotations

import base64
import http.client
import os
import statistics
from urllib.parse import quote

from bench.figures import Figure, Goal, Report
from bench.house import ACTOR, Doors, House, house, process
from bench.load import CONNECTIONS, Corpus, Load, load
from bench.process import FIXED_BODY_FILE
from pki.algorithms import KeyAlgorithm
from pki.csr import Request
from pki.csr_build import build
from pki.keys import HybridPrivateKey
from pki.ocsp import build_request
from pki.profiles import DEVICE
from pki.tbs import Certificate
from registry.issuance import IssuanceOrder, issue_batch
from registry.pending import facts_of

_CERTIFICATES = 200
_NONCES = 4000
_TURNS = 3
_NONCE_OCTETS = 32


def measure() -> Report:
    """Cached by POST and GET, by turns with the fixed body; and with a nonce, signed each time."""
    with house() as home:
        corpora = _corpora(home)
        with process(home, "daemon") as doors:
            (home.home.root / FIXED_BODY_FILE).write_bytes(_answer(doors, home))
            with process(home, "fixed") as fixed:
                runs = {name: _by_turns(corpus, doors, fixed) for name, corpus in corpora.items()}
    return Report([figure for name, pairs in runs.items() for figure in _figures(name, pairs)], _notes(runs))


def _corpora(home: House) -> dict[str, Corpus]:
    issuer = home.authority.issuing.certificate
    certificates = _certificates(home)
    requests = [build_request(certificate, issuer) for certificate in certificates]
    paths = [f"/ocsp/{quote(base64.b64encode(request).decode(), safe='')}" for request in requests]
    nonces = [
        build_request(certificates[at % len(certificates)], issuer, nonce=os.urandom(_NONCE_OCTETS))
        for at in range(_NONCES)
    ]
    return {
        "POST": Corpus.of(home.folder / "post", requests),
        "GET": Corpus.of(home.folder / "get", paths),
        "POST with a nonce": Corpus.of(home.folder / "nonce", nonces),
    }


def _certificates(home: House) -> list[Certificate]:
    device = home.device("OCSP")
    facts = facts_of(device, home.authority.parts)
    key = HybridPrivateKey.generate(KeyAlgorithm.EC_P256, KeyAlgorithm.ML_DSA_65)
    request = Request.parse(build(key, common_name=device.device_id))
    orders = [
        IssuanceOrder(DEVICE, facts, request, DEVICE.lifetime, device_id=device.device_id)
    ] * _CERTIFICATES
    issued = issue_batch(orders, ACTOR, ports=home.ports, issuer=home.authority.issuer)
    return [Certificate.parse(one.record.der or b"") for one in issued]


def _answer(doors: Doors, home: House) -> bytes:
    """One real answer: what the fixed server says again and again."""
    request = bytes.fromhex((home.folder / "post").read_text().partition("\n")[0])
    status = doors.addresses["status"]
    connection = http.client.HTTPConnection(status.host, status.port, timeout=5)
    connection.request("POST", "/ocsp", request, {"Content-Type": "application/ocsp-request"})
    body = connection.getresponse().read()
    connection.close()
    return body


def _by_turns(corpus: Corpus, doors: Doors, fixed: Doors) -> list[tuple[Load, Load]]:
    def one(server: Doors, seconds: int = 2) -> Load:
        address = server.addresses["status"]
        return load(f"http://{address.host}:{address.port}/ocsp", corpus, server.pid, seconds=seconds)

    one(doors, 1)
    return [(one(doors), one(fixed)) for _ in range(_TURNS)]


def _figures(name: str, pairs: list[tuple[Load, Load]]) -> list[Figure]:
    kind = "signed each time" if "nonce" in name else "cached"
    p99 = statistics.median(a.p99_ms for a, _ in pairs)
    return [
        Figure(
            f"OCSP {name}, {kind}",
            statistics.median(a.rate for a, _ in pairs),
            "/s",
            "the same server, a fixed body",
            statistics.median(b.rate for _, b in pairs),
            paired_ratio=statistics.median(a.rate / b.rate for a, b in pairs),
            goal=Goal(least=15_000) if "nonce" in name else None,
        ),
        Figure(
            f"OCSP {name}, p99",
            p99,
            "ms",
            "the same server, a fixed body",
            statistics.median(b.p99_ms for _, b in pairs),
            goal=Goal(most=5),
        ),
    ]


def _notes(runs: dict[str, list[tuple[Load, Load]]]) -> list[str]:
    cpu = ", ".join(
        f"{name} {statistics.median(a.cpu_us for a, _ in pairs):.0f} "
        f"(fixed body {statistics.median(b.cpu_us for _, b in pairs):.0f})"
        for name, pairs in runs.items()
    )
    return [
        f"wrk, 1 thread, {CONNECTIONS} connections kept alive, beside the server on the same cores; "
        f"{_CERTIFICATES} certificates",
        f"the server process's CPU time, us a request: {cpu}",
    ]
