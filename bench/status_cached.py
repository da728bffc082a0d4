"""Answers signed ahead beside nginx, cfssl and OpenBao; answers with a nonce beside bare signing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Final

from bench.figures import Figure, Goal
from bench.house import House
from bench.load import CONNECTIONS, Corpus, Load, load
from bench.status_peers import Peer, cfssl, nginx, openbao_ocsp
from bench.status_questions import PATH, Questions, must_be_good
from bench.status_server import StatusServer, all_signed_ahead, at_rest, status_server, twin
from bench.status_turns import Rounds, bare_signing

_TURNS: Final = 3
_CORPUS: Final = 20_000
_SIGNATURES: Final = 20_000
ONE, TWO, NGINX, OPENBAO, BARE = "one worker", "two workers", "nginx", "OpenBao", "bare"
CFSSL, DELEGATED = "cfssl", "cfssl with a responder"


def measure_cached(home: House, questions: Questions) -> tuple[list[Figure], list[str]]:
    """POST, GET and nonce; the fleet is in the store."""
    post, get, nonce = questions.posts(_CORPUS), questions.gets(_CORPUS), questions.nonces(_CORPUS)
    with ExitStack() as running:
        other = twin(home, "two-workers")
        ours = {
            ONE: running.enter_context(status_server(home, 1)),
            TWO: running.enter_context(status_server(home, 2, at=other)),
        }
        answer = must_be_good(ours[ONE].url + PATH, questions.request(questions.serials[0]))
        for each, server in ((home.home, ours[ONE]), (other, ours[TWO])):
            all_signed_ahead(each, len(questions.serials))
            at_rest(server)
        peers = {
            NGINX: running.enter_context(nginx(home.folder / "nginx", answer, post)),
            CFSSL: running.enter_context(cfssl(home.folder / "cfssl", delegated=False)),
            DELEGATED: running.enter_context(cfssl(home.folder / "cfssl-delegated", delegated=True)),
            OPENBAO: running.enter_context(openbao_ocsp(home.folder / "openbao-ocsp")),
        }
        asked: dict[str, Callable[[], Load]] = {name: _post(peer) for name, peer in peers.items()}
        posts = Rounds.of({**_asking(ours, post), **asked}, _TURNS)
        asked = {name: _get(peer) for name, peer in peers.items()}
        gets = Rounds.of({**_asking(ours, get), **asked}, _TURNS)
        with_nonce: dict[str, Callable[[], Load]] = {
            ONE: _asking(ours, nonce)[ONE],
            BARE: partial(bare_signing, _SIGNATURES),
        }
        nonces = Rounds.of(with_nonce, _TURNS)
    figures = [*_figures("POST", posts), *_figures("GET", gets), *_nonce_figures(nonces)]
    return figures, [_note(questions, peers), _cpu("POST", posts), _cpu("GET", gets)]


def _asking(ours: dict[str, StatusServer], corpus: Corpus) -> dict[str, Callable[[], Load]]:
    return {name: partial(load, each.url + PATH, corpus, each.pids) for name, each in ours.items()}


def _post(peer: Peer) -> Callable[[], Load]:
    return partial(load, peer.url, peer.post, peer.pids)


def _get(peer: Peer) -> Callable[[], Load]:
    """Where it answers no GET, its POST is what there is to compare with."""
    return partial(load, peer.get_url, peer.get, peer.pids) if peer.get else _post(peer)


def _figures(method: str, rounds: Rounds) -> Iterator[Figure]:
    what = f"OCSP {method}, signed ahead"
    static = "nginx, the same bytes from a file"
    by_post = "" if method == "POST" else " (by POST)"
    aim = Goal(most=2.0, on_ratio=True)
    yield rounds.figure(f"{what}, CPU a request", "cpu_us", ONE, peer=NGINX, said=static, goal=aim)
    yield rounds.figure(f"{what}, one worker", "rate", ONE, peer=NGINX, said=static)
    for peer, least in ((CFSSL, 1.6), (DELEGATED, None), (OPENBAO, 8.0)):
        against = Goal(least=least, on_ratio=True) if least else None
        yield rounds.figure(f"{what}, one worker", "rate", ONE, peer=peer, said=peer + by_post, goal=against)
    yield rounds.figure(f"{what}, two workers", "rate", TWO, peer=ONE)
    # cfssl is one process that takes both cores: one worker against it is one core against two.
    yield rounds.figure(f"{what}, two workers", "rate", TWO, peer=CFSSL, said=CFSSL + by_post)
    yield rounds.figure(f"{what}, CPU a request", "cpu_us", ONE, peer=CFSSL, said=CFSSL + by_post)
    yield rounds.figure(f"{what}, p99", "p99_ms", ONE, peer=NGINX, said=static, goal=Goal(most=2.0))


def _nonce_figures(rounds: Rounds) -> Iterator[Figure]:
    what, bare = "OCSP POST with a nonce", "P-256 signing and nothing else"
    yield rounds.figure(f"{what}, one worker", "rate", ONE, peer=BARE, said=bare, goal=Goal(least=15_000))
    yield rounds.figure(f"{what}, CPU a request", "cpu_us", ONE, peer=BARE, said=bare)


def _note(questions: Questions, peers: dict[str, Peer]) -> str:
    octets = ", ".join(f"{name}'s {peer.octets:,}" for name, peer in peers.items())
    return (
        f"wrk, 1 thread, {CONNECTIONS} connections kept alive, beside the servers on the same cores; "
        f"{len(questions.serials):,} certificates, asked about at random; octets of an answer: {octets}; "
        "ours are nginx's"
    )


def _cpu(method: str, rounds: Rounds) -> str:
    told = ", ".join(f"{name} {rounds.of_server(name).cpu_us:.0f}" for name in rounds.turns[0])
    return f"{method}: CPU of all processes of a server, us a request: {told}"
