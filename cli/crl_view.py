"""Revocation lists as documents and rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from itertools import islice

from cli.output import Row, note, print_fields, print_rows
from pki import names, oids
from pki.crl_list import CertificateList, RevokedEntry
from pki.extensions import uris
from pki.tbs import read_alternative
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


def inspected(found: CertificateList, now: datetime) -> dict[str, object]:
    """The same of a list that may be anybody's, with its signatures, its scope's limits and its life left."""
    life, left = found.next_update - found.this_update, found.next_update - now
    alternative, _ = read_alternative(found.extensions)
    limits = [f.name for f in fields(found.scope) if getattr(found.scope, f.name) is True]
    return {
        **list_document(found),
        "in_force": found.this_update <= now <= found.next_update,
        "life_left_seconds": int(left.total_seconds()),
        "life_left_percent": max(0, round(100 * left / life)) if life else 0,
        "signature": str(found.algorithm),
        "alternative_signature": str(alternative.algorithm) if alternative else None,
        "limits": limits,
        "bytes": len(found.der),
        "entry_count": found.entry_count,
    }


def print_list(found: CertificateList, document: Row, rows: Sequence[Row], *, sought: bool = False) -> None:
    """For people: the fields, the entries, and how many more. `sought`: one serial was asked for."""
    shown = {name: value for name, value in document.items() if name != "entry_count"}
    print_fields({**shown, "entries": found.entry_count}, as_json=False)
    print_rows(rows, as_json=False, empty="It does not list it." if sought else "It lists no certificate.")
    if not sought and len(rows) < found.entry_count:
        note(f"... and {found.entry_count - len(rows)} more: --limit 0, or crl show --serial SERIAL.")


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
