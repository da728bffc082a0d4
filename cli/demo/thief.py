"""A device that wants to be another: each attempt is made for real, and tells how it ended."""

from __future__ import annotations

from cli.demo.report import Said, looked
from cli.demo.stage import DEVICE, REGISTRY, TAMPERED, Stage, Unit, until
from mqtt_bridge import topics
from mqtt_bridge.client import MqttClient
from mqtt_bridge.client_settings import ClientSettings, TlsFiles
from mqtt_bridge.device import enroll, telemetry
from mqtt_bridge.device.device import Device
from mqtt_bridge.device.dialogue import Dialogue, Mailbox
from mqtt_bridge.device.errors import Rejected
from mqtt_bridge.device.identity import Home
from mqtt_bridge.errors import BridgeError
from mqtt_bridge.messages import HYBRID_ALGORITHMS, Accepted, Challenge, Enroll, Hello, encode
from mqtt_bridge.octets import Octets
from pki import csr, oids
from pki.keys import HybridPrivateKey
from pki.tbs import Certificate, Unsigned, sign
from registry.model import transcript
from service import clock


def _silent(_text: str, _error: BaseException | None) -> None:
    """What the thief's client logs interests nobody."""


def claims_the_name(stage: Stage, thief: Unit, victim: Unit) -> Said:
    """Enrols as the victim with the thief's own token."""
    root = (stage.hospital.home.public / "root.pem").read_bytes()
    with Device(stage.hospital.room("thief-1"), root, protocol=stage.protocol) as device:
        try:
            device.enroll(bootstrap=stage.hospital.bootstrap, token=thief.token, device_id=victim.id)
        except Rejected as no:
            return _refusal(no, "token_hmac")
    return looked(False, "a certificate was issued", REGISTRY)


def asks_for_the_name(stage: Stage, thief: Unit, victim: Unit) -> Said:
    """Enrols as itself, with a request whose subject is the victim."""
    home = Home(stage.hospital.room("thief-2"))
    root = (stage.hospital.home.public / "root.pem").read_bytes()
    attempt = enroll.prepare(
        home, device_id=thief.id, root_pem=root, now=clock.now(), protocol=stage.protocol
    )
    mailbox = Mailbox(lambda _: None)
    settings = ClientSettings(
        *stage.hospital.bootstrap,
        client_id=attempt.session,
        protocol=stage.protocol,
        username=thief.id,
        tls=TlsFiles(home.root_path),
    )
    link = MqttClient(settings, log=_silent, on_message=mailbox.received)
    try:
        link.connect()
        link.subscribe([topics.bootstrap_down(thief.id, attempt.session)])
        _ask(Dialogue(link, mailbox, timeout=5.0), home, thief, victim)
    except Rejected as no:
        return _refusal(no, "csr")
    finally:
        link.disconnect()
        home.close()
    return looked(False, "a certificate was issued", REGISTRY)


def _ask(dialogue: Dialogue, home: Home, thief: Unit, victim: Unit) -> None:
    attempt, key = home.attempt, home.key(home.attempt.generation)
    hello = Hello(rid=attempt.rid, device_id=thief.id, algorithms=[HYBRID_ALGORITHMS])
    up = topics.BootstrapTopic(thief.id, attempt.session, "up", "hello")
    given = dialogue.ask(up, encode(hello), rid=attempt.rid, expect="challenge", kind=Challenge)
    request = csr.build(key, common_name=victim.id)
    signed = transcript.enroll(request, given.nonce, thief.id, thief.id)
    wanted = Enroll(
        rid=attempt.rid,
        csr=Octets(request),
        proof=enroll.signatures(key, signed),
        token_hmac=Octets(transcript.token_hmac(transcript.token_key(thief.token), signed)),
    )
    up = topics.BootstrapTopic(thief.id, attempt.session, "up", "enroll", attempt.rid)
    dialogue.ask(up, encode(wanted), rid=attempt.rid, expect="accepted", kind=Accepted)


def _refusal(no: Rejected, field: str) -> Said:
    """Refused, and for the right reason: the named field."""
    told = no.problem_details
    right = told.field.split(".")[0] == field and 400 <= told.status < 500
    return looked(right, f"{told.status} at step {told.step}, field {told.field}: {no.problem}", REGISTRY)


def speaks_for(stage: Stage, thief: Unit, victim: Unit) -> tuple[Said, ...]:
    """Publishes on the victim's topic under the thief's certificate; then on its own."""
    before = stage.messages(victim)
    thief.live.close()
    home = Home(stage.hospital.room(thief.name))
    tls = home.tls(home.active)
    ops = home.state.ops
    home.close()
    if ops is None:
        return (looked(False, "the thief does not know where to speak", DEVICE),)
    settings = ClientSettings(ops.host, ops.port, client_id=thief.id, protocol=stage.protocol, tls=tls)
    said = _publish(settings, str(topics.DeviceTopic(victim.id, "up", "tele", telemetry.STREAM)), thief)
    thief.live.connect()
    thief.live.publish_telemetry()
    own = until(lambda: stage.messages(thief) > 0)
    heard = stage.messages(victim) - before
    return (
        said,
        looked(heard == 0, f"{heard} messages arrived as the ventilator's", REGISTRY),
        looked(own, "under its own name it is heard, one message later", REGISTRY),
    )


def _publish(settings: ClientSettings, topic: str, thief: Unit) -> Said:
    link = MqttClient(settings, log=_silent)
    posture = telemetry.Posture(fw=telemetry.Firmware(sha256=TAMPERED))
    lie = telemetry.claims(
        posture,
        boot=99,
        seq=1,
        uptime=1,
        now=clock.now(),
        certificate_fingerprint=thief.known.fingerprint,
        anchor_fingerprint=bytes(32),
    )
    try:
        link.connect()
        link.publish(topic, lie, wait=5.0)
    except BridgeError as no:
        return looked(no.kind == "refused", no.problem, "MQTT broker")
    finally:
        link.disconnect()
    # MQTT 3.1.1 has no words for a refusal: what counts is that nothing arrives.
    return looked(
        settings.protocol == "3.1.1", "taken without a word and dropped (MQTT 3.1.1)", "MQTT broker"
    )


def stripped(victim: Certificate, key: HybridPrivateKey) -> Certificate:
    """The same certificate without its alternative parts, under the CA's classical signature only."""
    fields = victim.signed.fields
    kept = tuple(each.encode() for each in victim.extensions if each.oid not in oids.CATALYST)
    unsigned = Unsigned(fields[0] + fields[1], b"".join(fields[3:7]), kept, 3)
    return Certificate.parse(sign(unsigned, HybridPrivateKey(key.classical)))
