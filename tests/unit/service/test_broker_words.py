"""Nothing that a stranger names itself comes from a broker's log into ours."""

from __future__ import annotations

import pytest

from service.broker_words import broker_word

CANARY = "MRN-4711-DOE"


@pytest.mark.parametrize(
    "line",
    [
        f"mosquitto bootstrap: New client connected from 10.0.0.9:4 as {CANARY} (p2, c1, u'{CANARY}').",
        f"mosquitto ops: Client {CANARY} disconnected, not authorised.",
        f"mosquitto ops: Client {CANARY} already connected, closing old connection.",
        f"mosquitto ops: Outgoing messages are being dropped for client {CANARY}.",
        f"mosquitto ops: Something of a later version about {CANARY}",
        f"mosquitto ops: Warning: topic {CANARY}",
        f"bootstrap: 10.0.0.9:4000 refused: claim '{CANARY} x' does not match [A-Za-z0-9_-]{{8,64}}.",
        f"queue of {CANARY} is full, a message was dropped",
        f"broker: Task exception was never retrieved {CANARY}",
        f"mosquitto ops ended with code 1; it starts again in 0.2 s {CANARY}",
    ],
)
def test_names_of_strangers_stay_outside(line: str) -> None:
    assert CANARY not in broker_word(line).text


@pytest.mark.parametrize(
    ("line", "level", "text"),
    [
        ("mosquitto ops: Reloading config.", "info", "mosquitto ops: Reloading config."),
        (
            "mosquitto ops: Client x disconnected, not authorised.",
            "debug",
            "mosquitto ops: a client disconnected, not authorised.",
        ),
        (
            "mosquitto ops ended with code 1; it starts again in 0.2 s",
            "warning",
            "mosquitto ops ended with code 1; it starts again in 0.2 s",
        ),
        (
            "mosquitto ops: OpenSSL Error[0]: error:1417C086:SSL routines:tls:certificate verify failed",
            "warning",
            "mosquitto ops: OpenSSL Error[0]: error:1417C086:SSL routines:tls:certificate verify failed",
        ),
        ("bootstrap: 1.2.3.4:5 refused: session 'x' does not match y.", "info", "bootstrap: session refused"),
        ("ops: a connection failed: ValueError", "info", "ops: failed: ValueError"),
    ],
)
def test_what_helps_an_operator_stays(line: str, level: str, text: str) -> None:
    word = broker_word(line)
    assert (word.level, word.text) == (level, text)
