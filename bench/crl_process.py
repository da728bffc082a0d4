"""The measured side of `bench crl` in a process of its own: `python -m bench.crl_process FOLDER ENTRIES`.

Its output is one JSON document; its peak memory is its own and not the bench's.
"""

from __future__ import annotations

import json
import random
import resource
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from bench.house import ACTOR
from pki.algorithms import KeyAlgorithm
from pki.anchor import self_signed
from pki.crl import Frame, build_from_contents
from pki.issuer import Issuer
from pki.keys import HybridPrivateKey
from pki.profiles import ISSUING_CA, ROOT, StatusUrls, SubjectFacts
from pki.tbs import Certificate
from registry.list_scopes import ListSigner, scopes_changed
from registry.model.certificate import CertificateRecord, CertificateState, of_int
from registry.ports import Ports
from registry.publication import WHOLE, publish_lists
from registry.store.unit_of_work import Store
from service import clock
from service.home import Home, make_private, write_atomically
from service.publisher import Publisher

SEED = 7
_AT_ONCE = 20_000
_SHARDS = 256
_REVOCATIONS = 40
_URL = "http://127.0.0.1/crl/issuing.crl"


def serials(count: int) -> Iterator[int]:
    """The same for every side of the bench."""
    source = random.Random(SEED)
    return (source.getrandbits(127) | 1 << 126 for _ in range(count))


def main() -> None:
    """Fills a store, then builds, publishes, and revokes one by one."""
    folder, entries = Path(sys.argv[1]), int(sys.argv[2])
    home = Home(make_private(folder))
    make_private(home.public)
    ports = Ports(Store.open(f"sqlite:///{folder / 'registry.db'}"), clock.now, clock.entropy)
    _fill(entries, ports)
    signer = _signer()
    said: dict[str, object] = {"build": _build(signer, ports, folder)}
    said["peak_build"] = _peak()
    said["publish"] = _publish(signer, ports)
    said["peak_publish"] = _peak()
    said["one"] = _one_by_one(replace(signer, shards=_SHARDS), ports, home)
    ports.store.close()
    sys.stdout.write(json.dumps(said))


def _signer() -> ListSigner:
    """An issuing CA as `init` makes it, with a root above that is forgotten."""
    now = clock.now()
    root_key = HybridPrivateKey.generate(KeyAlgorithm.EC_P384, KeyAlgorithm.ML_DSA_87)
    root = self_signed(ROOT, SubjectFacts(common_name="Bench Root"), root_key, now=now, entropy=clock.entropy)
    above = Issuer(Certificate.parse(root.der), root_key, StatusUrls(crl=_URL))
    key = HybridPrivateKey.generate(KeyAlgorithm.EC_P256, KeyAlgorithm.ML_DSA_65)
    facts = SubjectFacts(common_name="Bench Issuing CA")
    token = above.prepare(ISSUING_CA, facts, key.public, now=now, entropy=clock.entropy)
    certificate = Certificate.parse(above.issue(token).der)
    return ListSigner("issuing", certificate, key, key.classical.public.key_identifier, url=_URL)


def _fill(entries: int, ports: Ports) -> None:
    records = map(_record, serials(entries))
    for _ in range(0, entries, _AT_ONCE):
        piece = [record for _, record in zip(range(_AT_ONCE), records, strict=False)]
        with ports.store.write() as uow:
            uow.revocations.add(piece)


def _record(serial: int) -> CertificateRecord:
    now = clock.now()
    return CertificateRecord(
        certificate_serial=of_int(serial),
        issuer="issuing",
        profile="device",
        subject="bench",
        state=CertificateState.REVOKED,
        not_before=now,
        not_after=now + timedelta(days=365),
        tbs_digest=b"",
        intended_at=now,
        reason="keyCompromise",
        revoked_at=now,
    )


def _build(signer: ListSigner, ports: Ports, folder: Path) -> dict[str, float]:
    """What `openssl ca -gencrl` does: read what is revoked, sign, write the file."""
    began, cpu = time.perf_counter(), time.process_time()
    with ports.store.read() as uow:
        contents = uow.revocations.contents(signer.issuer, not_expired_before=clock.now())
    now = clock.now()
    frame = Frame(
        issuer_name=signer.certificate.subject,
        authority_key_identifier=signer.key_identifier,
        crl_number=1,
        this_update=now,
        next_update=now + signer.lifetime,
    )
    write_atomically(folder / "built.crl", build_from_contents(frame, contents, signer.key))
    return {"wall": time.perf_counter() - began, "cpu": time.process_time() - cpu}


def _publish(signer: ListSigner, ports: Ports) -> dict[str, float]:
    """The use case: number, list, both signatures checked, compared with the last one, recorded, logged."""
    publish_lists(signer, [WHOLE], ACTOR, ports=ports)
    began, cpu = time.perf_counter(), time.process_time()
    publish_lists(signer, [WHOLE], ACTOR, ports=ports)
    return {"wall": time.perf_counter() - began, "cpu": time.process_time() - cpu}


def _one_by_one(signer: ListSigner, ports: Ports, home: Home) -> dict[str, float]:
    """From a revocation's commit to its part of the list on disk, files and folder synced; medians, ms."""
    publisher = Publisher(home, ports)
    publisher.publish(signer, [s for s in scopes_changed(signer, ports=ports) if s != WHOLE], ACTOR)
    walls, cpus = [], []
    for serial in range(1, _REVOCATIONS + 1):
        with ports.store.write() as uow:
            uow.revocations.add([_record(serial)])
        began, cpu = time.perf_counter(), time.process_time()
        parts = [scope for scope in scopes_changed(signer, ports=ports) if scope != WHOLE]
        publisher.publish(signer, parts, ACTOR)
        walls.append((time.perf_counter() - began) * 1e3)
        cpus.append((time.process_time() - cpu) * 1e3)
    size = (home.public / "crl" / "issuing" / f"{_SHARDS}-1.crl").stat().st_size
    return {"wall": statistics.median(walls), "cpu": statistics.median(cpus), "bytes": size}


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
