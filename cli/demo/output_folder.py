"""demo-out/: made anew each time, and never over something that is not a former demo's."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

from cli.demo.errors import NotOurs
from service.home import write_atomically

MARKER: Final = ".medtrust-demo"
_WORDS: Final = b"Written by `medtrust demo`, which removes this folder before it writes it again.\n"


class OutputFolder:
    """Where the demo leaves what anybody may look at."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()

    def renew(self) -> None:
        """Empty, with our marker; NotOurs where the path holds anything else."""
        try:
            if self._holds_something():
                shutil.rmtree(self.path)
            self.path.mkdir(parents=True, exist_ok=True)
            self.path.chmod(0o755)
            self.write(MARKER, _WORDS)
        except OSError as bad:
            raise NotOurs(
                f"{self.path} cannot be made: {bad.strerror}.", next_step="Choose another.", field="--out"
            ) from bad

    def _holds_something(self) -> bool:
        if not os.path.lexists(self.path):
            return False
        plain = self.path.is_dir() and not self.path.is_symlink()
        if plain and not any(self.path.iterdir()):
            return False
        if not plain or not (self.path / MARKER).is_file():
            raise NotOurs(
                f"{self.path} is there and was not written by a demo.",
                next_step="Choose another folder: --out, or move it away.",
                field="--out",
            )
        return True

    def write(self, name: str, content: bytes) -> Path:
        """A file for everybody to read; its path."""
        path = self.path / name
        path.parent.mkdir(exist_ok=True)
        path.parent.chmod(0o755)  # a command in this process may have narrowed the umask
        write_atomically(path, content)
        return path
