"""`medtrust`: the commands by name; a command's module is imported only once it was chosen."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from cli.errors import guarded
from cli.words import examples

COMMANDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "demo": "The whole path on this machine, from label to revocation.",
        "init": "Create a new CA in the home folder.",
        "up": "Start the broker, the bridge, OCSP, lists and the jobs.",
        "status-server": "Serve OCSP, lists and CA certificates, and nothing else.",
        "status": "The whole registry on one screen; export and provision status.",
        "doctor": "Examine everything that must not fail.",
        "device": "Register, approve, hold, revoke and retire devices.",
        "token": "One-time join tokens for enrolment.",
        "cert": "Issue, show, verify, revoke and export certificates.",
        "verify": "Verify a certificate against a trust bundle, offline.",
        "crl": "Publish, show, check and fetch revocation lists.",
        "ocsp": "Ask OCSP responders for the status of certificates.",
        "ca": "Our CAs: ceremonies, rollover, chains and the trust bundle.",
        "profile": "Certificate profiles: list, show, check.",
        "udi": "Parse UDI labels.",
        "catalog": "Search the catalogue of device types.",
        "trust": "Trust tiers, their reasons, and reference values.",
        "audit": "List, verify and export the audit log.",
        "jobs": "Scheduled jobs and their heartbeats.",
        "alarm": "Open alarms.",
        "drill": "Play an emergency on a simulated fleet.",
        "oqs": "liboqs, an optional second opinion.",
        "schema": "JSON Schemas of the MQTT messages.",
        "settings": "Show the settings in force.",
    }
)
"""Name and line of each command; its module is cli.<name>, its Typer `app`."""
_MODULES: Final = {
    "schema": "cli.schemas",
    "demo": "cli.demo.command",
    "status-server": "cli.status_server",
}


class LazyGroup(TyperGroup):
    """Knows the names and lines of all commands, and the chosen command's module."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401, ARG002 - typer keeps this type private
        """Names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401, ARG002 - as above
        """The chosen command, imported now; None where there is none."""
        if cmd_name not in COMMANDS:
            return None
        if cmd_name not in self.commands:
            module = importlib.import_module(_MODULES.get(cmd_name, f"cli.{cmd_name}"))
            command = typer.main.get_command(module.app)
            command.name = cmd_name
            self.commands[cmd_name] = command
        return self.commands[cmd_name]

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401, ARG002 - as above
        """The table, without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - as above
        """As typer, but a misspelling is compared with every name and not only with what is loaded."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            ctx.fail(f"There is no command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=LazyGroup,
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples(
        "medtrust init --organization 'General Hospital'",
        "medtrust device register --udi '(01)09506000134352(21)SN1234' --mac 00:1b:44:11:3a:b7",
        "medtrust --home /srv/medtrust device list --json",
    ),
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        sys.stdout.write(f"medtrust {version('medtrust')}\n")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    home: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The home folder; else MEDTRUST_HOME, else ~/.medtrust."),
    ] = None,
    _shown: Annotated[
        bool, typer.Option("--version", help="The version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Medical device PKI and trust registry: from a box label to a certificate that is trusted and watched.

    Exit codes: 0 done, 1 failed, 2 usage, 3 refused by policy, 4 not found, 5 conflict, 6 a dependency is
    down. Each command that prints a table takes --json: one document on stdout, everything else on stderr.
    """
    ctx.obj = home


def run(arguments: Sequence[str]) -> int:
    """One command line to its exit code."""
    command = typer.main.get_command(app)
    asked = list(arguments)
    return guarded(
        lambda: command.main(args=asked, prog_name="medtrust", standalone_mode=False),
        as_json="--json" in asked,
    )


def main() -> None:
    """The console script."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
