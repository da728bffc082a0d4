"""What the status bench stands on: its fleet, its requests, its ratios, its reading of /proc."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from bench.figures import Goal
from bench.fleet import fill
from bench.house import House, house
from bench.load import Corpus, Load
from bench.presigning_process import presign
from bench.proc import cpu_seconds, descendants, largest_resident_bytes, proportional_bytes
from bench.status_questions import Questions, get_path
from bench.status_server import StatusServer, at_rest, signed_ahead
from bench.status_turns import Rounds
from pki import oids
from pki.ocsp import OcspRequest, decode_get_path
from registry.status import GOOD, StatusKind, certificate_status

_TOLD = "import sys; print(flush=True); sys.stdin.read()"


@pytest.fixture(scope="module")
def home() -> Iterator[House]:
    with house() as made:
        yield made


def sent(corpus: Corpus) -> list[bytes]:
    octets, found = corpus.path.read_bytes(), []
    while octets:
        size, _, rest = octets.partition(b"\n")
        found.append(rest[: int(size)])
        octets = rest[int(size) :]
    return found


def test_a_fleet_is_good_to_who_answers_and_has_serials_of_its_own(home: House) -> None:
    first, second = fill(home, 50), fill(home, 50)
    assert len({*first.serials, *second.serials}) == 100
    with home.ports.store.read() as uow:
        kinds = {certificate_status(serial, uow).kind for serial in (*first.serials, *second.serials)}
    assert kinds == {GOOD.kind}
    with home.ports.store.read() as uow:
        assert certificate_status(first.serials[0] + 1, uow).kind is StatusKind.NOT_ISSUED


def test_requests_ask_with_sha1_about_the_fleet_only(home: House) -> None:
    serials = fill(home, 20).serials
    questions = Questions(home, serials)
    issuer = home.authority.issuing.certificate
    asked = [OcspRequest.parse(body) for body in sent(questions.posts(200))]
    ids = [request.cert_ids[0] for request in asked]
    assert {each.certificate_serial for each in ids} == set(serials)
    assert all(each.hash_oid == oids.SHA1 and each.matches(issuer) for each in ids)
    assert {request.nonce for request in asked} == {None}


def test_each_nonce_is_asked_once(home: House) -> None:
    questions = Questions(home, fill(home, 20).serials)
    nonces = {OcspRequest.parse(body).nonce for body in sent(questions.nonces(100))}
    assert len(nonces) == 100
    assert {len(nonce) for nonce in nonces if nonce is not None} == {32}


def test_a_get_says_what_the_post_says(home: House) -> None:
    request = Questions(home, [1 << 126]).request(1 << 126)
    assert decode_get_path(get_path(request)) == request


def test_ratios_are_taken_within_a_turn() -> None:
    # The machine is ten times slower in the second turn; the medians of all would hide what the ratio is.
    turns = [
        {"ours": Load(200, 1, 5), "peer": Load(100, 2, 10)},
        {"ours": Load(20, 10, 50), "peer": Load(10, 20, 100)},
        {"ours": Load(200, 1, 5), "peer": Load(10, 20, 100)},
    ]
    figure = Rounds(turns).figure("rate", "rate", "ours", peer="peer", goal=Goal(least=2, on_ratio=True))
    assert (figure.value, figure.limit_value, figure.ratio, figure.met) == (200, 10, 2, True)


def test_a_process_is_found_with_its_children_and_what_they_use() -> None:
    until_told = "import subprocess, sys\n{}\nsys.stdin.read()"
    work = until_told.format("import time\nwhile time.process_time() < 0.3: pass")
    parents = until_told.format(f"subprocess.Popen([sys.executable, '-c', {work!r}])")
    with subprocess.Popen([sys.executable, "-c", parents], stdin=subprocess.PIPE) as parent:
        try:
            children: tuple[int, ...] = ()
            until = time.monotonic() + 20
            while (not children or cpu_seconds(children) < 0.25) and time.monotonic() < until:
                children = descendants(parent.pid)
            assert len(children) == 1
            assert cpu_seconds((parent.pid, *children)) >= cpu_seconds(children) >= 0.25
            assert proportional_bytes((parent.pid, *children)) > proportional_bytes(children) > 0
        finally:
            parent.communicate()


def test_the_largest_memory_is_the_childs_own_not_its_parents() -> None:
    held = bytearray(200_000_000)
    held[::4096] = bytes([1]) * len(held[::4096])
    assert largest_resident_bytes(os.getpid()) > len(held)
    with subprocess.Popen([sys.executable, "-c", _TOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as it:
        assert it.stdout is not None
        it.stdout.readline()
        assert 0 < largest_resident_bytes(it.pid) < len(held)
        it.communicate()


def test_a_walk_signs_for_each_certificate_once(home: House) -> None:
    before = presign(home).octets
    fleet = fill(home, 300)
    walk = presign(home)
    assert walk.signed == len(fleet)
    assert walk.octets - before > 100 * len(fleet)
    assert signed_ahead(home.home).answers >= len(fleet)
    assert presign(home).signed == 0


def test_what_does_nothing_is_at_rest_and_what_works_is_not() -> None:
    work = "import time, sys\nwhile time.process_time() < {}: pass\nprint(flush=True)\nsys.stdin.read()"
    for seconds, quiet in ((0.1, True), (600, False)):
        command = [sys.executable, "-c", work.format(seconds)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            server = StatusServer("", (process.pid,), 0.0)
            try:
                if quiet:
                    assert process.stdout is not None
                    process.stdout.readline()
                    at_rest(server, patience=20)
                else:
                    with pytest.raises(RuntimeError, match="busy by itself"):
                        at_rest(server, patience=1)
            finally:
                process.kill()
