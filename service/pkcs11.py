"""Classical CA keys in a PKCS#11 token: made there, never leaving it. A provider like the others.

What stands for a key outside is a reference, a PKCS#11 URI (RFC 7512) with the public key's hash; it lies in
the same sealed envelope as a key would, so whoever cannot open the envelope cannot point it elsewhere.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote, unquote

from pki import asn1
from pki.algorithms import PrivateKey, signature_algorithm_of
from pki.errors import AlgorithmUnavailable, MalformedInput
from pki.providers.interface import KeyAlgorithm, Provider, SignatureAlgorithm
from pki.providers.routing import OPENSSL
from service.errors import BadSetting, ServiceError
from service.pkcs11_sessions import Session, Sessions, TokenPlace, TokenRefused, find_token

_EC_KEY: Final = "1.2.840.10045.2.1"
_CURVES: Final = {
    KeyAlgorithm.EC_P256: ("1.2.840.10045.3.1.7", hashlib.sha256),
    KeyAlgorithm.EC_P384: ("1.3.132.0.34", hashlib.sha384),
}
_REFERENCE: Final = re.compile(
    rb"pkcs11:token=([A-Za-z0-9%._~-]{1,96});id=((?:%[0-9A-F]{2}){16});type=private"
    rb"\?x-spki-sha256=([0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A private key in the token, as others may see it."""

    algorithm: KeyAlgorithm
    identifier: bytes
    """CKA_ID, 16 random octets."""
    spki: bytes


class Pkcs11(Provider):
    """ECDSA P-256 and P-384 in a token; public keys are OpenSSL's business."""

    name = "pkcs11"

    def __init__(self, place: TokenPlace) -> None:
        self._place, self._sessions = place, Sessions(place)

    def close(self) -> None:
        """Logs out; the next use logs in again."""
        self._sessions.close()

    def supports(self, algorithm: KeyAlgorithm) -> bool:
        """The two curves that every token has."""
        return algorithm in _CURVES

    def generate(self, algorithm: KeyAlgorithm, label: str = "medtrust") -> TokenKey:
        """A new pair in the token, sensitive and not extractable; TokenRefused where it would be.

        `label` is for people who look into the token: nothing here searches by it.
        """
        if algorithm not in _CURVES:
            raise AlgorithmUnavailable(
                f"No {algorithm} key is made in a PKCS#11 token here.",
                next_step="Choose a profile with EC P-256 or P-384 as its main key.",
                field=str(algorithm),
            )
        return self._sessions.run(lambda session: _generate(session, algorithm, label))

    def load_private(self, pkcs8: bytes) -> tuple[KeyAlgorithm, TokenKey]:
        """From a reference, as `private_bytes` gives it; a key in clear is not brought into a token."""
        found = _REFERENCE.fullmatch(pkcs8)
        if found is None:
            raise MalformedInput(
                "This is no reference to a key in a token.",
                next_step="Keys are made in the token; none is brought there.",
                field="private key",
            )
        label, identifier = unquote(found[1].decode()), bytes.fromhex(found[2].decode().replace("%", ""))
        if label != self._place.label:
            raise BadSetting(
                f"The key is in the token {label!r}; the settings name {self._place.label!r}.",
                next_step="Correct ca.pkcs11.token.",
                field="ca.pkcs11.token",
            )
        key = self._sessions.run(lambda session: _find(session, identifier))
        if hashlib.sha256(key.spki).hexdigest() != found[3].decode():
            raise TokenRefused(
                "The key in the token is another one than the CA's.",
                next_step="Put the token in that belongs to this home.",
                field="ca.pkcs11.token",
            )
        return key.algorithm, key

    def load_public(self, spki: bytes) -> tuple[KeyAlgorithm, object]:
        """As OpenSSL reads it."""
        return OPENSSL.load_public(spki)

    def private_bytes(self, handle: object) -> bytes:
        """The reference: the key itself never leaves the token."""
        key = _ours(handle)
        identifier = "".join(f"%{octet:02X}" for octet in key.identifier)
        label = quote(self._place.label, safe="")
        digest = hashlib.sha256(key.spki).hexdigest()
        return f"pkcs11:token={label};id={identifier};type=private?x-spki-sha256={digest}".encode()

    def public_bytes(self, handle: object) -> bytes:
        """SubjectPublicKeyInfo DER."""
        return _ours(handle).spki

    def sign(self, handle: object, algorithm: SignatureAlgorithm, data: bytes) -> bytes:
        """ECDSA-Sig-Value DER (RFC 5480 appendix A) over data hashed here, checked before release.

        TokenRefused where it is not this key's: no handle of the token is believed blindly.
        """
        key = _ours(handle)
        if algorithm is not signature_algorithm_of(key.algorithm):
            raise MalformedInput(f"A {key.algorithm} key does not sign with {algorithm}.", field="algorithm")
        digest = _CURVES[key.algorithm][1](data).digest()
        signature = _der(self._sessions.run(lambda session: _sign(session, key.identifier, digest)))
        if not OPENSSL.verify(OPENSSL.load_public(key.spki)[1], algorithm, signature, data):
            raise TokenRefused(
                "The token's signature is not the key's; it was thrown away.",
                next_step="Sign nothing more with this token before it was examined.",
                field="ca.pkcs11",
            )
        return signature

    def verify(self, handle: object, algorithm: SignatureAlgorithm, signature: bytes, data: bytes) -> bool:
        """As OpenSSL verifies it: the token is not asked for what is public."""
        return OPENSSL.verify(handle, algorithm, signature, data)


@lru_cache(maxsize=4)
def token_at(place: TokenPlace) -> Pkcs11:
    """The one provider of a place: PKCS#11 modules and logins belong to the whole process."""
    return Pkcs11(place)


def is_reference(secret: bytes) -> bool:
    """Whether an opened envelope holds a reference and no key."""
    return secret.startswith(b"pkcs11:")


def key_at(place: TokenPlace | None, reference: bytes) -> PrivateKey:
    """The key that a reference names; BadSetting where no token is set."""
    token = token_at(required(place))
    return PrivateKey.held_by(token, *token.load_private(reference))


def new_key(place: TokenPlace | None, algorithm: KeyAlgorithm, *, label: str = "medtrust") -> PrivateKey:
    """A fresh key in the token; BadSetting where no token is set."""
    token = token_at(required(place))
    return PrivateKey.held_by(token, algorithm, token.generate(algorithm, label))


def token_problem(place: TokenPlace | None) -> str:
    """Why the token cannot be used, without a login; empty where it is there."""
    try:
        find_token(required(place))
    except ServiceError as bad:
        return bad.problem
    return ""


def required(place: TokenPlace | None) -> TokenPlace:
    """The place; BadSetting where the settings have none."""
    if place is None:
        raise BadSetting(
            "A CA's key is in a PKCS#11 token, and the settings name none.",
            next_step="Set module, token and pin_file under [ca.pkcs11].",
            field="ca.pkcs11",
        )
    return place


def _ours(handle: object) -> TokenKey:
    if not isinstance(handle, TokenKey):
        raise MalformedInput("The key is not in a token.", field="private key")
    return handle


def _generate(session: Session, algorithm: KeyAlgorithm, label: str) -> TokenKey:
    from pkcs11 import Attribute, KeyType, MechanismFlag

    identifier = os.urandom(16)
    curve = {Attribute.EC_PARAMS: asn1.oid(_CURVES[algorithm][0])}
    parameters = session.raw.create_domain_parameters(KeyType.EC, curve, local=True)
    wanted = {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False, Attribute.PRIVATE: True}
    public, private = parameters.generate_keypair(
        id=identifier,
        label=label,
        store=True,
        capabilities=MechanismFlag.SIGN | MechanismFlag.VERIFY,
        private_template=wanted,
    )
    if not private[Attribute.NEVER_EXTRACTABLE] or not private[Attribute.ALWAYS_SENSITIVE]:
        private.destroy()
        public.destroy()
        raise TokenRefused(
            "The token would give the key away: it is not marked as never extractable.",
            next_step="Use a token, or a mode of it, that keeps private keys.",
            field="ca.pkcs11",
        )
    return _find(session, identifier)


def _find(session: Session, identifier: bytes) -> TokenKey:
    from pkcs11 import Attribute, ObjectClass

    found = list(session.raw.get_objects({Attribute.CLASS: ObjectClass.PUBLIC_KEY, Attribute.ID: identifier}))
    if len(found) != 1:
        raise TokenRefused(
            f"The token holds {len(found)} keys of the id {identifier.hex()}.",
            next_step="Put the token in that belongs to this home.",
            field="ca.pkcs11.token",
        )
    parameters, point = found[0][Attribute.EC_PARAMS], found[0][Attribute.EC_POINT]
    inner = asn1.content(point, asn1.whole(point, asn1.OCTET_STRING, "EC_POINT"))
    spki = asn1.sequence(asn1.sequence(asn1.oid(_EC_KEY), parameters), asn1.bit_string(inner))
    return TokenKey(OPENSSL.load_public(spki)[0], identifier, spki)


def _sign(session: Session, identifier: bytes, digest: bytes) -> bytes:
    from pkcs11 import Mechanism, ObjectClass

    key: Any = session.found.get(identifier)
    if key is None:
        key = session.found[identifier] = session.raw.get_key(ObjectClass.PRIVATE_KEY, id=identifier)
    return bytes(key.sign(digest, mechanism=Mechanism.ECDSA))


def _der(raw: bytes) -> bytes:
    """PKCS#11's r and s, each half of the octets, as ECDSA-Sig-Value."""
    half = len(raw) // 2
    return asn1.sequence(*(asn1.integer(int.from_bytes(part, "big")) for part in (raw[:half], raw[half:])))
