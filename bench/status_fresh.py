"""From a revocation's commit until OCSP says so on two instances of one store, and until the lists do."""

from __future__ import annotations

import http.client
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.x509 import ocsp

from bench.figures import Figure, Goal
from bench.house import ACTOR, House, process
from bench.status_questions import PATH, Questions, ask, must_be_good, status_in
from bench.status_server import all_signed_ahead, status_server, twin
from bench.timing import percentile
from mqtt_bridge.broker.interface import Address
from registry.model.certificate import of_int
from registry.revocation import revoke_certificate
from registry.status import ISSUER
from registry.store.lists import WHOLE
from service.publisher import list_file

_TRIES: Final = 20
_LIST_TRIES: Final = 3
_PATIENCE: Final = 90.0
_EVERY: Final = 0.002
_LONGEST_BREAK: Final = 0.5
_LIST: Final = "/crl/issuing.crl"


def measure_fresh(home: House, questions: Questions) -> list[Figure]:
    """Revokes some of the fleet, its last ones."""
    last = list(questions.serials[-_TRIES - 2 * _LIST_TRIES :])
    return [
        *_ocsp(home, questions, last[:_TRIES]),
        *_lists_of_a_running_process(home, last[_TRIES : _TRIES + _LIST_TRIES]),
        *_lists_by_hand(home, last[_TRIES + _LIST_TRIES :]),
    ]


def _ocsp(home: House, questions: Questions, serials: Sequence[int]) -> Iterator[Figure]:
    other = twin(home, "second-instance")
    with (
        status_server(home, 1) as first,
        status_server(home, 1, at=other) as second,
        ThreadPoolExecutor(2) as both,
    ):
        for each in (home.home, other):
            all_signed_ahead(each, len(questions.serials))
        urls = [server.url + PATH for server in (first, second)]
        took = []
        for serial in serials:
            request = questions.request(serial)
            for url in urls:
                must_be_good(url, request)
            # Commits shall fall anywhere between two looks of the servers.
            time.sleep(random.uniform(0, _LONGEST_BREAK))
            committed = _revoke(home, serial)
            looks = [partial(_says_revoked, url, request) for url in urls]
            took.append(max(both.map(_until, looks)) - committed)
    for name, share in (("p50", 0.5), ("max", 1.0)):
        yield Figure(
            f"commit -> both instances say revoked, {name}",
            percentile(took, share) * 1e3,
            "ms",
            goal=Goal(most=1000),
        )


def _lists_of_a_running_process(home: House, serials: Sequence[int]) -> Iterator[Figure]:
    with process(home, "daemon") as doors:
        place = doors.addresses["status"]
        _until(lambda: bool(_served(place)))
        in_file, by_url = [], []
        for serial in serials:
            committed = _revoke(home, serial)
            in_file.append(_until(partial(_in_file, home, serial)) - committed)
            by_url.append(_until(partial(_by_url, place, serial)) - committed)
    for what, took in (("file", in_file), ("URL", by_url)):
        yield Figure(
            f"commit -> revocation list, {what}, max of {len(took)}", max(took), "s", goal=Goal(most=60)
        )


def _lists_by_hand(home: House, serials: Sequence[int]) -> Iterator[Figure]:
    took = []
    command = [str(Path(sys.executable).with_name("medtrust")), "--home", str(home.home.root)]
    command += ["crl", "publish", "--passphrase-file", str(home.passphrase_file())]
    for serial in serials:
        _revoke(home, serial)
        began = time.monotonic()
        subprocess.run(command, capture_output=True, check=True, timeout=_PATIENCE)
        took.append(time.monotonic() - began)
        if not _in_file(home, serial):
            raise RuntimeError("crl publish left a revoked certificate out")
    yield Figure(f"medtrust crl publish, start to end, max of {len(took)}", max(took), "s", goal=Goal(most=2))


def _revoke(home: House, serial: int) -> float:
    """When it was committed; nobody is woken."""
    revoke_certificate(of_int(serial), "keyCompromise", ACTOR, ports=home.ports)
    return time.monotonic()


def _until(seen: Callable[[], bool]) -> float:
    """When it was seen first."""
    ends = time.monotonic() + _PATIENCE
    while not seen():
        if time.monotonic() > ends:
            raise RuntimeError(f"a revocation did not show within {_PATIENCE:.0f} s")
        time.sleep(_EVERY)
    return time.monotonic()


def _says_revoked(url: str, request: bytes) -> bool:
    return status_in(ask(url, request)) is ocsp.OCSPCertStatus.REVOKED


def _in_file(home: House, serial: int) -> bool:
    path = list_file(home.home, ISSUER, WHOLE)
    return path.exists() and _lists(path.read_bytes(), serial)


def _by_url(place: Address, serial: int) -> bool:
    body = _served(place)
    return bool(body) and _lists(body, serial)


def _served(place: Address) -> bytes:
    connection = http.client.HTTPConnection(place.host, place.port, timeout=30)
    try:
        connection.request("GET", _LIST)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    return body if answer.status == 200 else b""


def _lists(der: bytes, serial: int) -> bool:
    listed = x509.load_der_x509_crl(der)
    return listed.get_revoked_certificate_by_serial_number(serial) is not None
