"""A consumer's own copy of a list: replaced whole, by a verified list that is newer, and by nothing else."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import ClassVar, Final

from pki.crl import publication_findings, to_pem
from pki.crl_list import CertificateList
from pki.errors import MalformedInput
from pki.findings import Finding
from pki.tbs import Certificate
from service.errors import Kind, ServiceError
from service.home import write_atomically
from service.list_source import is_pem, lists_in
from service.lists import LARGEST
from service.ocsp_query import SKEW
from service.pem import read_file

_SECOND: Final = 1_000_000_000


class NotAListsFile(ServiceError):
    """The file to replace holds something else than one list."""

    kind: ClassVar[Kind] = "conflict"


@dataclass(frozen=True, slots=True)
class Copy:
    """A file of ours with one list in it."""

    path: Path
    crl: CertificateList
    pem: bool
    served_at: datetime | None
    """The publisher's Last-Modified, kept as the file's own time; None: somebody else wrote the file."""

    def asks(self, now: datetime) -> dict[str, str]:
        """Headers: send it only where it is newer. What has lapsed is asked for anew, whatever its date."""
        if self.served_at is None or self.crl.next_update <= now:
            return {}
        return {"If-Modified-Since": format_datetime(self.served_at, usegmt=True)}


class _Everything:
    """Serials that may leave: a consumer cannot know which certificates expired since."""

    def __contains__(self, serial: object) -> bool:
        del serial
        return True


def read_copy(path: Path) -> Copy | None:
    """The list that is in the file; None where there is no file yet."""
    if not path.exists():
        return None
    data = read_file(path, "list", at_most=LARGEST)
    try:
        (der,) = lists_in(data)
        crl = CertificateList.parse(der)
    except (MalformedInput, ValueError) as other:
        raise NotAListsFile(
            f"{path} holds something else than one revocation list; it is not replaced.",
            next_step="Give another file, or move that one away.",
            field="--out",
        ) from other
    modified = path.stat().st_mtime_ns
    # Whole seconds are what a publisher gave; who copies a file by hand leaves fractions.
    served = None if modified % _SECOND else datetime.fromtimestamp(modified // _SECOND, UTC)
    return Copy(path, crl, is_pem(data), served)


def succession_findings(
    old: CertificateList | None, new: CertificateList, issuer: Certificate, now: datetime
) -> tuple[Finding, ...]:
    """Whether the new list may stand where the old one stood; the same again may, while it is in force."""
    before = None if old is None or old.der == new.der else old
    return publication_findings(before, new, issuer, now, may_leave=_Everything(), skew=SKEW)


def write_copy(path: Path, crl: CertificateList, *, pem: bool, served_at: datetime | None) -> None:
    """Atomically, with the publisher's time on it, so that the next fetch can ask for news only."""
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    write_atomically(path, to_pem(crl.der).encode() if pem else crl.der, mode=mode)
    # Else a fraction stays on it: a file system that keeps whole seconds only must not look like a date.
    moment = int(served_at.timestamp()) * _SECOND if served_at else time.time_ns() // _SECOND * _SECOND + 1
    os.utime(path, ns=(moment, moment))
