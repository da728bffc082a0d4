"""The thread of `medtrust up` that signs OCSP answers ahead, and the file that they are in."""

from __future__ import annotations

import threading
from typing import Any

from service.runtime import Runtime
from service.status.keys import StatusKeys
from service.status.presigned import Presigned, PresignedUnusable, presigned_folder
from service.status.presigner import forget_another_history, sign_ahead


class SigningAhead:
    """Nothing is signed ahead where the settings say so, or where the file cannot be used."""

    def __init__(self, runtime: Runtime, log: Any) -> None:  # noqa: ANN401 - structlog's bound logger
        self._runtime, self._log = runtime, log
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.presigned = self._open()
        """Where the answers are; None: each is signed when it is asked for."""

    def start(self, keys: StatusKeys) -> None:
        """Begin, or go on with signers that were made new."""
        self.stop()
        if self.presigned is None:
            return
        self._stopping = threading.Event()
        self._thread = threading.Thread(
            target=sign_ahead,
            args=(keys, self._runtime, self.presigned, self._stopping.wait, self._log),
            name="presigner",
            daemon=True,
        )
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread after the batch in hand. Idempotent."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _open(self) -> Presigned | None:
        if not self._runtime.settings.status.presign:
            return None
        try:
            presigned = Presigned(presigned_folder(self._runtime.home), writable=True)
            forget_another_history(presigned, self._runtime.ports)
            return presigned
        except PresignedUnusable as bad:
            self._log.error("presigned.unusable", problem=bad.problem)
            return None
