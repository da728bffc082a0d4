"""Run as a script: ties itself to its parent's life (Linux only), then becomes the program given.

Arguments: the parent's pid, the program, its arguments. A mosquitto that outlived us would go on
accepting devices with a CRL that nobody renews.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Never returns: the process is replaced, or ends when the parent is already gone."""
    parent, program, *rest = arguments
    if sys.platform == "linux":
        # After any change of user: the kernel clears the setting then (prctl(2)).
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != int(parent):
        sys.exit(1)
    os.execv(program, [program, *rest])  # noqa: S606  # the path comes from our own search


if __name__ == "__main__":
    main(sys.argv[1:])
