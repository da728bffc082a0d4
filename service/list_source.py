"""Revocation lists as others hold them: at a URL or in a file, PEM or DER, also several in one."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pki.crl_list import CertificateList
from pki.errors import MalformedInput
from service.http_fetch import Fetched, FetchFailed, fetch, is_url
from service.lists import LARGEST
from service.pem import read_file

SECONDS: Final = 120.0
"""For a list of fifty megabytes over a slow network."""
_BEGIN, _END = b"-----BEGIN X509 CRL-----", b"-----END X509 CRL-----"
_MANY: Final = 256
"""Lists in one file; a hospital's CAs have a few."""


def fetch_list(
    url: str, *, headers: Mapping[str, str] | None = None, known: CertificateList | None = None
) -> tuple[Fetched, CertificateList]:
    """The one list that a URL serves, or the `known` one where that is the newest. BadUrl or FetchFailed."""
    found = fetch(url, at_most=LARGEST, seconds=SECONDS, headers=headers if known is not None else None)
    if known is not None and found.unchanged:
        return found, known
    try:
        return found, CertificateList.parse(_single(lists_in(found.body), url))
    except MalformedInput as odd:
        raise FetchFailed(
            f"{url[:200]} serves something that is no revocation list to use: {odd.problem}",
            next_step="Check the URL: is it the list's own?",
            field="url",
        ) from odd


def lists_from(text: str) -> list[bytes]:
    """The lists at a URL or in a file, DER and not parsed; MalformedInput where there is none."""
    if is_url(text):
        return lists_in(fetch(text, at_most=LARGEST, seconds=SECONDS).body)
    return lists_in(read_file(Path(text), "list", at_most=LARGEST))


def one_list_from(text: str) -> bytes:
    """The same, where exactly one is wanted."""
    return _single(lists_from(text), text)


def _single(found: list[bytes], where: str) -> bytes:
    if len(found) > 1:
        raise MalformedInput(
            f"{where[:200]} holds {len(found)} lists.",
            next_step="Look at all of them: medtrust crl inspect.",
            field="crl",
        )
    return found[0]


def is_pem(data: bytes) -> bool:
    """Whether it is text that holds a list."""
    return data[:1] != b"\x30" and _BEGIN in data


def lists_in(data: bytes) -> list[bytes]:
    """The one list that is DER, or every list of a PEM text; what else the text holds is passed over."""
    if data[:1] == b"\x30":
        return [data]
    found: list[bytes] = []
    at = data.find(_BEGIN)
    while at >= 0 and len(found) < _MANY:
        end = data.find(_END, at)
        if end < 0:
            raise MalformedInput("A list in PEM has no end.", next_step="Copy it again.", field="crl")
        try:
            inner = b"".join(data[at + len(_BEGIN) : end].split())
            found.append(base64.b64decode(inner, validate=True))
        except ValueError as bad:
            raise MalformedInput(
                "A list in PEM is not base64.", next_step="Copy it again.", field="crl"
            ) from bad
        at = data.find(_BEGIN, end)
    if not found:
        raise MalformedInput(
            "There is no revocation list, neither DER nor PEM.",
            next_step="Check that it is the right place: a list begins with -----BEGIN X509 CRL-----.",
            field="crl",
        )
    return found
