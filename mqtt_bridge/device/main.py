"""medtrust-device: the reference device at the command line. Knows how to ask and how to print."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import threading

    from mqtt_bridge.device.device import Device
    from mqtt_bridge.messages import Notice

app = typer.Typer(
    help="Reference device: enrolls at a medtrust registry, tells its posture, renews its certificate.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
_EXIT = {"failed": 1, "usage": 2, "refused": 3, "not_found": 4, "conflict": 5, "dependency": 6}

StateDir = Annotated[Path, typer.Option("--state", help="State directory (made with mode 0700).")]
Timeout = Annotated[float, typer.Option(min=0.1, help="Seconds to wait for each answer.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


@contextmanager
def guarded() -> Iterator[None]:
    """Our errors become a sentence and an exit code; nothing becomes a traceback."""
    from mqtt_bridge.errors import BridgeError
    from pki.errors import PkiError

    try:
        yield
    except (BridgeError, PkiError) as bad:
        typer.echo(f"medtrust-device: {bad}", err=True)
        raise typer.Exit(_EXIT[bad.kind]) from bad


def _log(text: str, error: BaseException | None) -> None:
    typer.echo(f"{text} {error}" if error else text, err=True)


def _notice(notice: Notice) -> None:
    detail = f": {notice.detail}" if notice.detail else ""
    typer.echo(f"Notice from the registry, {notice.at}: {notice.kind}{detail}", err=True)


def _show(document: dict[str, object], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(document))
        return
    width = max(map(len, document))
    for name, value in document.items():
        typer.echo(f"{name:<{width}}  {value}")


def _certificate(device: Device) -> dict[str, object]:
    mine = device.certificate()
    return {
        "device_id": mine.device_id,
        "certificate_serial": mine.certificate_serial,
        "fingerprint": mine.fingerprint,
        "not_after": mine.not_after.isoformat(),
        "renew_at": mine.renew_at.isoformat(timespec="seconds"),
    }


def read_token(file: Path | None, fd: int | None) -> str:
    """The join token from a 0600 file, a file descriptor or a prompt. Raises WrongInput."""
    from mqtt_bridge.device.errors import WrongInput

    if file is not None and fd is not None:
        raise WrongInput("--token-file and --token-fd are both given.", next_step="Give one.", field="token")
    try:
        if file is not None:
            if stat.S_IMODE(file.stat().st_mode) & 0o077:
                raise WrongInput(
                    f"Others may read {file}.", next_step=f"Run: chmod 600 {file}", field="token"
                )
            token = file.read_text("utf-8")
        elif fd is not None:
            with os.fdopen(fd, "r", encoding="utf-8") as source:
                token = source.read(4096)
        else:
            token = typer.prompt("Join token", hide_input=True, err=True)
    except (OSError, UnicodeDecodeError) as bad:
        raise WrongInput(f"The token cannot be read: {bad}.", field="token") from bad
    if not token.strip():
        raise WrongInput("The token is empty.", field="token")
    return token.strip()


def read_address(text: str) -> tuple[str, int]:
    """host:port, [v6]:port. Raises WrongInput."""
    from mqtt_bridge.device.errors import WrongInput

    host, _, port = text.rpartition(":")
    if not host or not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
        raise WrongInput(
            f"{text[:80]!r} is not host:port.",
            next_step="Example: --bootstrap mqtt.example:8884",
            field="bootstrap",
        )
    return host.strip("[]"), int(port)


@app.command(
    epilog="Example: medtrust-device enroll --bootstrap mqtt.example:8884 --root root.pem --device-id pump-01"
)
def enroll(
    bootstrap: Annotated[str, typer.Option(help="host:port of the bootstrap listener.")],
    root: Annotated[Path, typer.Option(help="PEM of the root to pin.")],
    device_id: Annotated[str, typer.Option("--device-id", help="The name the registry expects.")],
    *,
    state: StateDir = Path("device-state"),
    token_file: Annotated[Path | None, typer.Option(help="File of mode 0600 with the join token.")] = None,
    token_fd: Annotated[int | None, typer.Option(help="File descriptor to read the token from.")] = None,
    timeout: Timeout = 10.0,
    mqtt5: Annotated[bool, typer.Option("--mqtt5", help="Speak MQTT 5, from now on; else 3.1.1.")] = False,
    as_json: AsJson = False,
) -> None:
    """Get a certificate with a join token (asked for, never an argument). Run it again to resume."""
    with guarded():
        from mqtt_bridge.device import files
        from mqtt_bridge.device.device import Device

        address = read_address(bootstrap)
        root_pem = files.read(root, "root")
        with Device(
            state,
            root_pem,
            log=_log,
            on_notice=_notice,
            timeout=timeout,
            protocol="5" if mqtt5 else "3.1.1",
        ) as device:
            token = read_token(token_file, token_fd) if device.needs_token else ""
            device.enroll(bootstrap=address, token=token, device_id=device_id)
            _show({"state": device.state, **_certificate(device)}, as_json)


@app.command(epilog="Example: medtrust-device run --state device-state --interval 10 --debug-port")
def run(
    *,
    state: StateDir = Path("device-state"),
    interval: Annotated[float, typer.Option(min=0.01, help="Seconds between messages.")] = 10.0,
    count: Annotated[int | None, typer.Option(min=1, help="End after so many messages.")] = None,
    posture: Annotated[Path | None, typer.Option(help="TOML or JSON file of claims.")] = None,
    firmware_sha256: Annotated[str | None, typer.Option(help="Pretend this firmware.")] = None,
    firmware_version: Annotated[str | None, typer.Option(help="Pretend this version.")] = None,
    debug_port: Annotated[bool | None, typer.Option(help="Pretend an open debug port.")] = None,
    secure_boot: Annotated[bool | None, typer.Option(help="Pretend secure boot on or off.")] = None,
    tamper: Annotated[bool | None, typer.Option(help="Pretend an opened case.")] = None,
    timeout: Timeout = 10.0,
    as_json: AsJson = False,
) -> None:
    """Stay connected and tell the posture; renew in time. Exit code 3: the broker lets us in no more."""
    with guarded():
        import threading

        from mqtt_bridge.device import session, telemetry
        from mqtt_bridge.device.device import Device, utc_now

        firmware = {"sha256": firmware_sha256, "ver": firmware_version}
        changes: dict[str, object] = {
            "fw": {name: value for name, value in firmware.items() if value is not None} or None,
            "dbg": debug_port,
            "secure_boot": secure_boot,
            "tamper": tamper,
        }
        base = telemetry.read_posture(posture) if posture else telemetry.Posture()
        told = telemetry.with_changes(base, {name: v for name, v in changes.items() if v is not None})
        stop = threading.Event()
        _stop_on_signals(stop)
        with Device(state, log=_log, on_notice=_notice, timeout=timeout) as device:
            device.posture = told
            sent = session.run(device, session.Life(interval, count, utc_now, _log), stop)
            _show({"sent": sent, **_certificate(device)}, as_json)


@app.command(epilog="Example: medtrust-device renew --state device-state")
def renew(
    *, state: StateDir = Path("device-state"), timeout: Timeout = 10.0, as_json: AsJson = False
) -> None:
    """Get a new certificate for new keys now, under the current one."""
    with guarded():
        from mqtt_bridge.device.device import Device

        with Device(state, log=_log, on_notice=_notice, timeout=timeout) as device:
            device.connect()
            device.renew()
            _show({"state": device.state, **_certificate(device)}, as_json)


@app.command(epilog="Example: medtrust-device status --state device-state --json")
def status(*, state: StateDir = Path("device-state"), as_json: AsJson = False) -> None:
    """Show what this device holds, without connecting."""
    with guarded():
        from mqtt_bridge.device.device import Device
        from mqtt_bridge.device.errors import NotEnrolled

        if not state.is_dir():
            raise NotEnrolled(f"{state} does not exist.", next_step="Run medtrust-device enroll.")
        with Device(state) as device:
            held = _certificate(device) if device.state in ("active", "renewing") else {}
            _show({"state": device.state, **held}, as_json)


def _stop_on_signals(stop: threading.Event) -> None:
    import signal

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())


def main() -> None:
    """The entry point; the last guard."""
    try:
        app()
    except Exception as fault:  # noqa: BLE001  # whatever it is, people get a sentence
        typer.echo(f"medtrust-device: internal fault ({type(fault).__name__}): {fault}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
