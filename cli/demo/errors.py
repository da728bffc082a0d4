"""What the demo itself can find wrong."""

from __future__ import annotations

from cli.errors import CliError


class NotOurs(CliError):
    """The folder to write to is somebody's, not a former demo's."""

    kind = "conflict"


class HospitalDown(CliError):
    """The hospital's process did not come up, or a command of it failed."""

    kind = "dependency"


class StoryBroken(CliError):
    """A chapter needs what an earlier one did not bring about."""

    kind = "failed"
