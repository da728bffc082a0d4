"""One document from where others serve it, over http or https: bounded in time and octets, typed errors.

Nothing that comes is believed here. Lists and responses are signed, so plain http does; compression is never
asked for and never undone. The http_proxy of the environment is used, but never towards this machine itself.
"""

from __future__ import annotations

import http.client
import ipaddress
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import ClassVar, Final
from urllib.parse import SplitResult, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

from service.errors import Kind, ServiceError
from service.http_wire import Deadline, Wire, connect

SECONDS: Final = 15.0
"""For one small exchange, whatever the other side does; a list of millions needs more."""
_REDIRECTS: Final = 3
_AT_ONCE: Final = 64 * 1024
_LONGEST_URL: Final = 8 * 1024
_MOVED: Final = frozenset({301, 302, 303, 307, 308})
_KEEP_METHOD: Final = frozenset({307, 308})
_PORTS: Final = {"http": 80, "https": 443}
_NOT_MODIFIED: Final = 304
_SETTLED: Final = timedelta(seconds=2)


class BadUrl(ServiceError):
    """A text that is no address to fetch from."""

    kind: ClassVar[Kind] = "usage"


class FetchFailed(ServiceError):
    """Whoever serves the document was not reached, or answered something that is not one."""

    kind: ClassVar[Kind] = "dependency"


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer with a body; or without one where what the caller has is the newest (`unchanged`)."""

    url: str
    """Where it came from in the end."""
    body: bytes
    media_type: str
    last_modified: datetime | None
    """Good to ask for news by; None: the server does not say, or its document is not two seconds old yet."""
    seconds: float
    unchanged: bool = False


def is_url(text: str) -> bool:
    """Whether a text names something to fetch rather than a file."""
    return text.lower().startswith(("http://", "https://"))


def fetch(
    url: str,
    *,
    at_most: int,
    seconds: float = SECONDS,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> Fetched:
    """GET, or POST where there is a body; BadUrl, or FetchFailed, within `seconds` and `at_most` octets."""
    began = time.monotonic()
    deadline = Deadline(began + seconds)
    asked, where = dict(headers or {}), _checked(url)
    for _ in range(_REDIRECTS + 1):
        here = where.geturl()
        try:
            moved, found = _exchange(where, asked, body, Wire(deadline, at_most), began)
            if found is not None:
                return found
            where = _checked(moved, here)
        except TimeoutError as late:
            raise _failed(here, f"gave no whole answer in {seconds:g} seconds", _SLOW) from late
        except OSError as down:
            raise _failed(here, f"is not reached: {down.strerror or down}", _DOWN) from down
        except (http.client.HTTPException, ValueError) as odd:
            raise _failed(here, f"does not answer as HTTP has it ({type(odd).__name__})", _ODD) from odd
        except BadUrl as odd:
            raise _failed(here, "sends on to what is no http or https URL", _ODD) from odd
    raise _failed(url, f"sends on more than {_REDIRECTS} times", _ODD)


_SLOW: Final = "Look at the server and the network between; try again."
_ODD: Final = "Check the URL: what serves there is not what was meant."
_DOWN: Final = (
    "Check the URL, and that it is served there; an https server's CA must be one that this machine trusts."
)


def _exchange(
    where: SplitResult, headers: Mapping[str, str], body: bytes | None, wire: Wire, began: float
) -> tuple[str, Fetched | None]:
    """(where it moved, or what was found)."""
    url, proxy = where.geturl(), _proxy_for(where)
    through = proxy or where
    host, port = through.hostname or "", through.port or _PORTS[through.scheme]
    with connect(wire, host, port, tls=where.scheme == "https"):
        connection = http.client.HTTPConnection(where.netloc)
        connection.sock = wire
        path = (where.path or "/") + (f"?{where.query}" if where.query else "")
        target = url if proxy else path
        connection.request(
            "GET" if body is None else "POST", target, body, {"Connection": "close", **headers}
        )
        response = connection.getresponse()
        status, said = response.status, response.headers
        if status in _MOVED and (body is None or status in _KEEP_METHOD) and said["Location"]:
            return said["Location"], None
        unchanged = status == _NOT_MODIFIED and any(name.startswith("If-") for name in headers)
        if status != http.HTTPStatus.OK and not unchanged:
            raise _failed(url, f"answers {status} {response.reason[:60]}".rstrip(), _ODD)
        if said.get("Content-Encoding", "identity").strip().lower() != "identity":
            raise _failed(url, "sends it compressed, which nobody asked for", _ODD)
        return "", Fetched(
            url,
            b"" if unchanged else _body(response, url, wire.at_most),
            said.get_content_type() if said["Content-Type"] else "",
            _settled(said.get("Last-Modified", ""), said.get("Date", "")),
            time.monotonic() - began,
            unchanged,
        )


def _settled(modified: str, date: str) -> datetime | None:
    """RFC 9110 8.8.2.2: of two documents of one second, the date tells nothing apart."""
    try:
        since, answered = parsedate_to_datetime(modified), parsedate_to_datetime(date)
        return since.astimezone(UTC) if answered - since >= _SETTLED else None
    except (TypeError, ValueError, OverflowError):
        return None


def _body(response: http.client.HTTPResponse, url: str, at_most: int) -> bytes:
    """All of it; what is too long is not read to its end."""
    data, announced = bytearray(), response.length or 0
    while max(len(data), announced) <= at_most and (piece := response.read(_AT_ONCE)):
        data += piece
    if max(len(data), announced) > at_most:
        raise _failed(url, f"sends more than {at_most} octets", _ODD)
    if response.length:
        raise _failed(url, f"broke off: {response.length} octets are missing", _SLOW)
    return bytes(data)


def _checked(url: str, base: str = "") -> SplitResult:
    try:
        url = urljoin(base, url)
        parts = urlsplit(url)
        usable = parts.scheme in _PORTS and bool(parts.hostname) and (parts.port or 1) > 0
        plain = url.isascii() and url.isprintable() and " " not in url and len(url) <= _LONGEST_URL
    except ValueError:
        usable = plain = False
    if not usable or not plain:
        raise BadUrl(
            f"{url[:80]!r} is no http or https URL.",
            next_step="Write it as http://host:port/path, with %XX for what is not plain ASCII.",
            field="url",
        )
    if parts.username is not None or parts.password is not None:
        raise BadUrl(
            "The URL holds a user name or a password.",
            next_step="Status is public: serve it without.",
            field="url",
        )
    return parts._replace(fragment="")


def _proxy_for(where: SplitResult) -> SplitResult | None:
    """The environment's proxy for plain http."""
    host = where.hostname or ""
    named = getproxies().get("http", "") if where.scheme == "http" else ""
    if not named or _is_this_machine(host) or proxy_bypass(host):
        return None
    return _checked(named if "://" in named else f"http://{named}")


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _failed(url: str, what: str, next_step: str) -> FetchFailed:
    return FetchFailed(f"{url[:200]} {what}.", next_step=next_step, field="url")
