"""How much of one sender is taken: what is beyond is put aside unanswered, or the others would wait."""

from __future__ import annotations

from typing import Final

from mqtt_bridge.pacer import Pacer
from mqtt_bridge.topics import BootstrapTopic, DeviceTopic

TELEMETRY_AT_ONCE: Final = 200
_STRANGERS: Final = "strangers"


class Admission:
    """Limits by device, by session and of all strangers together; `now` is monotonic seconds."""

    def __init__(self) -> None:
        self._telemetry = Pacer(rate=20.0, burst=TELEMETRY_AT_ONCE)
        # Ten times what is answered with 429: answering a flood is what it wants.
        self._askers = Pacer(rate=50.0, burst=500)
        self._strangers = Pacer(rate=100.0, burst=600)
        self._told = Pacer(rate=1 / 60, burst=1)

    def telemetry(self, device_id: str, now: float) -> bool:
        """Whether a message of this device is judged."""
        return self._telemetry.allows(device_id, now)

    def request(self, topic: BootstrapTopic | DeviceTopic, now: float) -> bool:
        """Whether a request is looked at. Sessions cost nothing: each is limited, and all together."""
        if isinstance(topic, DeviceTopic):
            return self._askers.allows(topic.device_id, now)
        return self._askers.allows(topic.session, now) and self._strangers.allows(_STRANGERS, now)

    def worth_telling(self, topic: BootstrapTopic | DeviceTopic, now: float) -> bool:
        """Once a minute and sender: a flood of messages must not become one of log lines."""
        return self._told.allows(topic.device_id if isinstance(topic, DeviceTopic) else _STRANGERS, now)
