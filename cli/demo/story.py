"""The story from the box label to the revocation: chapters in order, and nothing left running afterwards."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from types import FrameType
from typing import Final

from rich.console import Console

from cli.demo import closing, opening, trials
from cli.demo.hospital import Hospital
from cli.demo.output_folder import OutputFolder
from cli.demo.report import Report, looked
from cli.demo.stage import Stage
from cli.demo.witnesses import OpenSsl
from service.settings import BrokerKind


@dataclass(frozen=True, slots=True)
class Chapter:
    """A part of the story."""

    title: str
    act: Callable[[Stage], None]
    vital: bool = False
    """Nothing after it makes sense without it."""


CHAPTERS: Final = (
    Chapter("A hospital is initialised", opening.initialise, vital=True),
    Chapter("Three devices are registered from their labels", opening.register, vital=True),
    Chapter("Each enrols over MQTT", opening.join, vital=True),
    Chapter("Telemetry earns trust", opening.report_in),
    Chapter("Altered firmware: one evidence, two answers", trials.tamper),
    Chapter("A person revokes the infusion pump", trials.revoke),
    Chapter("The ventilator renews its certificate", trials.renew),
    Chapter("A device tries to be another", trials.steal),
    Chapter("The audit log proves it", closing.prove),
    Chapter("The doctor looks", closing.examine),
)
_LAST: Final = Chapter("What is left to look at", closing.leave)


def play(out: Path, broker: BrokerKind, console: Console) -> bool:
    """Plays it into `out`; whether every step holds. NotOurs before anything is done."""
    folder = OutputFolder(out)
    folder.renew()
    report = Report(console)
    try:
        with _told_to_end() as is_over, ExitStack() as opened:
            log = folder.write("medtrust.log", b"")
            hospital = opened.enter_context(Hospital(log, broker))
            openssl = OpenSsl(hospital, hospital.room("openssl"))
            stage = Stage(report, hospital, folder, openssl, opened, opening.ward())
            _tell(stage, is_over)
    finally:
        folder.write("demo.json", report.document())
    report.close(str(out))
    return report.ok


def _tell(stage: Stage, is_over: Event) -> None:
    for chapter in CHAPTERS:
        if not _told(chapter, stage) and chapter.vital:
            break
        _stop_if(is_over)
    _told(_LAST, stage)
    _stop_if(is_over)
    stage.report.finish()


def _stop_if(is_over: Event) -> None:
    # An interrupt that came inside a destructor or a callback was only printed there.
    if is_over.is_set():
        raise KeyboardInterrupt


def _told(chapter: Chapter, stage: Stage) -> bool:
    stage.report.chapter(chapter.title)
    try:
        chapter.act(stage)
    except Exception as broken:  # noqa: BLE001 - the story goes on, and says which part of it failed
        said = f"{type(broken).__name__}: {broken}"
        stage.report.check(f"{chapter.title}: told to its end", looked(False, said, "medtrust demo"))
        return False
    return True


@contextmanager
def _told_to_end() -> Iterator[Event]:
    """Ctrl-C and SIGTERM end the story, for the hospital must not outlive it; the event remembers them."""
    is_over = Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        is_over.set()
        raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield is_over
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
