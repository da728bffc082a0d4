"""Where a consumer's lists lie: a URL, a file with one or several, or a folder in openssl's hash form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from pki.crl_list import CertificateList
from pki.errors import MalformedInput
from pki.name_hash import name_hash
from service.errors import BadSetting
from service.http_fetch import is_url
from service.list_source import lists_from, lists_in
from service.lists import LARGEST
from service.pem import read_file

_HASHED: Final = re.compile(r"([0-9a-f]{8})\.r([0-9]{1,3})")
_MANY: Final = 1024
"""Files of a folder that are read."""


@dataclass(frozen=True, slots=True)
class HeldList:
    """One list, as the consumer has it."""

    name: str
    """Its file in a folder, its place in a file of several; empty where there is only the one."""
    der: bytes

    def misplaced(self, crl: CertificateList) -> str:
        """The name that openssl looks for it under, where that is another; empty: it is found."""
        named = _HASHED.fullmatch(self.name)
        wanted = name_hash(crl.issuer)
        return f"{wanted}.r0" if named is not None and named[1] != wanted else ""


def held_lists(place: str) -> list[HeldList]:
    """Everything that lies there; FetchFailed, BadSetting or MalformedInput where nothing can be used."""
    if is_url(place):
        return _numbered(lists_from(place))
    path = _path(place)
    if not path.is_dir():
        return _numbered(lists_in(read_file(path, "list", at_most=LARGEST)))
    names = sorted(file.name for file in path.iterdir() if _HASHED.fullmatch(file.name))[:_MANY]
    if not names:
        raise BadSetting(
            f"The folder {path} holds no file that openssl would look for.",
            next_step="Name each list HASH.r0: medtrust ca bundle writes such a folder, openssl rehash, too.",
            field="consumer",
        )
    return [
        HeldList(name, der)
        for name in names
        for der in lists_in(read_file(path / name, "list", at_most=LARGEST))
    ]


def gaps(held: list[HeldList]) -> Iterator[str]:
    """Files that openssl never comes to, for it counts from 0 and stops where one is missing."""
    there = {each.name for each in held}
    for name in sorted(there):
        found = _HASHED.fullmatch(name)
        if found is not None and found[2] != "0" and f"{found[1]}.r{int(found[2]) - 1}" not in there:
            yield name


def _numbered(ders: list[bytes]) -> list[HeldList]:
    if len(ders) == 1:
        return [HeldList("", ders[0])]
    return [HeldList(f"list {place} of {len(ders)}", der) for place, der in enumerate(ders, 1)]


def _path(place: str) -> Path:
    if not place.lower().startswith("file:"):
        return Path(place)
    try:
        parts = urlsplit(place)
    except ValueError as bad:
        raise MalformedInput(f"{place[:80]!r} is no file URL.", field="consumer") from bad
    if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
        raise BadSetting(
            f"{place[:80]!r} is no file of this machine.",
            next_step="Write it as file:///path, or as a plain path.",
            field="consumer",
        )
    return Path(unquote(parts.path))
