"""The reference device as a library: enroll, connect, tell, renew. A vendor's client does the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Literal

from mqtt_bridge import topics
from mqtt_bridge.client import MqttClient
from mqtt_bridge.client_settings import ClientSettings, Log, TlsFiles
from mqtt_bridge.device import enroll, renew, telemetry
from mqtt_bridge.device.dialogue import Dialogue, LinkFactory, Mailbox
from mqtt_bridge.device.errors import Rejected, WrongInput
from mqtt_bridge.device.files import certificates_from_pem
from mqtt_bridge.device.identity import Home
from mqtt_bridge.device.live import LiveSession, Loss
from mqtt_bridge.errors import BridgeError, BrokerRefused
from mqtt_bridge.messages import Notice
from pki.tbs import Certificate

_NONCE_EXPIRED = 410


def utc_now() -> datetime:
    """The device's clock; everything below takes the time as an argument."""
    return datetime.now(UTC)


def _silent(_text: str, _error: BaseException | None) -> None:
    """A log for those who want none."""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """The certificate in use."""

    device_id: str
    certificate_serial: str
    """Hexadecimal."""
    fingerprint: str
    not_before: datetime
    not_after: datetime
    renew_at: datetime


class Device:
    """One device and its state directory. Reconnecting after a loss is the caller's (session.run does it)."""

    def __init__(
        self,
        state_dir: Path,
        root_pem: bytes | None = None,
        *,
        link_factory: LinkFactory = MqttClient,
        clock: Callable[[], datetime] = utc_now,
        log: Log = _silent,
        on_notice: Callable[[Notice], None] = lambda _: None,
        timeout: float = 10.0,
        protocol: Literal["5", "3.1.1"] = "3.1.1",
    ) -> None:
        self._home = Home(state_dir)
        self._root_pem = root_pem
        self._make_link = link_factory
        self._clock = clock
        self._log = log
        self._timeout = timeout
        self._protocol = protocol
        self._mailbox = Mailbox(on_notice)
        self._live = LiveSession(
            self._home, self._mailbox, link_factory=link_factory, clock=clock, log=log, timeout=timeout
        )
        self.posture = telemetry.Posture()

    def __enter__(self) -> Device:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def is_connected(self) -> bool:
        """Whether the live session on ops stands, as far as we know."""
        return self._live.is_ready

    @property
    def on_disconnected(self) -> Loss:
        """Tells when and why the session ended without us."""
        return self._live.loss

    @property
    def needs_token(self) -> bool:
        """False where an enrolment is under way whose request is already written."""
        return self._home.is_new or self._home.state.attempt is None or not self._home.attempt.request

    @property
    def state(self) -> str:
        """new, enrolling, issued (not confirmed), active or renewing."""
        if self._home.is_new:
            return "new"
        attempt, active = self._home.state.attempt, self._home.state.active
        if attempt is not None and attempt.activate_before is not None:
            return "issued"
        if attempt is not None:
            return "enrolling" if active is None else "renewing"
        return "new" if active is None else "active"

    def certificate(self) -> Enrolled:
        """The active certificate. Raises NotEnrolled."""
        active = self._home.certificate(self._home.active)
        return Enrolled(
            self._home.state.device_id,
            f"{active.serial:x}",
            active.fingerprint.hex(),
            active.not_before,
            active.not_after,
            renew.due_at(active),
        )

    def enroll(self, *, bootstrap: tuple[str, int], token: str, device_id: str) -> Enrolled:
        """From nothing, or from wherever an earlier call ended, to an active certificate and a live session.

        Raises Rejected, AwaitingApproval, OwnerNotProven, AlreadyEnrolled, BrokerUnreachable, NoAnswer.
        """
        if self._root_pem is None:
            raise WrongInput("No root is pinned.", next_step="Give the root's PEM file.", field="root")
        Certificate.parse(certificates_from_pem(self._root_pem, "root")[0])
        try:
            self._ask(bootstrap, token, device_id)
        except Rejected as no:
            if no.problem_details.status != _NONCE_EXPIRED or not token:
                raise
            self._ask(bootstrap, token, device_id)  # a dialogue resumed too late: once more from hello
        self.connect()
        return self.certificate()

    def _ask(self, bootstrap: tuple[str, int], token: str, device_id: str) -> None:
        attempt = enroll.prepare(
            self._home,
            device_id=device_id,
            root_pem=self._root_pem or b"",
            now=self._clock(),
            protocol=self._protocol,
        )
        if attempt.activate_before is None:
            self._bootstrap(bootstrap, token)

    def _bootstrap(self, where: tuple[str, int], token: str) -> None:
        device_id, session = self._home.state.device_id, self._home.attempt.session
        settings = ClientSettings(
            host=where[0],
            port=where[1],
            client_id=session,
            protocol=self._home.state.protocol,
            username=device_id,
            tls=TlsFiles(self._home.root_path),
        )
        link = self._make_link(settings, log=self._log, on_message=self._mailbox.received)
        try:
            link.connect(self._timeout)
            link.subscribe([topics.bootstrap_down(device_id, session)], self._timeout)
            dialogue = Dialogue(link, self._mailbox, timeout=self._timeout)
            enroll.ask_for_certificate(self._home, dialogue, token=token, clock=self._clock)
        finally:
            link.disconnect()

    def connect(self) -> None:
        """The live session on ops; a new certificate is confirmed by its first use. Raises BrokerRefused."""
        self._live.hang_up()
        enroll.forget_void(self._home, self._clock())
        attempt = self._home.state.attempt
        if attempt is None or attempt.activate_before is None:
            self._live.open(self._home.active)
            return
        try:
            self._live.open(attempt.generation)
            enroll.confirm(self._home, self._live.dialogue())
        except BridgeError as failed:
            self._live.hang_up()
            if self._home.state.active is None or not isinstance(failed, BrokerRefused | Rejected):
                raise
            self._log("The new certificate is not accepted; the old one stays in use.", failed)
            self._live.open(self._home.active)

    def publish_telemetry(self, **posture: object) -> int:
        """One message of the posture with the claims given replaced; its seq. Waits for the broker."""
        return self._live.tell(telemetry.with_changes(self.posture, posture))

    def renew(self) -> Enrolled:
        """New keys and a new certificate under the current one, confirmed over a new session."""
        renew.ask_for_renewal(self._home, self._live.dialogue(), self._clock())
        self.connect()
        return self.certificate()

    def close(self) -> None:
        """Says goodbye; the state directory is free again. Harmless when repeated."""
        self._live.goodbye()
        self._home.close()
