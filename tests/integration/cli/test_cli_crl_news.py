"""`medtrust crl fetch` asks for news only, of our server and of nginx, and never misses any."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import format_datetime
from pathlib import Path

from registry.publication import publish
from service.authority import Signing
from tests.integration.cli.conftest import Cli
from tests.integration.cli.list_steps import HOUR, by, made, now, out
from tests.integration.status_consumed import away, cli, consumed, free_port
from tests.integration.status_served import Served
from tests.odd_server import answer, odd_server
from tests.tools import require_tool
from tests.unit.service.status_fixtures import WHO

__all__ = ["away", "by", "cli", "consumed", "out"]


def test_a_publisher_is_asked_for_news_only(cli: Cli, consumed: Served, out: Path) -> None:
    url = f"http://127.0.0.1:{consumed.address.port}/crl/issuing.crl"
    time.sleep(2.1)  # a list of just now may have a successor with the same date
    assert cli.done("crl", "fetch", url, "--out", out)["written"] is True
    before = out.stat()
    assert before.st_mtime_ns % 1_000_000_000 == 0
    assert cli.done("crl", "fetch", url, "--out", out)["written"] is False
    assert out.stat().st_ino == before.st_ino
    publish(consumed.authority.default.list_signer, WHO, ports=consumed.runtime.ports)
    time.sleep(0.5)
    news = cli.done("crl", "fetch", url, "--out", out)
    assert (news["written"], news["crl_number"]) == (True, news["number_before"] + 1)


def test_what_is_asked_and_when_the_whole_list_is_asked_for(cli: Cli, by: Signing, out: Path) -> None:
    heads: list[bytes] = []
    date = now() - HOUR

    def deed(connection: socket.socket, head: bytes) -> None:
        heads.append(head)
        known = b"If-Modified-Since: " + format_datetime(date, usegmt=True).encode() in head
        dates = [
            f"{name}: {format_datetime(at, usegmt=True)}"
            for name, at in (("Last-Modified", date), ("Date", now()))
        ]
        list_ = answer(der, *dates)
        connection.sendall(answer(b"", status="304 Not Modified") if known else list_)

    der = made(by, 5000)
    with odd_server(deed) as url:
        for _ in range(2):
            cli.done("crl", "fetch", url, "--out", out)
        out.write_bytes(der)  # by hand: its time says nothing of the publisher's
        cli.done("crl", "fetch", url, "--out", out)
        out.write_bytes(made(by, 4999, this_update=now() - 3 * HOUR, next_update=now() - HOUR))
        os.utime(out, (date.timestamp(), date.timestamp()))  # lapsed, and its time says that it is the newest
        assert cli.done("crl", "fetch", url, "--out", out)["written"] is True
    assert [b"If-Modified-Since" in head for head in heads] == [False, True, False, False]


def test_two_lists_of_one_second_are_told_apart(cli: Cli, consumed: Served, out: Path) -> None:
    url = f"http://127.0.0.1:{consumed.address.port}/crl/issuing.crl"
    for _ in range(3):
        publish(consumed.authority.default.list_signer, WHO, ports=consumed.runtime.ports)
        time.sleep(0.2)
        assert cli.done("crl", "fetch", url, "--out", out)["written"] is True


@contextmanager
def nginx(folder: Path) -> Iterator[str]:
    """The URL of a real nginx that serves list.crl of the folder."""
    tool = require_tool("nginx", "serves a list as a static file")
    port = free_port()
    (folder / "www").mkdir()
    settings = f"""daemon off; user root; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;
    events {{}}
    http {{ access_log off; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b;
      fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
      server {{ listen 127.0.0.1:{port}; root {folder}/www; }} }}"""
    (folder / "nginx.conf").write_text(settings)
    with subprocess.Popen([tool, "-c", str(folder / "nginx.conf"), "-p", str(folder)]) as ran:
        try:
            for _ in range(200):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}/list.crl"
        finally:
            ran.terminate()


def test_nginx_is_asked_for_news_only(cli: Cli, by: Signing, tmp_path: Path, out: Path) -> None:
    with nginx(tmp_path) as url:
        (tmp_path / "www").chmod(0o755)
        served = tmp_path / "www" / "list.crl"
        served.write_bytes(made(by, 1))
        os.utime(served, (now().timestamp() - 60,) * 2)
        assert cli.done("crl", "fetch", url, "--out", out)["written"] is True
        assert out.stat().st_mtime == int(served.stat().st_mtime)
        inode = out.stat().st_ino
        assert cli.done("crl", "fetch", url, "--out", out)["written"] is False
        assert out.stat().st_ino == inode
        served.write_bytes(made(by, 2))
        os.utime(served, (served.stat().st_mtime + 5,) * 2)
        assert cli.done("crl", "fetch", url, "--out", out)["crl_number"] == 2
