"""What tests of `doctor --consumer` share: its answer with the shape checked, and lists of every kind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pki.crl import build_crl, to_pem
from registry.publication import publish
from tests.integration.cli.conftest import Answer, Cli
from tests.integration.status_served import Served
from tests.unit.service.status_fixtures import WHO

HOUR = timedelta(hours=1)


EXIT = {"ok": 0, "note": 2, "warning": 3, "critical": 4}


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True)
class Told:
    """What doctor said of consumers, its shape and exit code checked."""

    checks: list[dict[str, str]]

    @classmethod
    def by(cls, answer: Answer) -> Told:
        said = answer.json
        checks: list[dict[str, str]] = said["checks"]
        worst = max((check["level"] for check in checks), key=list(EXIT).index)
        assert (answer.code, said["level"], said["heartbeats"]) == (EXIT[worst], worst, [])
        assert all(check["next_step"] for check in checks if check["level"] in ("warning", "critical"))
        return cls(checks)

    @property
    def only(self) -> tuple[str, str]:
        """(level, message) of the one check."""
        (check,) = self.checks
        return check["level"], check["message"]

    def at(self, level: str) -> list[str]:
        return [check["message"] for check in self.checks if check["level"] == level]


def doctor(cli: Cli, *places: object) -> Told:
    options = [option for place in places for option in ("--consumer", place)]
    return Told.by(cli("doctor", *options, "--json"))


def newest(consumed: Served) -> bytes:
    """A new list, published."""
    return publish(consumed.authority.default.list_signer, WHO, ports=consumed.runtime.ports).der


def made(consumed: Served, number: int, **how: object) -> bytes:
    """A list under the issuing CA's name."""
    ca = consumed.authority.issuing
    begins: datetime = how.get("this_update", now())  # type: ignore[assignment]
    return build_crl(
        issuer_name=how.get("name", ca.certificate.subject),  # type: ignore[arg-type]
        authority_key_identifier=how.get("identifier", ca.key.classical.public.key_identifier),  # type: ignore[arg-type]
        key=how.get("key", ca.key),  # type: ignore[arg-type]
        entries=[],
        crl_number=number,
        this_update=begins,
        next_update=how.get("next_update", begins + 24 * HOUR),  # type: ignore[arg-type]
        base_crl_number=how.get("base"),  # type: ignore[arg-type]
    )


def put(folder: Path, *ders: bytes, name: str = "crl.pem") -> Path:
    path = folder / name
    path.write_text("".join(map(to_pem, ders)))
    return path
