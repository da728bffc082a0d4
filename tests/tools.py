"""Outside programs that tests need: skipped with a reason where absent, a failure in CI."""

from __future__ import annotations

import os
import shutil

import pytest

_ALSO_LOOK_IN = "/usr/sbin:/usr/local/sbin:/sbin"


def require_tool(name: str, what: str) -> str:
    """The path of program `name`; `what` says what it is for. Skips without it, fails under CI."""
    found = shutil.which(name) or shutil.which(name, path=_ALSO_LOOK_IN)
    if found:
        return found
    reason = f"{name} is not installed: {what}"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
