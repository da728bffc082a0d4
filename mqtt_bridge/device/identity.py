"""What a device must not forget: its keys, its certificate, how far an enrolment or renewal has come.

Keys and chain of one certificate make a generation, a directory of its own. `state.json` says which one
is active, so that replacing that one file is the whole switch.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from filelock import FileLock, Timeout
from msgspec import Meta, Struct

from mqtt_bridge.client_settings import TlsFiles
from mqtt_bridge.device import files
from mqtt_bridge.device.errors import NotEnrolled, StateBusy, StateUnusable
from mqtt_bridge.messages import DeviceId, Endpoint, Instant, Rid
from mqtt_bridge.octets import Octets, from_json, to_json
from pki.algorithms import KeyAlgorithm
from pki.keys import HybridPrivateKey
from pki.tbs import Certificate

Count = Annotated[int, Meta(ge=0)]


class Attempt(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A certificate asked for and not yet confirmed; a retry sends the very same bytes."""

    kind: Literal["enroll", "renew"]
    generation: Count
    rid: Rid
    session: str = ""
    """Of the bootstrap listener; empty in a renewal."""
    request: Octets | None = None
    """The enroll or renew payload, kept before it is first sent: ECDSA would sign it differently again."""
    activate_before: Instant | None = None
    """There once the chain is here."""
    confirm_rid: Rid | None = None
    confirm: Octets | None = None


class State(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of state.json."""

    v: Literal[1] = 1
    device_id: DeviceId
    protocol: Literal["5", "3.1.1"] = "3.1.1"
    """Of MQTT; everything of the contract works on both."""
    ops: Endpoint | None = None
    boot: Count = 0
    """Rises at each start, before anything is sent: (boot, seq) never repeats."""
    seq: Count = 0
    active: Count | None = None
    """The generation in use."""
    attempt: Attempt | None = None


_DECODER = msgspec.json.Decoder(State, dec_hook=from_json)
_ENCODER = msgspec.json.Encoder(enc_hook=to_json)


class Home:
    """The state directory of one device, held by one process at a time."""

    def __init__(self, path: Path) -> None:
        self.path = files.private_directory(path)
        self._lock = FileLock(self.path / "lock", mode=0o600)
        try:
            self._lock.acquire(timeout=0)
        except Timeout as busy:
            raise StateBusy(
                f"Another process uses {path}.", next_step="Stop it first.", field="state"
            ) from busy
        except OSError as bad:
            raise StateUnusable(f"{path} cannot be locked: {bad.strerror}.", field="state") from bad
        self._state = self._load()

    def close(self) -> None:
        """Lets another process in."""
        self._lock.release()

    def _load(self) -> State | None:
        path = self.path / "state.json"
        if not path.exists():
            return None
        try:
            return _DECODER.decode(files.read(path, "state"))
        except (msgspec.MsgspecError, UnicodeDecodeError) as bad:
            raise StateUnusable(
                f"{path} is not a state that this program wrote.",
                next_step="Restore it, or enroll into a new state directory.",
                field="state",
            ) from bad

    @property
    def state(self) -> State:
        """What is on the disk. Raises NotEnrolled where nothing is."""
        if self._state is None:
            raise NotEnrolled(
                f"{self.path} holds no device.", next_step="Run medtrust-device enroll.", field="state"
            )
        return self._state

    @property
    def is_new(self) -> bool:
        """Nothing was ever stored here."""
        return self._state is None

    def create(self, device_id: str, root_pem: bytes, *, protocol: Literal["5", "3.1.1"] = "3.1.1") -> None:
        """First contact: the name, and the root that is pinned from now on."""
        files.write(self.root_path, root_pem)
        self._write(State(device_id=device_id, protocol=protocol))

    def pin(self, root_pem: bytes) -> None:
        """Another root, as long as no certificate of the first one is here; what was begun is void."""
        if files.read(self.root_path, "root") == root_pem:
            return
        if self.state.attempt is not None:
            self.abandon()
        files.write(self.root_path, root_pem)

    def save(self, **changes: object) -> State:
        """The state with `changes`, on the disk when this returns."""
        return self._write(msgspec.structs.replace(self.state, **changes))

    def save_attempt(self, **changes: object) -> Attempt:
        """The same for the attempt inside the state."""
        attempt = msgspec.structs.replace(self.attempt, **changes)
        self.save(attempt=attempt)
        return attempt

    def _write(self, state: State) -> State:
        files.write(self.path / "state.json", _ENCODER.encode(state))
        self._state = state
        return state

    @property
    def root_path(self) -> Path:
        """The pinned root, PEM."""
        return self.path / "root.pem"

    @property
    def root(self) -> Certificate:
        """The pinned root."""
        return Certificate.parse(files.certificates_from_pem(files.read(self.root_path, "root"), "root")[0])

    @property
    def attempt(self) -> Attempt:
        """What is under way. Raises NotEnrolled where nothing is."""
        if self.state.attempt is None:
            raise NotEnrolled("No certificate is being asked for.", field="state")
        return self.state.attempt

    @property
    def active(self) -> int:
        """The generation in use. Raises NotEnrolled."""
        if self.state.active is None:
            raise NotEnrolled(
                f"{self.state.device_id} has no active certificate.",
                next_step="Run medtrust-device enroll.",
                field="state",
            )
        return self.state.active

    def begin(self, kind: Literal["enroll", "renew"], *, rid: str, session: str = "") -> Attempt:
        """A new attempt with new keys, both made here; keys first, so that no state names absent ones."""
        generation = max((int(each.name) for each in self.path.glob("[0-9]*")), default=-1) + 1
        room = files.private_directory(self._room(generation))
        key = HybridPrivateKey.generate(KeyAlgorithm.EC_P256, KeyAlgorithm.ML_DSA_65)
        files.write_key(room / "key.pem", key.classical)
        if key.alternative is not None:
            files.write_key(room / "alternative-key.pem", key.alternative)
        attempt = Attempt(kind=kind, generation=generation, rid=rid, session=session)
        self.save(attempt=attempt)
        return attempt

    def abandon(self) -> None:
        """The attempt came to nothing: forget it and its keys. A crash in between leaves only keys."""
        generation = self.attempt.generation
        self.save(attempt=None)
        shutil.rmtree(self._room(generation), ignore_errors=True)

    def activate(self) -> None:
        """The attempt's certificate is confirmed: one rename makes it ours, then the old keys go."""
        old = self.state.active
        self.save(active=self.attempt.generation, attempt=None)
        if old is not None:
            shutil.rmtree(self._room(old), ignore_errors=True)

    def key(self, generation: int) -> HybridPrivateKey:
        """Both private keys."""
        room = self._room(generation)
        return HybridPrivateKey(
            files.read_key(room / "key.pem"), files.read_key(room / "alternative-key.pem")
        )

    def store_chain(self, generation: int, chain: list[bytes]) -> None:
        """The device's certificate and its issuers, DER, the device's first."""
        files.write(self._room(generation) / "chain.pem", files.certificates_pem(chain))

    def certificate(self, generation: int) -> Certificate:
        """The device's certificate."""
        pem = files.read(self._room(generation) / "chain.pem", "chain")
        return Certificate.parse(files.certificates_from_pem(pem, "chain")[0])

    def tls(self, generation: int) -> TlsFiles:
        """What TLS needs: the pinned root, the chain, the classical key."""
        room = self._room(generation)
        return TlsFiles(self.root_path, room / "chain.pem", room / "key.pem")

    def _room(self, generation: int) -> Path:
        return self.path / str(generation)
