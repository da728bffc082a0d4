"""The one edge where errors become words on stderr and an exit code; no traceback ever leaves it.

Every package's base error has the same shape (kind, problem, next_step, field): that shape is what is
translated, so no package is imported before its command was chosen.
"""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import ClassVar, Final, Literal, Protocol, TypeGuard

import typer
from typer.exceptions import TyperException

from cli.words import clean

Kind = Literal["failed", "usage", "refused", "not_found", "conflict", "dependency"]

EXIT_CODES: Final[Mapping[str, int]] = MappingProxyType(
    {"failed": 1, "usage": 2, "refused": 3, "not_found": 4, "conflict": 5, "dependency": 6}
)
INTERRUPTED: Final = 130


class CliError(Exception):
    """What the command line itself finds wrong with what was asked."""

    kind: ClassVar[Kind] = "usage"

    def __init__(self, problem: str, *, next_step: str = "", field: str = "") -> None:
        self.problem = problem
        self.next_step = next_step
        self.field = field
        super().__init__(f"{problem} {next_step}".strip())


class NotConfirmed(CliError):
    """A person had to say yes and did not, or was not there to be asked."""

    kind = "refused"


class Missing(CliError):
    """What was asked for is not there."""

    kind = "not_found"


class PartMissing(CliError):
    """A part of the product is not installed or not running."""

    kind = "dependency"


class Translatable(Protocol):
    """The shape of every package's base error."""

    kind: ClassVar[Kind]
    problem: str
    next_step: str
    field: str


def guarded(work: Callable[[], object], *, as_json: bool) -> int:
    """Runs a command and gives its exit code; whatever goes wrong is told on stderr."""
    if sys.stdout is None:  # the caller closed it: say so before anything is done
        _write("failed", "Standard output is closed.", "Send it to /dev/null instead.", "", as_json=as_json)
        return EXIT_CODES["failed"]
    try:
        outcome = work()
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except typer.Abort:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader went away; the interpreter's own flush at exit must not complain again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_CODES["failed"]
    except TyperException as wrong:
        return _tell_usage(wrong, as_json=as_json)
    except Exception as problem:  # noqa: BLE001 - the last edge: nothing may leave it as a traceback
        return _tell(problem, as_json=as_json)
    return outcome if isinstance(outcome, int) else 0


def _tell_usage(wrong: TyperException, *, as_json: bool) -> int:
    message = wrong.format_message()
    if message.startswith("Usage:"):
        # Nothing was asked for: typer's message is then the whole help.
        sys.stderr.write(message + "\n")
        return EXIT_CODES["usage"]
    context = getattr(wrong, "ctx", None)
    next_step = f"{context.command_path} --help" if context is not None else ""
    parameter = getattr(wrong, "param", None)
    field = parameter.name if parameter is not None and parameter.name else ""
    _write("usage", message, next_step, field, as_json=as_json)
    return EXIT_CODES["usage"]


def _tell(problem: Exception, *, as_json: bool) -> int:
    if _is_ours(problem):
        _write(problem.kind, problem.problem, problem.next_step, problem.field, as_json=as_json)
        return EXIT_CODES[problem.kind]
    if os.environ.get("MEDTRUST_DEBUG") == "1":
        raise problem
    if isinstance(problem, OSError) and problem.filename is not None:
        said = f"{problem.filename}: {problem.strerror}."
        _write("failed", said, "Check the path and who may use it.", "", as_json=as_json)
        return EXIT_CODES["failed"]
    if isinstance(problem, OSError) and problem.errno == errno.ENOSPC:
        _write("failed", f"{problem.strerror}.", "Make room where the output goes.", "", as_json=as_json)
        return EXIT_CODES["failed"]
    said = f"internal error {type(problem).__name__}, please report."
    _write("failed", said, "MEDTRUST_DEBUG=1 shows where it happened.", "", as_json=as_json)
    return EXIT_CODES["failed"]


def _is_ours(problem: object) -> TypeGuard[Translatable]:
    return getattr(problem, "kind", None) in EXIT_CODES and hasattr(problem, "problem")


def _write(kind: str, problem: str, next_step: str, field: str, *, as_json: bool) -> None:
    if as_json:
        said = {"error": {"kind": kind, "problem": problem, "field": field, "next_step": next_step}}
        sys.stderr.write(json.dumps(said) + "\n")
        return
    lines = (("error", problem), ("field", field), ("next", next_step))
    sys.stderr.writelines(f"{name}: {clean(text)}\n" for name, text in lines if text)
