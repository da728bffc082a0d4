"""Who may publish and read what, as values that mosquitto's ACL files and the embedded broker share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

CONTROL_USER = "mtr-bridge"
RELAY_USER = "mtr-relay"

_WILD = frozenset("+#/")


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of an ACL; `%u` is the user name, `%c` the client id, each exactly one segment."""

    access: Literal["read", "write", "readwrite"]
    pattern: str


OPS = (
    Rule("write", "mtr/1/d/%u/up/#"),
    Rule("read", "mtr/1/d/%u/down/#"),
    Rule("read", "mtr/1/pub/#"),
)
BOOTSTRAP = (Rule("write", "mtr/1/b/%u/%c/up/#"), Rule("read", "mtr/1/b/%u/%c/down/#"))
CONTROL = (Rule("readwrite", "mtr/1/#"),)
RELAY = (Rule("write", "mtr/1/b/+/+/up/#"), Rule("read", "mtr/1/b/+/+/down/#"))
"""The relay of the bootstrap broker: whoever breaks that process reaches no device topic with it."""


def acl_text(rules: Sequence[Rule]) -> str:
    """mosquitto ACL lines that hold for every client of a listener."""
    return "".join(f"pattern {rule.access} {rule.pattern}\n" for rule in rules)


def user_acl_text(user: str, rules: Sequence[Rule]) -> str:
    """mosquitto ACL lines that hold for one user name."""
    return f"user {user}\n" + "".join(f"topic {rule.access} {rule.pattern}\n" for rule in rules)


def may_publish(rules: Sequence[Rule], topic: str, *, user: str, client: str) -> bool:
    """Whether a PUBLISH (or a will) on `topic` is allowed."""
    return not ("+" in topic or "#" in topic) and _allowed(rules, "write", topic, user, client)


def may_read(rules: Sequence[Rule], topic_filter: str, *, user: str, client: str) -> bool:
    """Whether everything that `topic_filter` can match may be read; shared subscriptions may not."""
    return _allowed(rules, "read", topic_filter, user, client)


def _allowed(rules: Sequence[Rule], wanted: str, topic: str, user: str, client: str) -> bool:
    if not user or not client or _WILD & set(user + client):
        return False  # CVE-2017-7650: a name with a wildcard would open the pattern
    return any(
        wanted in rule.access and _covers(rule.pattern.replace("%u", user).replace("%c", client), topic)
        for rule in rules
    )


def _covers(pattern: str, topic: str) -> bool:
    """Whether each topic that `topic` (a topic or a filter) can mean is matched by `pattern`."""
    segments = topic.split("/")
    for place, allowed in enumerate(pattern.split("/")):
        if allowed == "#":
            return True
        if place >= len(segments) or segments[place] == "#":
            return False
        if allowed not in ("+", segments[place]):
            return False
    return len(segments) == pattern.count("/") + 1
