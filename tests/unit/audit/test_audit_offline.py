from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from audit.offline import main
from tests.unit.audit.test_audit_verify import EXPORT, KEYS, ORIGIN, REMEMBERED, SIZE, exported, filled

VKEYS = ["--vkey", str(KEYS[0]), "--vkey", str(KEYS[1])]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return written(tmp_path / "export", EXPORT)


def written(folder: Path, files: dict[str, bytes]) -> Path:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def run(*arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    return main(list(arguments), out, err), out.getvalue(), err.getvalue()


def test_it_is_a_program_of_its_own(folder: Path) -> None:
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-m", "audit.offline", str(folder), *VKEYS, "--json"],
        capture_output=True,
        cwd=root,
        check=False,
        timeout=60,
    )
    assert done.stderr == b""
    told = json.loads(done.stdout)
    assert (done.returncode, told["origin"], told["size"], told["problems"]) == (0, ORIGIN, SIZE, [])


def test_it_says_that_everything_agrees(folder: Path, tmp_path: Path) -> None:
    note = tmp_path / "note"
    note.write_text(REMEMBERED[3], encoding="utf-8")
    code, out, err = run(str(folder), *VKEYS, "--remembered", str(note))
    assert (code, err) == (0, "")
    assert out.startswith(f"{ORIGIN}: {SIZE} entries, root ")
    assert out.endswith("Every entry, tile and signature agrees.\n")


def test_a_changed_entry_is_exit_1_and_names_the_rule(folder: Path) -> None:
    bundle = folder / "tile/entries/001.p/44"
    bundle.write_bytes(bundle.read_bytes().replace(b"device-000270", b"device-000271"))
    code, out, _ = run(str(folder), *VKEYS)
    assert code == 1
    assert "audit.leaf_hash_mismatch: Stored node 0/270" in out
    assert "agrees" not in out
    problems = json.loads(run(str(folder), *VKEYS, "--json")[1])["problems"]
    assert {"audit.leaf_hash_mismatch", "audit.root_mismatch"} <= {each["rule"] for each in problems}


def test_a_shortened_log_is_seen_by_the_note_that_was_kept(tmp_path: Path) -> None:
    note = tmp_path / "note"
    note.write_text(REMEMBERED[-1], encoding="utf-8")
    folder = written(tmp_path / "short", exported(filled(290)))
    assert run(str(folder), *VKEYS)[0] == 0
    code, out, _ = run(str(folder), *VKEYS, "--remembered", str(note))
    assert code == 1
    assert "audit.shorter_than_signed" in out


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (["--origin", "other.example"], 3),
        (["--vkey", "rubbish"], 2),
        (["--vkey", "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"], 3),
        (["--remembered", "no/such/file"], 4),
    ],
)
def test_other_refusals_have_their_own_exit_code_and_one_line(
    folder: Path, change: list[str], code: int
) -> None:
    got, out, err = run(str(folder), *VKEYS, *change)
    assert (got, out) == (code, "")
    assert err.count("\n") == 1


def test_no_export_at_all_is_not_found(tmp_path: Path) -> None:
    assert run(str(tmp_path), *VKEYS)[0] == 4


def test_a_checkpoint_of_any_bytes_is_a_usage_error(folder: Path) -> None:
    (folder / "checkpoint").write_bytes(b"\xff\xfe")
    assert run(str(folder), *VKEYS)[0] == 2
