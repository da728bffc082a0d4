"""[ca.pkcs11]: where a token with CA keys is, raw and checked."""

from __future__ import annotations

from pathlib import Path

import msgspec

from service.errors import BadSetting
from service.pkcs11_sessions import TokenPlace

_LONGEST_LABEL = 32


class RawPkcs11(msgspec.Struct, forbid_unknown_fields=True):
    """[ca.pkcs11]"""

    module: str = ""
    token: str = ""
    pin_file: str = ""


def token_place(raw: RawPkcs11, root: Path) -> TokenPlace | None:
    """The token; None where none is set. BadSetting where a part is missing; paths start at the home."""
    given = (raw.module, raw.token, raw.pin_file)
    if not any(given):
        return None
    # PKCS#11 2.40, CK_TOKEN_INFO: 32 octets of UTF-8.
    if not all(given) or not raw.token.isprintable() or len(raw.token.encode()) > _LONGEST_LABEL:
        raise BadSetting(
            "ca.pkcs11 needs all three: module, token (a label of at most 32 octets) and pin_file.",
            next_step="Complete the section [ca.pkcs11], or remove it.",
            field="ca.pkcs11",
        )
    module, pin_file = ((root / Path(path).expanduser()).absolute() for path in (raw.module, raw.pin_file))
    return TokenPlace(module, raw.token, pin_file)
