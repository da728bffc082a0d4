"""Sessions with a PKCS#11 token: shared by threads, opened again after the token was gone.

One door to python-pkcs11. Finalizing a module under a thread that is inside it would be its end, so a
reconnection waits until every session has come back. A wrong PIN is never tried twice: tokens lock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar

from service.errors import Kind, ServiceError
from service.home import read_secret

Result = TypeVar("Result")
_MOST_SESSIONS: Final = 8
_WRONG_PIN: Final = ("PinIncorrect", "PinInvalid", "PinLenRange", "PinLocked", "PinExpired")
_NOT_GONE: Final = (
    *_WRONG_PIN,
    "MultipleObjectsReturned",
    "MechanismInvalid",
    "TokenWriteProtected",
)


class TokenUnavailable(ServiceError):
    """The token, its module or python-pkcs11 is not there."""

    kind: ClassVar[Kind] = "dependency"
    born: int = -1
    """The connection that failed, where there was one."""


class TokenRefused(ServiceError):
    """The token is there and says no: the PIN, a missing key, something that it must not give away."""

    kind: ClassVar[Kind] = "refused"


@dataclass(frozen=True, slots=True)
class TokenPlace:
    """[ca.pkcs11]: which module speaks with the token, which token it is, and where its PIN lies."""

    module: Path
    label: str
    pin_file: Path


@dataclass(slots=True)
class Session:
    """An open session and the key objects that were found in it."""

    raw: Any
    born: int
    """Which connection it belongs to."""
    found: dict[bytes, Any] = field(default_factory=dict)


class Sessions:
    """A pool; `run` lends a session to one thread at a time and mends the connection once."""

    def __init__(self, place: TokenPlace) -> None:
        self.place = place
        self._changed = threading.Condition()
        self._idle: list[Session] = []
        self._busy = 0
        self._born = 0
        self._token: Any = None
        self._login: Any = None
        """Keeps the login alive: it belongs to the process and ends with its last session."""

    def run(self, work: Callable[[Session], Result]) -> Result:
        """`work` in a session; once more after a reconnection where the token had gone."""
        try:
            return self._once(work)
        except TokenUnavailable as gone:
            self._reconnect(gone.born)
        return self._once(work)

    def close(self) -> None:
        """Ends all sessions; the next `run` opens new ones."""
        with self._changed:
            self._changed.wait_for(lambda: self._busy == 0)
            self._drop()

    def _once(self, work: Callable[[Session], Result]) -> Result:
        session, usable = self._take(), False
        try:
            result = work(session)
            usable = True
        except ServiceError:
            usable = True
            raise
        except Exception as failed:
            raise self._told(failed) from failed
        finally:
            self._give_back(session, usable=usable)
        return result

    def _take(self) -> Session:
        with self._changed:
            self._changed.wait_for(lambda: bool(self._idle) or self._busy < _MOST_SESSIONS)
            self._busy += 1
            try:
                return self._idle.pop() if self._idle else self._open()
            except BaseException:
                self._busy -= 1
                self._changed.notify_all()
                raise

    def _give_back(self, session: Session, *, usable: bool) -> None:
        with self._changed:
            self._busy -= 1
            if usable and session.born == self._born:
                self._idle.append(session)
            self._changed.notify_all()

    def _open(self) -> Session:
        try:
            if self._login is None:
                self._token = _token(_module(self.place), self.place)
                self._login = self._token.open(rw=True, user_pin=_pin(self.place))
            return Session(self._token.open(rw=True), self._born)
        except TokenUnavailable as gone:
            gone.born = self._born
            raise
        except ServiceError:
            raise
        except Exception as failed:
            raise self._told(failed) from failed

    def _told(self, failed: Exception) -> ServiceError:
        told = _told(failed, self.place)
        if isinstance(told, TokenUnavailable):
            told.born = self._born
        return told

    def _reconnect(self, born: int) -> None:
        with self._changed:
            if born != self._born:
                return  # another thread did it
            # Nobody new gets in while we hold the lock between the waits; those inside finish or fail.
            self._changed.wait_for(lambda: self._busy == 0)
            if born != self._born:
                return
            self._drop()
            module = _module(self.place)
            try:
                module.reinitialize()
            except Exception as failed:
                raise _told(failed, self.place) from failed

    def _drop(self) -> None:
        self._born += 1
        for session in [*(each.raw for each in self._idle), self._login]:
            _close(session)
        self._idle.clear()
        self._token = self._login = None


def _close(session: Any) -> None:  # noqa: ANN401 - python-pkcs11's sessions have no common type
    try:
        if session is not None:
            session.close()
    except Exception:  # noqa: BLE001, S110 - a session of a token that is gone cannot be closed
        pass


def _module(place: TokenPlace) -> Any:  # noqa: ANN401 - as above
    if find_spec("pkcs11") is None:
        raise TokenUnavailable(
            "python-pkcs11 is not installed: keys in a token cannot be used.",
            next_step="pip install 'medtrust[hsm]'",
            field="ca.pkcs11",
        )
    import pkcs11

    try:
        return pkcs11.lib(str(place.module))
    except Exception as bad:
        raise TokenUnavailable(
            f"The PKCS#11 module {place.module} cannot be loaded: {bad}.",
            next_step="Set ca.pkcs11.module to the module of your token's maker, such as libsofthsm2.so.",
            field="ca.pkcs11.module",
        ) from bad


def _token(module: Any, place: TokenPlace) -> Any:  # noqa: ANN401 - as above
    found = list(module.get_tokens(token_label=place.label))
    if len(found) == 1:
        return found[0]
    what = "is not there" if not found else f"is there {len(found)} times"
    raise TokenUnavailable(
        f"The token {place.label!r} {what}.",
        next_step="Put it in, or correct ca.pkcs11.token.",
        field="ca.pkcs11.token",
    )


def _pin(place: TokenPlace) -> str:
    return read_secret(place.pin_file, what="PIN file").split(b"\n", 1)[0].rstrip(b"\r").decode()


def _told(failed: Exception, place: TokenPlace) -> ServiceError:
    """A library's exception in our words."""
    name = type(failed).__name__
    if name in _WRONG_PIN:
        return TokenRefused(
            f"The token {place.label!r} does not take the PIN ({name}).",
            next_step="Correct the PIN file before the next try: tokens lock after a few.",
            field="ca.pkcs11.pin_file",
        )
    if name in _NOT_GONE:
        return TokenRefused(f"The token {place.label!r} refuses: {name}.", field="ca.pkcs11")
    return TokenUnavailable(
        f"The token {place.label!r} does not answer ({name}).",
        next_step="Put it in, or look after its service; the next signature tries again.",
        field="ca.pkcs11",
    )
