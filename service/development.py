"""Development CAs: marked in every certificate, refused where nobody said that this is development."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import ClassVar, Final

from pki import names, oids
from pki.tbs import Certificate
from service.errors import Kind, ServiceError

DEVELOPMENT_ORGANIZATION: Final = "medtrust DEVELOPMENT ONLY"
ENVIRONMENT: Final = "MEDTRUST_ENV"
_DEVELOPMENT: Final = "development"


class DevelopmentOnly(ServiceError):
    """A development CA outside development: others may hold its keys."""

    kind: ClassVar[Kind] = "refused"


def refuse_development(root: Certificate, environment: Mapping[str, str] = os.environ) -> None:
    """DevelopmentOnly where the root's O says so and MEDTRUST_ENV does not."""
    organizations = [a.value for a in names.parse(root.subject) if a.oid == oids.ORGANIZATION]
    if DEVELOPMENT_ORGANIZATION in organizations and environment.get(ENVIRONMENT) != _DEVELOPMENT:
        raise DevelopmentOnly(
            f"This CA is for development: its organization is {DEVELOPMENT_ORGANIZATION!r}.",
            next_step=f"Make a CA of your own: medtrust init. At a desk: {ENVIRONMENT}={_DEVELOPMENT}.",
            field="ca.organization",
        )
