"""Revocation lists as documents and rows."""

from __future__ import annotations

from datetime import datetime
from itertools import islice

from pki import names, oids
from pki.crl_list import CertificateList, RevokedEntry
from pki.extensions import uris
from registry.model.certificate import of_int
from registry.store.lists import ListHead


def list_document(found: CertificateList) -> dict[str, object]:
    """What a list says besides its entries."""
    fresher = [url for e in found.extensions if e.oid == oids.FRESHEST_CRL for url in uris(e.value)]
    document: dict[str, object] = {
        "issuer": names.show(found.issuer),
        "crl_number": found.crl_number,
        "this_update": found.this_update,
        "next_update": found.next_update,
        "delta": found.is_delta,
    }
    if found.base_crl_number is not None:
        document["base_crl_number"] = found.base_crl_number
    if found.distribution_point:
        document["speaks_of"] = list(found.distribution_point)
    if fresher:
        document["deltas_at"] = fresher
    return document


def entry_rows(found: CertificateList, limit: int, serial: int | None) -> list[dict[str, object]]:
    """The first entries by serial; or one certificate's, where it is listed."""
    if serial is None:
        return [_row(entry) for entry in islice(found.entries(), limit)]
    entry = found.revoked(serial)
    return [_row(entry)] if entry is not None else []


def _row(entry: RevokedEntry) -> dict[str, object]:
    return {
        "certificate_serial": of_int(entry.certificate_serial),
        "revoked_at": entry.revoked_at,
        "reason": entry.reason.name.lower(),
    }


def head_row(head: ListHead, now: datetime) -> dict[str, object]:
    """A published list in one line."""
    return {
        "issuer": head.issuer,
        "list": head.scope,
        "crl_number": head.crl_number,
        "base": head.base_number,
        "this_update": head.this_update,
        "next_update": head.next_update,
        "in_force": head.this_update <= now <= head.next_update,
    }
