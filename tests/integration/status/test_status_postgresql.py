"""Two status servers on one PostgreSQL: both hear of a commit without being asked, and agree."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from mqtt_bridge.broker.interface import Address
from pki.ocsp import GOOD, Revoked, build_request, parse_response
from registry.revocation import revoke_certificate
from service.authority import Authority
from service.home import Home
from service.runtime import Runtime, open_runtime
from service.status.server import StatusServer
from tests.integration.status.server_process import ask, eventually
from tests.integration.store.postgres import cluster
from tests.unit.service.ocsp_bench import certificate
from tests.unit.service.status_fixtures import WHO, certify, make_home


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, Authority]]:
    folder = tmp_path_factory.mktemp("postgresql")
    with cluster() as url:
        (folder / "home").mkdir(mode=0o700)
        settings = f'[store]\nurl = "{url.replace("postgresql+psycopg", "postgresql")}postgres"\n'
        (folder / "home" / "medtrust.toml").write_text(settings)
        yield make_home(folder)


def served(stack: ExitStack, home: Home, authority: Authority) -> tuple[StatusServer, Address]:
    runtime: Runtime = stack.enter_context(open_runtime(home, read_only=True))
    server = StatusServer(authority, runtime, Address("127.0.0.1", 0))
    address = server.start()
    stack.callback(server.stop)
    return server, address


def test_a_commit_is_heard_by_both_without_being_asked(hospital: tuple[Home, Authority]) -> None:
    home, authority = hospital
    with ExitStack() as stack:
        writer = stack.enter_context(open_runtime(home))
        servers = [served(stack, home, authority) for _ in range(2)]
        record = certify(authority, writer.ports)
        request = build_request(certificate(record), authority.issuing.certificate)

        def statuses() -> list[object]:
            answers = [ask(f"{at.host}:{at.port}", "POST", "/ocsp", request) for _, at in servers]
            basics = [parse_response(answer).basic for answer in answers]
            return [basic.answers[0].status if basic else None for basic in basics]

        def settled() -> bool:
            known = statuses()
            time.sleep(0.2)  # what is still on its way from the commit before arrives
            return known == [GOOD, GOOD] and not any(must_look(server) for server, _ in servers)

        assert eventually(settled)
        revoke_certificate(record.certificate_serial, "superseded", WHO, ports=writer.ports)
        assert eventually(lambda: all(must_look(server) for server, _ in servers), 2.0)
        assert all(isinstance(status, Revoked) for status in statuses())


def must_look(server: StatusServer) -> bool:
    """Whether the server has heard that something was committed since its last look."""
    app = server._app
    assert app is not None
    return app.desk.watch._looked_at is None
