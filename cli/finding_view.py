"""Findings of any package as rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol


class Finding(Protocol):
    """What pki's and the registry's findings have in common."""

    @property
    def rule(self) -> str:
        """`domain.rule_in_words`."""
        ...

    @property
    def severity(self) -> str:
        """fatal, error, warning or notice."""
        ...

    @property
    def message(self) -> str:
        """For people."""
        ...

    @property
    def subject(self) -> str:
        """The input it rests on."""
        ...


def finding_rows(findings: Iterable[Finding]) -> list[dict[str, object]]:
    """A row a finding, in order, none twice."""
    rows: list[dict[str, object]] = []
    for found in findings:
        row: dict[str, object] = {
            "rule": found.rule,
            "severity": str(found.severity),
            "message": found.message,
            "subject": found.subject,
        }
        if row not in rows:
            rows.append(row)
    return rows
