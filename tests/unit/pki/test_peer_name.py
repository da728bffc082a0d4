"""Is it the host that was meant (RFC 9525): alternative names only, a star for one label."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.pki.naming import OFF, chain, dns, ip, judged, refusals, san, uri

NAMED = chain(
    [],
    [
        san(
            dns("broker.example"),
            dns("*.ward.example"),
            dns("*.example"),
            ip(192, 0, 2, 1),
            uri("https://x.example/"),
        )
    ],
    leaf_name="common.example",
)


@pytest.mark.parametrize(
    ("host", "meant"),
    [
        ("", True),
        ("broker.example", True),
        ("BROKER.Example", True),
        ("bed1.ward.example", True),
        ("192.0.2.1", True),
        ("a.bed1.ward.example", False),
        ("ward.example", False),
        ("other.example", False),
        ("common.example", False),
        ("x.example", False),
        ("192.0.2.2", False),
        ("::ffff:192.0.2.1", False),
    ],
)
def test_a_host_is_looked_for_among_the_alternative_names(host: str, meant: bool) -> None:
    verdict = judged(NAMED, replace(OFF, host=host))
    assert refusals(verdict) == ([] if meant else ["path.peer_name_differs"])


@pytest.mark.parametrize(
    "host", ["*.ward.example", "a_b.example", "broker.example.", "http://broker.example", "-"]
)
def test_a_host_that_does_not_read_is_nobodys(host: str) -> None:
    assert refusals(judged(NAMED, replace(OFF, host=host))) == ["path.peer_name_malformed"]


def test_only_the_end_entity_is_asked() -> None:
    made = chain([], [san(dns("ca.example"))], [san(dns("leaf.example"))])
    assert refusals(judged(made, replace(OFF, host="leaf.example"))) == []
    assert refusals(judged(made, replace(OFF, host="ca.example"))) == ["path.peer_name_differs"]
