"""Hostile neighbours of good bytes: mutations that know DER, and plain ones. Seeded, repeatable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final

_CONSTRUCTED: Final = 0x20
_TAGS: Final = (0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0A, 0x0C, 0x13, 0x16, 0x17, 0x18, 0x30, 0x31)
_TAGS_IN_CONTEXT: Final = (0x80, 0x81, 0x82, 0x86, 0x87, 0xA0, 0xA1, 0xA3, 0xA4)
_MAGIC: Final = (b"", b"\x00", b"\xff", b"\x80", b"\x7f" * 9, b"\x00" * 32, b"\xff" * 32, b"A" * 4096)
_VALUES: Final = (
    *(b"true", b"-1", b"9" * 400, b"1e400", b"nan", b'""', b"[]", b"[[]]", b"{}", b'"(a+)+$"', b'"[a-z]*"'),
    *(b'"9999999999d"', b'"-1d"', b'"0s"', b'["client-auth", "ocsp-signing"]', b'["rsa-1024"]', b'"\\u0000"'),
)


@dataclass
class Node:
    """A tag with octets, or with other nodes."""

    tag: int
    content: bytes | list[Node]

    def encode(self, rewrite: Callable[[int, bytes], bytes] | None = None) -> bytes:
        """Tag, length, content; `rewrite` may write a length that is not DER."""
        inner = (
            self.content if isinstance(self.content, bytes) else b"".join(n.encode() for n in self.content)
        )
        if rewrite is not None:
            return rewrite(self.tag, inner)
        size = len(inner)
        if size < 0x80:
            return bytes((self.tag, size)) + inner
        octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
        return bytes((self.tag, 0x80 | len(octets))) + octets + inner


def read(data: bytes, depth: int = 0) -> list[Node] | None:
    """The nodes that fill the data, or None where it is not such a list. Looks into OCTET STRINGs too."""
    found, at = [], 0
    while at < len(data):
        if at + 2 > len(data):
            return None
        tag, size, at = data[at], data[at + 1], at + 2
        if size & 0x80:
            octets = size & 0x7F
            size, at = int.from_bytes(data[at : at + octets], "big"), at + octets
        if not 0 <= size <= len(data) - at:
            return None
        content = data[at : at + size]
        inner = read(content, depth + 1) if _may_hold(tag, content) and depth < 24 else None
        found.append(Node(tag, content if inner is None else inner))
        at += size
    return found


def _may_hold(tag: int, content: bytes) -> bool:
    return bool(tag & _CONSTRUCTED) or (tag == 0x04 and content[:1] in (b"\x30", b"\x03", b"\x04"))


def mutated(data: bytes, random: Random) -> bytes:
    """One to four mutations, most of them inside the structure where there is one."""
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        choice = random.random()
        nodes = read(data) if choice < 0.8 else None
        if nodes:
            data = _structural(nodes, random)
        elif choice < 0.8 and b" = " in data:
            data = _lines(data, random)
        else:
            data = _plain(data, random)
    return data


def _lines(data: bytes, random: Random) -> bytes:
    """TOML's neighbours: a line gone, doubled, moved, or with another value or key."""
    lines = data.split(b"\n")
    at, other = random.randrange(len(lines)), random.randrange(len(lines))
    what = random.randrange(5)
    if what == 0:
        del lines[at]
    elif what == 1:
        lines.insert(other, lines[at])
    elif what == 2:
        lines[at], lines[other] = lines[other], lines[at]
    elif b" = " in lines[at]:
        key, _, value = lines[at].partition(b" = ")
        theirs = lines[other].partition(b" = ")
        if what == 3:
            value = random.choice((theirs[2], *_VALUES, _plain(value, random)))
        else:
            key = random.choice((theirs[0], _plain(key, random)))
        lines[at] = key + b" = " + value
    return b"\n".join(lines)


def _flat(nodes: list[Node]) -> list[tuple[list[Node], int]]:
    """Every node by the list that holds it and its place there."""
    found, waiting = [], [nodes]
    while waiting:
        listed = waiting.pop()
        for place, node in enumerate(listed):
            found.append((listed, place))
            if isinstance(node.content, list):
                waiting.append(node.content)
    return found


def _structural(nodes: list[Node], random: Random) -> bytes:
    places = _flat(nodes)
    holder, place = random.choice(places)
    node = holder[place]
    what = random.randrange(9)
    if what == 0:
        del holder[place]
    elif what == 1:
        holder.insert(place, node)
    elif what == 2:
        other, there = random.choice(places)
        if there < len(other):
            holder[place] = other[there] if not _inside(other[there], node) else Node(node.tag, b"")
    elif what == 3:
        node.tag = random.choice(_TAGS + _TAGS_IN_CONTEXT)
    elif what == 4:
        node.content = random.choice(_MAGIC)
    elif what == 5 and isinstance(node.content, bytes):
        node.content = _plain(node.content, random)
    elif what == 6:
        holder[place] = Node(random.choice((0x30, 0x31, 0xA0, 0x04)), [node])
    elif what == 7:
        holder[place] = Node(node.tag, node.encode(_ber(random))[1:])
        return b"".join(_raw(n, holder[place], random) for n in nodes)
    else:
        random.shuffle(holder)
    return b"".join(n.encode() for n in nodes)


def _inside(node: Node, wanted: Node) -> bool:
    waiting = [node]
    while waiting:
        at = waiting.pop()
        if at is wanted:
            return True
        waiting += at.content if isinstance(at.content, list) else []
    return False


def _raw(node: Node, marked: Node, random: Random) -> bytes:
    """The marked node's content already begins with its own odd length; those above stay DER."""
    if node is marked:
        return bytes((node.tag,)) + (node.content if isinstance(node.content, bytes) else b"")
    if isinstance(node.content, bytes):
        return node.encode()
    return Node(node.tag, b"".join(_raw(n, marked, random) for n in node.content)).encode()


def _ber(random: Random) -> Callable[[int, bytes], bytes]:
    forms: tuple[Callable[[int, bytes], bytes], ...] = (
        lambda tag, inner: bytes((tag, 0x80)) + inner + b"\x00\x00",
        lambda tag, inner: bytes((tag, 0x84)) + len(inner).to_bytes(4, "big") + inner,
        lambda tag, inner: bytes((tag, 0x84)) + b"\xff\xff\xff\xff" + inner,
        lambda tag, inner: bytes((tag, 0x88)) + b"\x7f" + b"\xff" * 7 + inner,
        lambda tag, inner: bytes((tag, 0xFF)) + inner,
    )
    return random.choice(forms)


def _plain(data: bytes, random: Random) -> bytes:
    at = random.randrange(len(data) + 1)
    what = random.randrange(5)
    if what == 0 and data:
        at = min(at, len(data) - 1)
        return data[:at] + bytes((data[at] ^ (1 << random.randrange(8)),)) + data[at + 1 :]
    if what == 1:
        return data[:at]
    if what == 2:
        return data[:at] + random.randbytes(random.choice((1, 2, 8, 64))) + data[at:]
    if what == 3:
        return data[:at] + random.choice(_MAGIC) + data[at + random.randrange(8) :]
    return data + random.choice(_MAGIC) + data[: random.choice((0, 1, 16))]
