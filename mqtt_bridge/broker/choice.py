"""Which broker: mosquitto where there is one, else the embedded one, or the one that was asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from mqtt_bridge.broker.config import BrokerPlan
from mqtt_bridge.broker.embedded import EmbeddedBroker
from mqtt_bridge.broker.interface import Broker
from mqtt_bridge.broker.mosquitto import MosquittoBroker, find_mosquitto


def choose_broker(
    kind: Literal["auto", "mosquitto", "embedded"],
    plan: BrokerPlan,
    *,
    entropy: Callable[[int], bytes],
    tell: Callable[[str], None],
) -> Broker:
    """A broker that is not yet started. Raises BrokerMissing when mosquitto is asked for and absent."""
    if kind == "embedded" or (kind == "auto" and find_mosquitto() is None):
        return EmbeddedBroker(plan, entropy=entropy, tell=tell)
    return MosquittoBroker(plan, entropy=entropy, tell=tell)
