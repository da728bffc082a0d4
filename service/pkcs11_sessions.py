"""A session with a PKCS#11 token: one thread at a time, opened again after the token was gone.

One door to python-pkcs11, which is imported late. It initialises modules with C_Initialize(NULL), by which a
program promises never to be inside a module with two threads (PKCS#11 2.40, 5.4): SoftHSM then takes no locks
and crashes under threads. So one lock of this process stands before all modules. A wrong PIN is never tried
twice: tokens lock.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar

from service.errors import Kind, ServiceError
from service.passphrase import first_line

Result = TypeVar("Result")
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
    login: Any
    """The session that logged in: the login belongs to the process and ends with its last session."""
    born: int
    """Which initialisation of the modules it belongs to: handles of an older one may be another's now."""
    found: dict[bytes, Any] = field(default_factory=dict)


_ENTRY: Final = threading.RLock()
_initialised = 0
"""Counts initialisations of modules; changed under the lock only."""


class Sessions:
    """The way to one token; `run` lends its session to one thread at a time and mends the connection once."""

    def __init__(self, place: TokenPlace) -> None:
        self.place = place
        self._session: Session | None = None
        self._refused = b""
        """SHA-256 of the PIN that the token did not take: it is not tried again, for tokens lock."""

    def run(self, work: Callable[[Session], Result]) -> Result:
        """`work` in a session; once more after a new start of the module, where the token had gone."""
        with _ENTRY:
            try:
                return self._once(work)
            except TokenUnavailable:
                self._restart()
            return self._once(work)

    def close(self) -> None:
        """Logs out; the next `run` logs in again."""
        with _ENTRY:
            self._drop()

    def _once(self, work: Callable[[Session], Result]) -> Result:
        try:
            if self._session is None or self._session.born != _initialised:
                self._session = self._open()
            return work(self._session)
        except ServiceError:
            raise
        except Exception as failed:
            raise _told(failed, self.place) from failed

    def _open(self) -> Session:
        self._drop()
        token, pin = find_token(self.place), _pin(self.place)
        digest = hashlib.sha256(pin.encode()).digest()
        if digest == self._refused:
            raise _wrong_pin(self.place, "it was tried before")
        try:
            login = token.open(rw=True, user_pin=pin)
        except Exception as failed:
            if type(failed).__name__ in _WRONG_PIN:
                self._refused = digest
            raise
        return Session(token.open(rw=True), login, _initialised)

    def _restart(self) -> None:
        global _initialised
        self._drop()
        module = _module(self.place)
        _initialised += 1
        try:
            module.reinitialize()
        except Exception as failed:
            raise _told(failed, self.place) from failed

    def _drop(self) -> None:
        held, self._session = self._session, None
        if held is not None and held.born == _initialised:
            _close(held.raw)
            _close(held.login)


def _close(session: Any) -> None:  # noqa: ANN401 - python-pkcs11's sessions have no common type
    # A session of a token that is gone cannot be closed, and need not be.
    with suppress(Exception):
        session.close()


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


def find_token(place: TokenPlace) -> Any:  # noqa: ANN401 - as above
    """The token, without a login; TokenUnavailable where it is not there, or not alone."""
    with _ENTRY:
        module = _module(place)
        try:
            found = list(module.get_tokens(token_label=place.label))
        except Exception as failed:
            raise _told(failed, place) from failed
    if len(found) == 1:
        return found[0]
    what = "is not there" if not found else f"is there {len(found)} times"
    raise TokenUnavailable(
        f"The token {place.label!r} {what}.",
        next_step="Put it in, or correct ca.pkcs11.token.",
        field="ca.pkcs11.token",
    )


def _pin(place: TokenPlace) -> str:
    return first_line(place.pin_file, "PIN file").decode()


def _told(failed: Exception, place: TokenPlace) -> ServiceError:
    """A library's exception in our words."""
    name = type(failed).__name__
    if name in _WRONG_PIN:
        return _wrong_pin(place, name)
    if name in _NOT_GONE:
        return TokenRefused(f"The token {place.label!r} refuses: {name}.", field="ca.pkcs11")
    return TokenUnavailable(
        f"The token {place.label!r} does not answer ({name}).",
        next_step="Put it in, or look after its service; the next signature tries again.",
        field="ca.pkcs11",
    )


def _wrong_pin(place: TokenPlace, why: str) -> TokenRefused:
    return TokenRefused(
        f"The token {place.label!r} does not take the PIN ({why}).",
        next_step="Correct the PIN file before the next try: tokens lock after a few.",
        field="ca.pkcs11.pin_file",
    )
