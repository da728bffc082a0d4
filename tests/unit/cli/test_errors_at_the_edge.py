"""Every package's base error becomes words and an exit code; nothing leaves as a traceback."""

import errno
import json
from collections.abc import Callable

import pytest
import typer

import audit.errors
import cli.errors
import mqtt_bridge.device.errors
import mqtt_bridge.errors
import pki.errors
import registry.model.errors
import service.errors
from cli.errors import EXIT_CODES, guarded

_BASES = [
    audit.errors.AuditError,
    cli.errors.CliError,
    mqtt_bridge.device.errors.BridgeError,
    mqtt_bridge.errors.BridgeError,
    pki.errors.PkiError,
    registry.model.errors.RegistryError,
    service.errors.ServiceError,
]


def _raising(problem: BaseException) -> Callable[[], None]:
    def work() -> None:
        raise problem

    return work


@pytest.mark.parametrize("kind", EXIT_CODES)
@pytest.mark.parametrize("base", _BASES, ids=lambda base: base.__module__)
def test_each_kind_of_each_package_has_its_exit_code(
    base: type[Exception], kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    special = type("Special", (base,), {"kind": kind})

    assert (
        guarded(_raising(special("It is wrong.", next_step="Do so.", field="a.b")), as_json=False)
        == EXIT_CODES[kind]
    )
    assert capsys.readouterr().err == "error: It is wrong.\nfield: a.b\nnext: Do so.\n"


def test_errors_are_one_json_document_where_json_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    problem = registry.model.errors.NotFound("No such.", next_step="Look.", field="device_id")

    assert guarded(_raising(problem), as_json=True) == 4
    told = json.loads(capsys.readouterr().err)
    assert told == {
        "error": {"kind": "not_found", "problem": "No such.", "field": "device_id", "next_step": "Look."}
    }


def test_what_nobody_expected_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MEDTRUST_DEBUG", raising=False)

    assert guarded(_raising(ZeroDivisionError("secret text")), as_json=False) == 1
    told = capsys.readouterr().err
    assert told.startswith("error: internal error ZeroDivisionError, please report.\n")
    assert "secret text" not in told
    assert "Traceback" not in told


def test_debugging_shows_where_it_happened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDTRUST_DEBUG", "1")

    with pytest.raises(ZeroDivisionError):
        guarded(_raising(ZeroDivisionError()), as_json=False)


def test_a_file_that_cannot_be_used_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(_raising(PermissionError(13, "Permission denied", "/x/y")), as_json=False) == 1
    assert capsys.readouterr().err.startswith("error: /x/y: Permission denied.\n")


@pytest.mark.parametrize("problem", [KeyboardInterrupt(), typer.Abort()])
def test_an_interruption_is_130_and_silent(
    problem: BaseException, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guarded(_raising(problem), as_json=False) == 130
    assert capsys.readouterr().err == ""


def test_control_characters_of_a_device_never_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    guarded(_raising(cli.errors.CliError("bad \x1b[2J\nname‮", field="f\r")), as_json=False)

    assert capsys.readouterr().err == "error: bad ?[2J name?\nfield: f?\n"


def test_a_closed_standard_output_is_said_before_anything_is_done(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    monkeypatch.setattr("sys.stdout", None)

    assert guarded(lambda: done.append("work"), as_json=False) == 1
    assert not done
    assert "Standard output is closed." in capsys.readouterr().err


def test_a_full_disk_under_standard_output_is_no_internal_error(capsys: pytest.CaptureFixture[str]) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")

    assert guarded(_raising(full), as_json=False) == 1
    assert capsys.readouterr().err.startswith("error: No space left on device.\n")
