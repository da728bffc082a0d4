"""The one door to liboqs-python: what is here of it, and its mechanisms.

Importing `oqs` without its native library prints, sleeps, clones, builds and raises SystemExit. So nothing
is imported before the library that the wrapper would load has been loaded here. Not handled: installing it.
"""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import importlib
import io
import os
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from pki.errors import AlgorithmUnavailable
from pki.providers.interface import KeyAlgorithm

_WRAPPER: Final = "liboqs-python"
_REMEDY: Final = (
    "Install your distribution's liboqs package, or run `medtrust oqs install`; "
    "a library elsewhere is found by OQS_INSTALL_PATH."
)


@dataclass(frozen=True, slots=True)
class OqsStatus:
    """What of liboqs is here."""

    wrapper: str | None
    """The version of liboqs-python, from its metadata: it is not imported for that."""
    native: str | None
    """The shared library as it was loaded: a path, or a name that the system's loader knows."""
    mechanisms: tuple[str, ...]
    """Enabled signature mechanisms in liboqs' own spelling."""
    remedy: str = ""
    """What to do about what is missing; empty where nothing is."""

    @property
    def sentence(self) -> str:
        """For people."""
        if self.wrapper is None:
            return "wrapper absent"
        if self.native is None:
            return "wrapper present, native library absent"
        if not self.mechanisms:
            return "wrapper and native library present, but they do not work together"
        return (
            f"wrapper {self.wrapper} and native library present, {len(self.mechanisms)} signature mechanisms"
        )


def status() -> OqsStatus:
    """What is here, now; never raises, prints, waits or installs."""
    wrapper, native = _wrapper_version(), _native_library()
    if wrapper is None:
        return OqsStatus(None, native, (), "Install medtrust's locked environment: make setup.")
    if native is None:
        return OqsStatus(wrapper, None, (), _REMEDY)
    try:
        return OqsStatus(wrapper, native, _mechanisms(_import_wrapper()))
    except AlgorithmUnavailable as gone:
        return OqsStatus(wrapper, native, (), gone.next_step)


@dataclass(frozen=True, slots=True)
class Mechanism:
    """One signature algorithm of liboqs, ready: it holds no key, and many threads may use it at once."""

    native_sig: Any
    """The C library's OQS_SIG."""
    length_public_key: int
    length_secret_key: int
    length_signature: int


def mechanism(algorithm: KeyAlgorithm) -> Mechanism:
    """AlgorithmUnavailable where liboqs is absent, or was built without the algorithm."""
    return _mechanism(algorithm, os.environ.get("OQS_INSTALL_PATH"))


@lru_cache(maxsize=64)
def _mechanism(algorithm: KeyAlgorithm, _installed: str | None) -> Mechanism:
    wrapper = _wrapper_for(algorithm)
    # liboqs spells SLH_DSA_PURE_SHA2_128S; its other SLH-DSA variants hash first and are not RFC 9909's.
    wanted = _plain(algorithm).replace("slhdsa", "slhdsapure")
    name = next((m for m in _mechanisms(wrapper) if _plain(m) == wanted), None)
    if name is None:
        raise _not_built(algorithm)
    made = wrapper.native().OQS_SIG_new(name.encode())
    sizes = made.contents
    return Mechanism(made, sizes.length_public_key, sizes.length_secret_key, sizes.length_signature)


@lru_cache(maxsize=1)
def native() -> Any:  # noqa: ANN401 - a library without types
    """The C library, with the arguments of the calls that we make declared; after `mechanism` only.

    A handle of our own: the wrapper's functions keep the wrapper's declarations.
    """
    library = ctypes.CDLL(_import_wrapper().native()._name)
    pointer, octets, size = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t
    library.OQS_SIG_keypair.argtypes = [pointer, pointer, pointer]
    library.OQS_SIG_sign_with_ctx_str.argtypes = [
        pointer,
        pointer,
        pointer,
        octets,
        size,
        octets,
        size,
        pointer,
    ]
    library.OQS_SIG_verify_with_ctx_str.argtypes = [
        pointer,
        octets,
        size,
        octets,
        size,
        octets,
        size,
        octets,
    ]
    return library


def kem(algorithm: KeyAlgorithm, secret: bytes | None = None) -> Any:  # noqa: ANN401 - without types
    """The wrapper's KeyEncapsulation for one use, a context manager; AlgorithmUnavailable as above."""
    wrapper = _wrapper_for(algorithm)
    wanted = _plain(algorithm)
    name = next((m for m in wrapper.get_enabled_kem_mechanisms() if _plain(m) == wanted), None)
    if name is None:
        raise _not_built(algorithm)
    return wrapper.KeyEncapsulation(name, secret)


def _not_built(algorithm: KeyAlgorithm) -> AlgorithmUnavailable:
    return AlgorithmUnavailable(
        f"The provider liboqs has no {algorithm} in this build.", next_step=_REMEDY, field=str(algorithm)
    )


def _wrapper_for(algorithm: KeyAlgorithm) -> Any:  # noqa: ANN401 - a module without types
    here = status()
    if not here.mechanisms:
        raise AlgorithmUnavailable(
            f"The provider liboqs cannot do {algorithm} here: {here.sentence}.",
            next_step=here.remedy,
            field=str(algorithm),
        )
    return _import_wrapper()


def _wrapper_version() -> str | None:
    try:
        return metadata.version(_WRAPPER)
    except metadata.PackageNotFoundError:
        return None


def _native_library() -> str | None:
    """The first of the wrapper's candidates that loads; a file that is there but broken does not count."""
    for candidate in _candidates():
        with contextlib.suppress(OSError):
            ctypes.CDLL(candidate)
            return candidate
    return None


def _candidates() -> Iterator[str]:
    """Where liboqs-python 0.16 looks, and only there: what it does not find, it would build."""
    for name in ("oqs", "liboqs"):
        if found := _system_library(name):
            yield found
    configured = os.environ.get("OQS_INSTALL_PATH")
    root = Path(configured) if configured is not None else Path.home() / "_oqs"
    if sys.platform == "win32":
        yield from (str((root / "bin" / f"{name}.dll").absolute()) for name in ("oqs", "liboqs"))
        return
    suffix = "dylib" if sys.platform == "darwin" else "so"
    yield from (str((root / place / f"liboqs.{suffix}").absolute()) for place in ("lib", "lib64"))


@lru_cache(maxsize=2)
def _system_library(name: str) -> str | None:
    """Kept: it asks the linker and the compiler, a tenth of a second each time."""
    return ctypes.util.find_library(name)


def _import_wrapper() -> Any:  # noqa: ANN401 - a module without types
    """Only after the native library loaded; whatever goes wrong is one typed error."""
    try:
        # Its logger writes to the stdout of the moment of import, which belongs to --json.
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module("oqs")
    except KeyboardInterrupt:
        raise
    except BaseException as broken:  # It raises SystemExit where it gives up.
        raise AlgorithmUnavailable(
            f"liboqs-python does not work with the native library here ({type(broken).__name__}).",
            next_step=f"Install the liboqs version that fits the wrapper. {_REMEDY}",
            field="liboqs",
        ) from broken


def _mechanisms(wrapper: Any) -> tuple[str, ...]:  # noqa: ANN401 - a module without types
    return tuple(str(name) for name in wrapper.get_enabled_sig_mechanisms())


def _plain(name: str) -> str:
    """ML-DSA-65, ml_dsa_65 and mldsa65 are one: spellings changed between versions."""
    return "".join(c for c in name.lower() if c.isalnum())
