"""Several status servers on one PostgreSQL: told of commits, and asking all the same."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, text

from mqtt_bridge.broker.interface import Address
from registry.revocation import revoke_certificate
from service.authority import Authority, unlock
from service.home import Home
from service.runtime import open_runtime
from service.settings import read_settings
from service.status.server import StatusServer
from tests.integration.status.started import running, until
from tests.integration.store.postgres import cluster
from tests.quick_seals import FLOOR, seals_at
from tests.unit.service.ca_room import new_home
from tests.unit.service.status_fixtures import PASSPHRASE, WHO, certify, opened

pytestmark = pytest.mark.timeout(180)
HERE = Address("127.0.0.1", 0)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with cluster() as server:
        with create_engine(server + "postgres", isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text("CREATE DATABASE shared"))
        yield server + "shared"


@pytest.fixture(scope="module")
def shared(url: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Authority]:
    """A home whose store is on PostgreSQL."""
    folder = tmp_path_factory.mktemp("shared") / "home"
    folder.mkdir(mode=0o700)
    (folder / "medtrust.toml").write_text(f'[store]\nurl = "{url}"\n')
    with seals_at(FLOOR):
        home = new_home(folder)
        return home, unlock(home, read_settings(home), PASSPHRASE)


def listeners(url: str) -> int:
    """Connections that wait for commits."""
    plain = url.replace("+psycopg", "")
    asked = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'medtrust-notices'"
    with closing(psycopg.connect(plain)) as connection:
        row = connection.execute(asked).fetchone()
    assert row is not None
    return int(row[0])


def touches(server: StatusServer) -> int:
    assert server._app is not None
    return server._app.desk.watch._touches


def test_each_server_is_told_of_a_commit_before_anybody_asks(
    url: str, shared: tuple[Home, Authority]
) -> None:
    home, authority = shared
    with open_runtime(home, read_only=True) as inside, opened(home) as outside:
        servers = [StatusServer(authority, inside, HERE) for _ in range(2)]
        try:
            for server in servers:
                server.start()
            until(lambda: listeners(url) == 2, "two listeners")
            until(lambda: all(touches(server) > 0 for server in servers), "the first touch")
            before = [touches(server) for server in servers]
            certify(authority, outside.ports)
            until(
                lambda: all(touches(s) > b for s, b in zip(servers, before, strict=True)),
                "told of the commit",
            )
        finally:
            for server in servers:
                server.stop()
        until(lambda: listeners(url) == 0, "no listener left")
        told = [touches(server) for server in servers]
        certify(authority, outside.ports)
        assert [touches(server) for server in servers] == told


def test_two_homes_on_one_postgresql_agree_within_a_second(
    shared: tuple[Home, Authority], tmp_path: Path
) -> None:
    home, authority = shared
    other = tmp_path / "other"
    shutil.copytree(home.root, other, symlinks=True, ignore=shutil.ignore_patterns("run"))
    other.chmod(0o700)
    with (
        running(home, tmp_path, name="one") as one,
        running(Home(other), tmp_path, name="two") as two,
        opened(home) as third,
    ):
        for _ in range(3):
            record = certify(authority, third.ports)
            assert one.is_good(authority, record)
            assert two.is_good(authority, record)
            revoke_certificate(record.certificate_serial, "keyCompromise", WHO, ports=third.ports)
            time.sleep(1.0)
            assert not one.is_good(authority, record)
            assert not two.is_good(authority, record)
