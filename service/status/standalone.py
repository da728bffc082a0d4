"""`medtrust status-server`: status and nothing else, with the store open for reading and no CA's key.

A parent that holds the port, one child that signs ahead, and workers that answer. Responders that were made
new (by `medtrust up`, or by `medtrust status provision`) are taken over without a refused connection: new
children start on the same port before the old ones end.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from mqtt_bridge.broker.interface import Address
from service import logs
from service.authorities import FILE
from service.home import Home, make_private
from service.runtime import open_runtime
from service.settings import Settings
from service.status.keys import Responders, unlock_responders
from service.status.listening import address_of, open_listener
from service.status.presigned import Presigned, PresignedUnusable, presigned_folder
from service.status.presigner import forget_another_history, sign_ahead
from service.status.processes import ChildFailed, Children
from service.status.server import StatusServer

_LOOK_EVERY: Final = 0.5
_KEYS_EVERY: Final = 5.0
PRESIGNER: Final = "presigner"
WORKER: Final = "worker"


class Standalone:
    """The parent. `start` returns when all children are ready."""

    def __init__(self, home: Home, settings: Settings, passphrase: bytes, log: Any) -> None:  # noqa: ANN401
        self._home, self._settings, self._passphrase, self._log = home, settings, passphrase, log
        self._listener: socket.socket | None = None
        self._children = Children(log)
        self._seen = _marks(home)
        self._counts = make_private(home.run) / "status-metrics" / str(os.getpid())

    def start(self) -> Address:
        """Where status is served; typed errors for keys, store, port and disk, before any child is made."""
        keys = unlock_responders(self._home, self._settings, self._passphrase)
        with open_runtime(self._home, read_only=True) as runtime:  # it can be read, and has our schema
            if self._settings.status.presign:
                presigned = Presigned(presigned_folder(self._home), writable=True)
                forget_another_history(presigned, runtime.ports)
                presigned.close()
        self._listener = open_listener(self._settings.status_listen)
        _forget_counts(self._counts.parent)
        make_private(self._counts)
        self._spawn(keys)
        return address_of(self._listener)

    def serve(self, ended: threading.Event) -> None:
        """Until the event is set: children that die are replaced, keys that were made new taken over."""
        looked = time.monotonic()
        while not ended.wait(_LOOK_EVERY):
            try:
                self._children.replace_dead()
                if time.monotonic() - looked >= _KEYS_EVERY:
                    looked = time.monotonic()
                    self._take_over()
            except ChildFailed as failed:
                self._log.error("process.not_started", problem=failed.problem)

    def stop(self) -> None:
        """Ends all children, and lets go of the port."""
        self._children.end()
        if self._listener is not None:
            self._listener.close()

    def _take_over(self) -> None:
        marks = _marks(self._home)
        if marks == self._seen:
            return
        self._seen = marks
        try:
            keys = unlock_responders(self._home, self._settings, self._passphrase)
        except Exception as bad:  # noqa: BLE001 - half-written keys are whole at the next look
            self._log.error("signer.not_taken_over", error=type(bad).__name__)
            self._seen = ()
            return
        before = set(self._children.pids)
        try:
            self._spawn(keys)
        except ChildFailed:
            # Those with the former keys go on; who was started beside them would answer twice.
            self._children.end([pid for pid in self._children.pids if pid not in before])
            self._seen = ()
            raise
        self._children.give_up()
        self._children.end(list(before))
        self._log.info("signer.taken_over")

    def _spawn(self, keys: Responders) -> None:
        for _ in range(self._settings.status.workers):
            self._children.start(WORKER, lambda ended, ready: self._work(keys, ended, ready))
        if self._settings.status.presign:
            self._children.start(PRESIGNER, lambda ended, ready: self._presign(keys, ended, ready))

    def _work(self, keys: Responders, ended: threading.Event, ready: Callable[[], None]) -> None:
        if self._listener is None:
            return
        with open_runtime(self._home, read_only=True) as opened:
            runtime = replace(opened, settings=self._settings)
            signed = self._signed_ahead()
            server = StatusServer(keys, runtime, self._listener, presigned=signed, counts=self._counts)
            server.start()
            ready()
            try:
                ended.wait()
            finally:
                server.stop()

    def _signed_ahead(self) -> Presigned | None:
        if not self._settings.status.presign:
            return None
        try:
            return Presigned(presigned_folder(self._home), writable=False)
        except PresignedUnusable as bad:  # somebody removed it: the presigner makes it anew
            self._log.error("presigned.unusable", problem=bad.problem)
            return None

    def _presign(self, keys: Responders, ended: threading.Event, ready: Callable[[], None]) -> None:
        with suppress(OSError):  # a service manager may forbid it
            os.nice(10)  # who asks goes first
        with open_runtime(self._home, read_only=True) as opened:
            ready()
            runtime = replace(opened, settings=self._settings)
            presigned = Presigned(presigned_folder(self._home), writable=True)
            sign_ahead(keys, runtime, presigned, ended.wait, self._log)


def run(home: Home, settings: Settings, passphrase: bytes, tell: Callable[[str], None]) -> int:
    """Serves until SIGTERM or SIGINT; 0 after an orderly end."""
    logs.configure(settings.log_level)
    standalone = Standalone(home, settings, passphrase, logs.get("status"))
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        at = standalone.start()
        host = f"[{at.host}]" if ":" in at.host else at.host
        tell(f"status is served http://{host}:{at.port}")
        standalone.serve(ended)
    finally:
        standalone.stop()
    return 0


def _forget_counts(folder: Path) -> None:
    """What servers that are gone have counted; another one may run on this home."""
    for path in folder.iterdir() if folder.exists() else ():
        try:
            os.kill(int(path.name), 0)
        except (ValueError, ProcessLookupError):
            shutil.rmtree(path, ignore_errors=True)
        except PermissionError:
            continue


def _marks(home: Home) -> tuple[object, ...]:
    """What changes when responders or CAs do: names, sizes and times of what is opened."""
    found: list[object] = []
    for path in (
        home.root / FILE,
        *sorted(home.certificates.glob("*.pem")),
        *sorted(home.keys.glob("*ocsp*")),
    ):
        with suppress(OSError):
            stat = path.stat()
            found.append((path.name, stat.st_size, stat.st_mtime_ns))
    return tuple(found)
