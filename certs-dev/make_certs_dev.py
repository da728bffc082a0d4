"""Makes a development CA and certificates under it, for a desk; see README.md beside it.

Everything lands in certs-dev/out (git-ignored), or in --out. Every certificate says that it is for
development, and the registry refuses the CA unless MEDTRUST_ENV=development.
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import timedelta
from pathlib import Path

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from pki import profiles
from pki.algorithms import KeyAlgorithm
from pki.keys import HybridPrivateKey
from pki.profiles import Profile, SubjectFacts
from registry.issuance import IssuanceOrder, issue
from registry.model.actor import job
from service import clock
from service.authority import unlock
from service.ceremony import init
from service.development import DEVELOPMENT_ORGANIZATION, ENVIRONMENT
from service.errors import AlreadyInitialised, ServiceError
from service.home import Home, make_private, write_private
from service.pem import to_pem
from service.runtime import Runtime, open_runtime
from service.settings_file import write_settings

LIFETIME = timedelta(days=30)
_MAKER = job("certs-dev")
_OUT = Path(__file__).parent / "out"


def make(out: Path) -> Path:
    """A home with a development CA in `out`, and below `out` a server's and a device's chain and key."""
    if out.exists() and any(out.iterdir()):
        raise AlreadyInitialised(f"{out} is not empty.", next_step="Remove it, or choose --out.", field="out")
    make_private(out)
    passphrase = clock.entropy(24).hex().encode()
    write_private(out / "passphrase", passphrase + b"\n")
    home = Home(out / "home")
    make_private(home.root)
    settings = write_settings(home, organization=DEVELOPMENT_ORGANIZATION)
    init(home, settings, passphrase, actor=_MAKER, tell=lambda _: None)
    organization = DEVELOPMENT_ORGANIZATION
    server = SubjectFacts(
        common_name="localhost",
        organization=organization,
        dns_names=("localhost",),
        ip_addresses=("127.0.0.1", "::1"),
    )
    device = SubjectFacts(common_name="dev-device-01", organization=organization, hardware_serial=b"DEV-0001")
    with open_runtime(home) as runtime:
        _certify("server", profiles.SERVER, server, runtime, passphrase, out)
        _certify("device", profiles.DEVICE, device, runtime, passphrase, out)
    return out


def _certify(
    name: str, profile: Profile, facts: SubjectFacts, runtime: Runtime, passphrase: bytes, out: Path
) -> None:
    authority = unlock(runtime.home, runtime.settings, passphrase)
    key = HybridPrivateKey.generate(KeyAlgorithm.EC_P256, profile.alternative)
    order = IssuanceOrder(profile, facts, key.public, LIFETIME)
    record = issue(order, _MAKER, ports=runtime.ports, issuer=authority.issuer).record
    write_private(out / f"{name}.pem", to_pem(record.der or b"", authority.issuing.certificate.der))
    # TLS stacks of today use the classical key only; the alternative one proves possession in enrolment.
    private = load_der_private_key(key.classical.pkcs8(), None)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_private(out / f"{name}.key", pem)


def main() -> int:
    """0, or 1 with a sentence on stderr."""
    parser = argparse.ArgumentParser(description="Make development certificates.")
    parser.add_argument("--out", type=Path, default=_OUT, help="the folder, new or empty")
    out = parser.parse_args().out.absolute()
    os.environ[ENVIRONMENT] = "development"
    try:
        make(out)
    except ServiceError as problem:
        sys.stderr.write(f"error: {problem}\n")
        return 1
    sys.stdout.write(f"{out}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
