"""What one judgement may cost: a hostile chain ends at a limit, with a finding."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Final

from pki.algorithms import PublicKey, SignatureAlgorithm
from pki.errors import Kind, PkiError

MAX_SIGNATURES: Final = 128
"""Signature verifications in one call: eight levels with two signatures, lists and responses, with room."""
MAX_COMPARISONS: Final = 50_000
"""Names held against name constraints in one call."""


class WorkExhausted(PkiError):
    """The limit was reached before there was an answer; what is not known to be good is refused."""

    kind: ClassVar[Kind] = "refused"


@dataclass(slots=True)
class Work:
    """Counts what one call does. It belongs to that call alone."""

    signatures: int = 0
    """Signatures verified; what a cache answers is not counted."""
    comparisons: int = 0
    known: dict[tuple[bytes, bytes, str], list[bool]] = field(default_factory=dict, repr=False)
    """Answers of this call: (issuer's key, certificate, which signature), one each."""

    def verify(self, key: PublicKey, algorithm: SignatureAlgorithm, signature: bytes, data: bytes) -> bool:
        """`key.verify`, counted."""
        self.sign_checks(1)
        return key.verify(algorithm, signature, data)

    def sign_checks(self, count: int) -> None:
        """Announces verifications that somebody else makes: a list's, a response's."""
        if self.signatures + count > MAX_SIGNATURES:
            raise WorkExhausted(
                f"More than {MAX_SIGNATURES} signatures would have to be verified.", field="signatures"
            )
        self.signatures += count

    def compare(self, count: int) -> None:
        """Announces comparisons of names with constraints."""
        if self.comparisons + count > MAX_COMPARISONS:
            problem = f"More than {MAX_COMPARISONS} names would have to be held against constraints."
            raise WorkExhausted(problem, field="nameConstraints")
        self.comparisons += count
