"""`medtrust crl inspect | fetch | verify`: a file is replaced by a better list, and by nothing else."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from pki.crl import RevokedEntry, build_crl, to_pem
from pki.crl_list import CertificateList
from pki.keys import HybridPrivateKey
from registry.publication import publish
from registry.revocation import revoke_certificate
from service.authority import Signing
from tests.integration.cli.conftest import Answer, Cli, assert_refused
from tests.integration.status_consumed import away, cli, consumed, free_port, pem_file
from tests.integration.status_served import Served
from tests.odd_server import Deed, answer, odd_server, says
from tests.tools import require_tool
from tests.unit.service.status_fixtures import WHO

__all__ = ["away", "cli", "consumed"]

HOUR = timedelta(hours=1)


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def made(by: Signing, number: int, *, serials: tuple[int, ...] = (), **how: object) -> bytes:
    """A list by the keys of one of our CAs, or by others under its name."""
    key: HybridPrivateKey = how.get("key", by.key)  # type: ignore[assignment]
    begins: datetime = how.get("this_update", now())  # type: ignore[assignment]
    return build_crl(
        issuer_name=by.certificate.subject,
        authority_key_identifier=by.key.classical.public.key_identifier,
        key=key,
        entries=[RevokedEntry(serial, begins) for serial in serials],
        crl_number=number,
        this_update=begins,
        next_update=how.get("next_update", begins + 24 * HOUR),  # type: ignore[arg-type]
    )


@pytest.fixture
def by(consumed: Served) -> Signing:
    """The issuing CA's keys."""
    return consumed.authority.issuing


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where the consumer's list will lie."""
    return tmp_path / "issuing.crl"


def rules(said: Answer) -> list[str]:
    return [finding["rule"] for finding in said.json["findings"]]


def serving(der: bytes, *headers: str) -> Deed:
    return says(answer(der, "Content-Type: application/pkix-crl", *headers))


def fetched(cli: Cli, der: bytes, *options: object, url_end: str = "") -> Answer:
    with odd_server(serving(der)) as url:
        return cli("crl", "fetch", url + url_end, *options, "--json")


def number_in(path: Path) -> int:
    return CertificateList.parse(path.read_bytes()).crl_number


def test_the_list_that_a_certificate_names_is_fetched_for_whoever_has_the_bundle(
    away: Cli, consumed: Served, out: Path, tmp_path: Path
) -> None:
    record = consumed.certify()
    revoke_certificate(record.certificate_serial, "keyCompromise", WHO, ports=consumed.runtime.ports)
    publish(consumed.authority.default.list_signer, WHO, ports=consumed.runtime.ports)
    bundle = ("--bundle", consumed.home.public / "trust-bundle.json")
    pin = ("--root-fingerprint", consumed.authority.root.fingerprint.hex())
    said = away.done("crl", "fetch", "--from-cert", pem_file(record, tmp_path), "--out", out, *bundle, *pin)
    assert (said["good"], said["written"], said["number_before"]) == (True, True, None)
    assert said["url"] == f"http://127.0.0.1:{consumed.address.port}/crl/issuing.crl"
    crl = CertificateList.parse(out.read_bytes())
    assert crl.crl_number == said["crl_number"]
    assert crl.revoked(int(record.certificate_serial, 16)) is not None


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


@pytest.mark.parametrize(
    ("name", "options", "pem"),
    [
        ("a.pem", (), True),
        ("a.crl", (), False),
        ("a.crl", ("--format", "pem"), True),
        ("a.pem", ("--format", "der"), False),
    ],
)
def test_the_form_is_the_endings_or_as_told(
    cli: Cli, by: Signing, tmp_path: Path, name: str, options: tuple[str, ...], pem: bool
) -> None:
    path = tmp_path / name
    assert fetched(cli, made(by, 6000), "--out", path, *options).code == 0
    assert path.read_bytes().startswith(b"-----BEGIN X509 CRL-----") is pem
    assert fetched(cli, made(by, 6001), "--out", path).code == 0
    assert path.read_bytes().startswith(b"-----BEGIN X509 CRL-----") is pem


def test_openssl_reads_what_was_fetched(cli: Cli, by: Signing, tmp_path: Path) -> None:
    tool = require_tool("openssl", "reads lists")
    path = tmp_path / "list.pem"
    assert fetched(cli, to_pem(made(by, 7000, serials=(0xABC,))).encode(), "--out", path).code == 0
    command = [tool, "crl", "-in", str(path), "-noout", "-text"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
    assert "Serial Number: 0ABC" in said


def test_an_entry_may_leave_but_the_number_may_not_fall(cli: Cli, by: Signing, out: Path) -> None:
    out.write_bytes(made(by, 100, serials=(1, 2)))
    said = fetched(cli, made(by, 101, serials=(2,)), "--out", out)
    assert (said.code, said.json["number_before"], number_in(out)) == (0, 100, 101)
    for number in (99, 101):
        held = out.read_bytes()
        said = fetched(cli, made(by, number), "--out", out)
        assert (said.code, said.json["good"], said.json["written"]) == (3, False, False)
        assert "crl.number_not_higher" in rules(said)
        assert out.read_bytes() == held


def test_what_is_lapsed_early_or_wrongly_signed_leaves_the_file_alone(
    cli: Cli, consumed: Served, by: Signing, out: Path
) -> None:
    out.write_bytes(made(by, 100))
    held, moment = out.read_bytes(), now()
    stranger = HybridPrivateKey.generate(by.key.classical.algorithm, by.key.alternative.algorithm)  # type: ignore[union-attr]
    stripped = HybridPrivateKey(by.key.classical)
    for rule, der in {
        "crl.already_lapsed": made(by, 200, this_update=moment - 2 * HOUR, next_update=moment - HOUR),
        "crl.begins_in_the_future": made(by, 200, this_update=moment + HOUR),
        "crl.signature_invalid": made(by, 200, key=stranger),
        "hybrid.alternative_signature_missing": made(by, 200, key=stripped),
        "crl.issuer_changed": (consumed.home.public / "root.crl").read_bytes(),
    }.items():
        said = fetched(cli, der, "--out", out)
        assert (said.code, said.json["written"]) == (3, False), rule
        assert rule in rules(said)
        assert out.read_bytes() == held
    assert sorted(path.name for path in out.parent.iterdir()) == [out.name]


def test_a_publishers_clock_may_be_a_little_ahead(cli: Cli, by: Signing, out: Path) -> None:
    assert fetched(cli, made(by, 1, this_update=now() + timedelta(minutes=2)), "--out", out).code == 0


def test_the_same_list_is_good_until_it_lapses(cli: Cli, by: Signing, out: Path) -> None:
    der = made(by, 100, this_update=now() - 2 * HOUR, next_update=now() - HOUR)
    out.write_bytes(der)
    said = fetched(cli, der, "--out", out)
    assert (said.code, rules(said)) == (3, ["crl.already_lapsed"])


def test_nothing_is_written_without_out(cli: Cli, by: Signing, tmp_path: Path) -> None:
    said = fetched(cli, made(by, 1))
    assert (said.code, said.json["good"]) == (0, True)
    assert "written" not in said.json
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_something_else_is_not_replaced(cli: Cli, by: Signing, out: Path) -> None:
    several = (to_pem(made(by, 1)) + to_pem(made(by, 2))).encode()
    for other in (b"-----BEGIN PRIVATE KEY-----\n", several, b"\x30\x03\x02\x01\x00"):
        out.write_bytes(other)
        with odd_server(serving(made(by, 3))) as url:
            assert_refused(cli("crl", "fetch", url, "--out", out), 5, "something else")
        assert out.read_bytes() == other


def test_whom_nobody_knows_is_told(cli: Cli, away: Cli, consumed: Served, by: Signing) -> None:
    elsewhere = Signing(consumed.authority.registry.certificate, consumed.authority.registry.key)
    bundle = ("--bundle", consumed.home.public / "trust-bundle.json")
    with odd_server(serving(made(elsewhere, 1))) as url:
        assert_refused(cli("crl", "fetch", url), 4, "none of our CAs")
        assert_refused(away("crl", "fetch", url), 4, "There is no CA")
        unknown = away("crl", "fetch", url, *bundle)
    assert unknown.code == 3
    assert "No certificate at hand" in unknown.err
    with odd_server(serving(made(by, 1))) as url:
        issuer = ("--issuer-file", consumed.home.public / "issuing.pem")
        assert away.done("crl", "fetch", url, *issuer)["good"] is True
        assert away.done("crl", "fetch", url, *bundle)["good"] is True
        wrong = away("crl", "fetch", url, "--issuer-file", consumed.home.public / "root.pem", "--json")
    assert (wrong.code, wrong.json["good"]) == (3, False)


@pytest.mark.parametrize(
    "said",
    [
        answer(b"<html>login</html>"),
        answer(b""),
        answer(b"\x30\x03\x02\x01\x00"),
        answer(b"-----BEGIN X509 CRL-----\nAAA"),
        answer(b"-----BEGIN X509 CRL-----\n*\n-----END X509 CRL-----"),
        answer(b"x", status="404 Not Found"),
        answer(b"short", length=100),
        answer(b"", status="304 Not Modified"),
    ],
)
def test_a_server_with_something_else_is_six_and_the_file_stays(
    cli: Cli, by: Signing, out: Path, said: bytes
) -> None:
    out.write_bytes(made(by, 1))
    held = out.read_bytes()
    with odd_server(says(said)) as url:
        assert_refused(cli("crl", "fetch", url, "--out", out), 6, url.rpartition("/")[0])
    assert out.read_bytes() == held


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("fetch",), 2, "Which list?"),
        (("fetch", "http://127.0.0.1:1/x", "--from-cert", "x.pem"), 2, "Which list?"),
        (("fetch", "file:///etc/passwd"), 2, "no http or https URL"),
        (("fetch", "--from-cert", "none.pem"), 4, "no file"),
        (("fetch", "http://127.0.0.1:1/x"), 6, "is not reached"),
        (("verify", "http://127.0.0.1:1/x"), 6, "is not reached"),
        (("inspect", "http://127.0.0.1:1/x"), 6, "is not reached"),
        (("inspect", "none.crl"), 2, "cannot be read"),
    ],
)
def test_what_cannot_be_is_told(cli: Cli, arguments: tuple[str, ...], code: int, word: str) -> None:
    assert_refused(cli("crl", *arguments), code, word)


def test_a_full_or_missing_folder_is_told_and_nothing_is_left(cli: Cli, by: Signing, tmp_path: Path) -> None:
    said = fetched(cli, made(by, 1), "--out", tmp_path / "none" / "a.crl")
    assert said.code == 1
    assert "Traceback" not in said.err
    assert list(tmp_path.iterdir()) == []


def test_verify_takes_a_url_and_a_bundle(cli: Cli, away: Cli, consumed: Served, by: Signing) -> None:
    url = f"http://127.0.0.1:{consumed.address.port}/crl/issuing.crl"
    assert cli.done("crl", "verify", url)["good"] is True
    assert (
        away.done("crl", "verify", url, "--bundle", consumed.home.public / "trust-bundle.json")["good"]
        is True
    )
    lapsed = made(by, 9, this_update=now() - 2 * HOUR, next_update=now() - HOUR)
    with odd_server(serving(lapsed)) as place:
        assert cli("crl", "verify", place).code == 3


def test_inspect_shows_anybodys_lists_without_a_home(away: Cli, by: Signing, tmp_path: Path) -> None:
    moment = now()
    first = made(by, 11, serials=(5, 6, 7), this_update=moment - 6 * HOUR)
    second = made(by, 12, key=HybridPrivateKey(by.key.classical), this_update=moment - 25 * HOUR)
    path = tmp_path / "both.pem"
    path.write_text("for people\n" + to_pem(first) + "in between\n" + to_pem(second))
    one, two = away.done("crl", "inspect", path, "--limit", "2")
    assert (one["crl_number"], one["in_force"], one["life_left_percent"]) == (11, True, 75)
    assert 17.9 * 3600 < one["life_left_seconds"] <= 18 * 3600
    assert (one["signature"], one["alternative_signature"]) == ("ecdsa-with-sha256", "ml-dsa-65")
    assert (one["entry_count"], [e["certificate_serial"] for e in one["entries"]]) == (3, ["5", "6"])
    assert (two["in_force"], two["life_left_percent"], two["alternative_signature"]) == (False, 0, None)
    told = away("crl", "inspect", path, "--limit", "2")
    assert told.out.count("crl number") == 2
    assert "and 1 more" in told.err
    with odd_server(serving(first)) as url:
        assert [each["crl_number"] for each in away.done("crl", "inspect", url)] == [11]


def test_inspect_and_verify_of_one_place_with_several(cli: Cli, by: Signing, tmp_path: Path) -> None:
    path = tmp_path / "both.pem"
    path.write_text(to_pem(made(by, 1)) + to_pem(made(by, 2)))
    assert_refused(cli("crl", "verify", path), 2, "holds 2 lists", "crl inspect")


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
