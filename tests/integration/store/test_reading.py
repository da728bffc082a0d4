"""A store that is only read: beside its writer, by whoever may do no more, and never changed by us."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from sqlalchemy import create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError

from audit.leaf import Leaf
from registry.model.device import DeviceState
from registry.model.errors import BadInput, DependencyDown, Refused, RegistryError
from registry.status import log_size
from registry.store.engine import HEAD
from registry.store.unit_of_work import Store
from tests.integration.store.other_user import IS_ROOT, asked, other
from tests.integration.store.test_migration_lists import first_schema
from tests.unit.registry.hospital import DISPLAY, PUMP, START, Hospital

COMMITS = 1_000
"""Enough pages for several checkpoints, behind which the file that is read begins anew."""
LEAF = Leaf(kind="trust.judged", at=START, actor="job:test", subject="mtd-1", detail={"why": "x" * 2_000})


@pytest.fixture
def reader(hospital: Hospital, url: str) -> Iterator[Store]:
    opened = Store.open(url, read_only=True)
    yield opened
    opened.close()


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that others may enter; what stands below pytest's own they may not."""
    made = Path(tempfile.mkdtemp(prefix="medtrust-read-"))
    made.chmod(0o755)
    yield made
    made.chmod(0o755)
    shutil.rmtree(made)


def readable_store(folder: Path) -> Hospital:
    """A hospital whose files everybody may read."""
    hospital = Hospital(Store.open(f"sqlite:///{folder / 'registry.db'}"))
    hospital.admit(PUMP)
    for file in folder.iterdir():
        file.chmod(0o644)
    return hospital


def devices(url: str) -> int:
    store = Store.open(url, read_only=True)
    with store.read() as uow:
        found = uow.devices.count()
    store.close()
    return found


def read_until_told(pipe: Connection, url: str) -> tuple[list[int], list[str]]:
    """Every size that was seen, and everything that went wrong."""
    store, seen, failed = Store.open(url, read_only=True), [], []
    pipe.send("open")
    while not pipe.poll():
        try:
            with store.read() as uow:
                seen.append(log_size(uow))
        except RegistryError as problem:
            failed.append(str(problem))
    with store.read() as uow:
        seen.append(log_size(uow))
    return seen, failed


def test_it_sees_what_another_has_committed(hospital: Hospital, reader: Store) -> None:
    device = hospital.admit(PUMP)
    with reader.read() as uow:
        assert uow.devices.get(device.device_id) == hospital.device(device.device_id)
        hospital.admit(DISPLAY)
        assert uow.devices.count() == 1  # one moment's snapshot
    with reader.read() as uow:
        assert uow.devices.count() == 2


def test_to_write_is_refused_before_the_database_is_touched(reader: Store) -> None:
    touched: list[object] = []
    event.listen(reader.engine, "engine_connect", touched.append)
    with pytest.raises(Refused) as refused, reader.write():
        pass
    assert (refused.value.field, bool(refused.value.next_step), touched) == ("store", True, [])


def test_the_engine_itself_refuses_what_the_code_forgets(hospital: Hospital, reader: Store) -> None:
    device = hospital.admit(PUMP)
    with pytest.raises(DependencyDown), reader.read() as uow:
        uow.devices.set_state(device.device_id, DeviceState.RETIRED)
    with pytest.raises(DBAPIError, match=r"read-?only"), reader.engine.begin() as connection:
        connection.execute(text("UPDATE device SET state = 'retired'"))
    assert hospital.device(device.device_id).state is DeviceState.APPROVED


@pytest.mark.parametrize("found", ["9999", "0001", None])
def test_a_schema_of_another_version_is_refused_and_stays(url: str, found: str | None) -> None:
    engine = create_engine(url)
    if found is not None:
        first_schema(url)
    with engine.begin() as connection:
        if found is None:
            connection.execute(text("CREATE TABLE mine (its INTEGER)"))
        else:
            connection.execute(text("UPDATE alembic_version SET version_num = :found"), {"found": found})
    with pytest.raises(RegistryError, match="newer" if found == "9999" else f"needs {HEAD}") as refused:
        Store.open(url, read_only=True)
    assert refused.value.field == "schema"
    assert refused.value.next_step
    if found is not None:
        with engine.connect() as connection:
            assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == found
    engine.dispose()


@pytest.mark.parametrize(
    "bad", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:x?uri=true", "oracle://x/y"]
)
def test_what_has_no_name_is_not_read(bad: str) -> None:
    with pytest.raises(BadInput) as refused:
        Store.open(bad, read_only=True)
    assert refused.value.field == "store.url"


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(DependencyDown):
        Store.open(f"sqlite:///{tmp_path / 'registry.db'}", read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_names_that_mean_something_in_a_uri_are_only_names(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a%20b#c d.db'}"
    Store.open(url).close()
    assert devices(url) == 0


def test_a_role_that_may_only_select_reads(hospital: Hospital, url: str, server: str) -> None:
    if url.startswith("sqlite"):
        pytest.skip("roles are PostgreSQL's")
    hospital.admit(PUMP)
    role = f"{make_url(url).database}_status"
    with hospital.store.engine.begin() as connection:
        connection.execute(text(f"CREATE ROLE {role} LOGIN"))
    seen = str(make_url(url).set(username=role).render_as_string(hide_password=False))
    with pytest.raises(DependencyDown, match="InsufficientPrivilege"):
        Store.open(seen, read_only=True)
    with hospital.store.engine.begin() as connection:
        connection.execute(text(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"))
    assert devices(seen) == 1


def test_another_user_reads_while_the_owner_writes(folder: Path) -> None:
    hospital = readable_store(folder)
    folder.chmod(0o555)
    with other(read_until_told, f"sqlite:///{folder / 'registry.db'}", talks=True) as reading:
        assert reading.receive() == "open"
        for _ in range(COMMITS):
            with hospital.store.write() as uow:
                uow.log.append(LEAF)
        reading.send("enough")
        seen, failed = reading.receive()
    with hospital.store.read() as uow:
        size = log_size(uow)
    hospital.store.close()
    assert failed == []
    assert seen == sorted(seen)
    assert seen[-1] == size
    assert len(set(seen)) > 10


def test_another_user_finds_no_writer_and_says_what_to_do(folder: Path) -> None:
    readable_store(folder).store.close()
    folder.chmod(0o555)
    with pytest.raises(DependencyDown, match="Start medtrust up first"):
        asked(devices, f"sqlite:///{folder / 'registry.db'}")


@pytest.mark.skipif(not IS_ROOT, reason="another user is needed")
def test_another_users_reading_leaves_no_files_that_lock_the_owner_out(folder: Path) -> None:
    readable_store(folder).store.close()
    folder.chmod(0o777)
    with pytest.raises(DependencyDown, match="Start medtrust up first"):
        asked(devices, f"sqlite:///{folder / 'registry.db'}")
    assert [file.name for file in folder.iterdir()] == ["registry.db"]


def test_another_user_reads_what_a_killed_writer_left(folder: Path, tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    alive.mkdir()
    hospital = readable_store(alive)
    shutil.copytree(alive, folder, dirs_exist_ok=True)  # as the files stand when nobody can close them
    hospital.store.close()
    folder.chmod(0o555)
    assert asked(devices, f"sqlite:///{folder / 'registry.db'}") == 1


def test_the_owner_reads_without_a_writer_and_writes_afterwards(folder: Path) -> None:
    readable_store(folder).store.close()
    url = f"sqlite:///{folder / 'registry.db'}"
    assert devices(url) == 1
    hospital = Hospital(Store.open(url))
    hospital.admit(DISPLAY)
    assert devices(url) == 2
    hospital.store.close()
