"""`medtrust up`: everything in one process, in an order in which nobody is served before it is safe.

A killed process leaves nothing half-done: intentions are reconciled, the list is renewed, then doors open.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from mqtt_bridge.bridge import Bridge, control_settings
from mqtt_bridge.broker.choice import choose_broker
from mqtt_bridge.broker.config import BrokerPlan
from mqtt_bridge.broker.interface import Address, Broker
from mqtt_bridge.messages import Endpoint
from mqtt_bridge.problems import answer_to
from mqtt_bridge.requests import Requests
from registry import upkeep
from registry.model.actor import job
from registry.restoration import refuse_older
from service import clock, logs
from service.authority import Authority, log_origin, unlock
from service.broker_words import teller
from service.control import ControlServer
from service.effects import Effects
from service.endpoints import Endpoints, ready_text
from service.home import Home, make_private
from service.jobs import all_jobs
from service.listener import bindable, broker_files, owner_of
from service.outside import accept_outside, seen_outside
from service.own_signers import renewed
from service.process_lock import alone
from service.runtime import Runtime, open_runtime
from service.scheduler import Outcome, Scheduler
from service.status.ahead import SigningAhead
from service.status.server import StatusServer

_STARTED_BEFORE: Final = timedelta(0)
Tell = Callable[[str], None]


class Daemon:
    """The parts of a running registry; `start` opens the doors, `stop` closes them in the reverse order."""

    def __init__(
        self,
        runtime: Runtime,
        authority: Authority,
        *,
        log: Any,  # noqa: ANN401 - structlog's bound logger
        passphrase: bytes | None = None,
    ) -> None:
        self._runtime, self._authority, self._log = runtime, authority, log
        # To seal the keys of responders that grow old while we run; without it they wait for a start.
        self._passphrase = passphrase
        self._requests: Requests | None = None
        self._stops: list[Callable[[], None]] = []
        self.effects = Effects(
            home=runtime.home,
            ports=runtime.ports,
            signers=[ca.list_signer for ca in authority.cas],
            log=log,
            on_published=lambda: self.status.touch(),
        )
        self._ahead = SigningAhead(runtime, log)
        listen = runtime.settings.status_listen
        self.status = StatusServer(authority, runtime, listen, presigned=self._ahead.presigned)
        self.endpoints: Endpoints | None = None

    def start(self) -> Endpoints:
        """Reconcile, list, broker, bridge, status, jobs, control: in this order."""
        try:
            return self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self) -> Endpoints:
        ports = self._runtime.ports
        # 0 an older copy of the store would take back revocations: nobody is served from one
        refuse_older(seen_outside(self._runtime.home), ports=ports)
        # 1 whatever an earlier process intended and did not finish is over: we hold the lock alone
        upkeep.reconcile_intentions(job("start"), ports=ports, older_than=_STARTED_BEFORE)
        # 2 a list that is good now, before anybody is asked for a certificate
        self.effects.publish_now()
        # 3 the doors
        broker = self._start_broker()
        bridge = self._start_bridge(broker)
        self._stops.append(self.status.stop)
        status = self.status.start()
        self._stops.append(self._ahead.stop)
        self._ahead.start(self._authority)
        # 4 what is owed to the wire, and the jobs; a first run of each before we call ourselves ready
        self.effects.start(broker, bridge)
        self._stops.append(self.effects.stop)
        self._start_jobs()
        self._start_control()
        reached = broker.endpoints
        self.endpoints = Endpoints(reached.bootstrap, reached.ops, status, broker.kind)
        return self.endpoints

    def stop(self) -> None:
        """Every part, last one first; one that fails to stop does not keep the others."""
        while self._stops:
            stop = self._stops.pop()
            try:
                stop()
            except Exception as failed:  # noqa: BLE001 - the remaining parts must be stopped too
                self._log.error("stop.failed", error=type(failed).__name__, problem=str(failed))

    def _start_broker(self) -> Broker:
        settings, home = self._runtime.settings, self._runtime.home
        files = broker_files(self._runtime, self._authority)
        plan = BrokerPlan(
            directory=make_private(home.broker),
            bootstrap=bindable(settings.bootstrap),
            ops=bindable(settings.ops),
            control=bindable(Address("127.0.0.1", 0)),
            ca=files.ca,
            certificate=files.certificate,
            key=files.key,
            crl=files.crl,
        )
        broker = choose_broker(settings.broker, plan, entropy=clock.entropy, tell=teller(self._log))
        self._stops.append(broker.stop)
        broker.start()
        self._log.info("broker.started", broker=broker.kind, port=plan.ops.port)
        return broker

    def _start_bridge(self, broker: Broker) -> Bridge:
        reached = broker.endpoints
        control = control_settings(
            reached.control.host,
            reached.control.port,
            reached.control_username,
            reached.control_password,
            protocol="5" if broker.kind == "mosquitto" else "3.1.1",
        )
        self._requests = requests = Requests(
            ports=self._runtime.ports,
            parts=self._authority.parts,
            owner=owner_of(self._authority),
            ops=Endpoint(host=self._runtime.settings.server_names[0], port=reached.ops.port),
            report=self._request_failed,
        )
        bridge = Bridge(
            control, requests, ports=self._runtime.ports, log=self._log, on_effects=self.effects.wake
        )
        self._stops.append(bridge.stop)
        bridge.start()
        return bridge

    def _start_jobs(self) -> None:
        jobs = all_jobs(
            home=self._runtime.home,
            ports=self._runtime.ports,
            effects=self.effects,
            signers=self._authority.log_signers,
            origin=log_origin(self._authority.root),
            cas=tuple(ca.name for ca in self._authority.cas),
            renew_signers=None if self._passphrase is None else self._renew_signers,
        )
        scheduler = Scheduler(jobs, ports=self._runtime.ports, log=self._log)
        self._stops.append(scheduler.stop)
        scheduler.start()

    def _renew_signers(self) -> tuple[Outcome, str]:
        before = self._authority
        after = renewed(before, self._runtime, self._passphrase or b"", self._log)
        if after is before:
            return Outcome.DONE, "all signers are in the first third of their life"
        self._authority = after
        self.status.use(after)
        self._ahead.start(after)
        if self._requests is not None:
            self._requests.use(owner_of(after))
        return Outcome.DONE, "signers were made new"

    def _start_control(self) -> None:
        control = ControlServer(self._runtime.home, {"wake": self.effects.deliver, "status": self._describe})
        self._stops.append(control.stop)
        control.start()

    def _describe(self) -> dict[str, object]:
        said: dict[str, object] = {"pid": os.getpid(), "ready": self.endpoints is not None}
        if (e := self.endpoints) is None:
            return said
        return {
            **said,
            "broker": e.broker,
            "bootstrap": f"{e.bootstrap.host}:{e.bootstrap.port}",
            "ops": f"{e.ops.host}:{e.ops.port}",
            "status": f"http://{e.status.host}:{e.status.port}",
            "cas": [ca.name for ca in self._authority.cas],
        }

    def _request_failed(self, step: str, error: Exception) -> None:
        said = answer_to(error, rid="-", step=step)
        level = self._log.error if said.status >= 500 else self._log.info
        level(
            "request.refused",
            step=step,
            status=said.status,
            error=type(error).__name__,
            field=getattr(error, "field", ""),
        )


def run(home: Home, passphrase: bytes, tell: Tell, *, accept_older_store: bool = False) -> int:
    """Serves until SIGTERM or SIGINT; 0 after an orderly end."""
    home.require_initialised()
    with alone(home), open_runtime(home) as runtime:
        logs.configure(runtime.settings.log_level)
        log = logs.get("medtrust")
        authority = renewed(unlock(home, runtime.settings, passphrase), runtime, passphrase, log)
        if accept_older_store:
            accept_outside(runtime, tell)
        daemon = Daemon(runtime, authority, log=log, passphrase=passphrase)
        ended = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ended.set())
        tell(ready_text(daemon.start(), home.public / "root.pem"))
        try:
            ended.wait()
        finally:
            daemon.stop()
    return 0
