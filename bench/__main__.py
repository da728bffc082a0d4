"""`python -m bench [NAME ...] [--json FILE]`: measure all, or one; see docs/measured.md."""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path
from typing import Final

from bench.figures import Report, document, machine, table

BENCHES: Final = {
    "issuance": "hybrid certificates a second, the whole durable path",
    "peers": "durable certificates a second on both cores, beside OpenBao's",
    "verifying": "certificate paths a second, both signatures at every level",
    "crl": "revocation lists of 100,000 and a million entries; one revocation in a part",
    "status": "OCSP beside nginx, cfssl and OpenBao; a million certificates; revoked until seen",
    "enroll": "enrolment round trip over TLS MQTT, hello to confirm",
    "cut": "from a revocation's commit to the end of the device's session",
    "cli": "start of the command line",
}


def main() -> int:
    """0 when everything was measured, goals met or not; 1 where a bench could not run; 2 for a wrong name."""
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="\n".join(f"{name:10} {line}" for name, line in BENCHES.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="all, where none is named")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--list", action="store_true", help="only say which there are")
    asked = parser.parse_args()
    wrong = [name for name in asked.names if name not in BENCHES]
    if wrong:
        parser.error(f"no bench is called {wrong[0]!r}; there are {', '.join(BENCHES)}")
    if asked.list:
        print(parser.description)
        return 0
    print(machine())
    reports: dict[str, Report] = {}
    failed = [name for name in asked.names or BENCHES if not _one(name, reports)]
    if asked.json:
        asked.json.write_text(document(reports) + "\n")
    return 1 if failed else 0


def _one(name: str, reports: dict[str, Report]) -> bool:
    print(f"\n{name}: {BENCHES[name]}", flush=True)
    began = time.monotonic()
    try:
        report: Report = importlib.import_module(f"bench.{name}").measure()
    except Exception as failed:  # noqa: BLE001 - the other benches still run
        print(f"could not run: {type(failed).__name__}: {failed}", file=sys.stderr)
        return False
    reports[name] = report
    print(table(report.figures))
    for note in report.notes:
        print(f"  {note}")
    print(f"  ({time.monotonic() - began:.0f} s)", flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main())
