"""Which product a UDI-DI is: the seed catalogue, and a hospital's own file laid over it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Protocol

from registry.identity.seed_catalogue import DEMO_PRODUCTS, FDA_TYPES, HOSPITAL_TYPES
from registry.model.errors import BadInput
from registry.model.product import Product

OVERLAY_SOURCE = "hospital"
_FACTS = {
    "device_name": str,
    "brand_name": str,
    "company_name": str,
    "version_model_number": str,
    "device_class": str,
    "regulation_number": str,
    "medical_specialty": str,
    "life_sustain_support": bool,
    "implant": bool,
}
"""What an overlay's table may say besides `type`."""
_LONGEST_DI = 64
_GTIN_LENGTHS = (8, 12, 13)


class Catalogue(Protocol):
    """Anything that knows products: the seed, an overlay, or the imported FDA files."""

    def product(self, udi_di: str) -> Product | None:
        """The product of a UDI-DI in the form GUDID lists it, or None."""

    def product_by_code(self, code: str) -> Product | None:
        """The device type of an FDA product code (three letters), or None."""

    def search(self, text: str) -> tuple[Product, ...]:
        """Types and products that hold every word of the text, without regard to case."""


@dataclass(frozen=True, slots=True)
class SeedCatalogue:
    """A catalogue in memory."""

    by_code: Mapping[str, Product]
    by_di: Mapping[str, Product]
    hospital_types: tuple[Product, ...]

    def product(self, udi_di: str) -> Product | None:
        """Exact first; a shorter GTIN is then padded to GUDID's fourteen digits. Nothing is guessed."""
        found = self.by_di.get(udi_di)
        if found is None and len(udi_di) in _GTIN_LENGTHS and udi_di.isascii() and udi_di.isdecimal():
            found = self.by_di.get(udi_di.zfill(14))
        return found

    def product_by_code(self, code: str) -> Product | None:
        """The type behind three letters, in any case."""
        return self.by_code.get(code.strip().upper())

    def hospital_type(self, device_name: str) -> Product | None:
        """One of the hospital's own non-clinical types by its name, in any case."""
        wanted = device_name.strip().casefold()
        return next((own for own in self.hospital_types if own.device_name.casefold() == wanted), None)

    def search(self, text: str) -> tuple[Product, ...]:
        """Every word must stand in the code, the names or the DI; products come before types."""
        words = text.casefold().split()
        if not words:
            return ()
        everything = (*self.by_di.values(), *self.by_code.values(), *self.hospital_types)
        return tuple(product for product in everything if _holds(product, words))


def overlay_from_toml(text: str | bytes, *, base: SeedCatalogue | None = None) -> SeedCatalogue:
    """A `[udi_di]` table of UDI-DI -> type laid over the base catalogue; the hospital's word wins.

    A value is an FDA product code or a hospital type's name (`"0952..." = "FRN"`), or a table with `type`
    and further facts. Raises BadInput naming the entry.
    """
    under = SEED if base is None else base
    entries = _entries(text)
    found = {udi_di: _overlaid(udi_di, value, under) for udi_di, value in entries.items()}
    return replace(under, by_di=MappingProxyType({**under.by_di, **found}))


def _entries(text: str | bytes) -> dict[str, Any]:
    try:
        document = tomllib.loads(text if isinstance(text, str) else text.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as refusal:
        raise BadInput(
            f"The catalogue overlay is no TOML: {refusal}.", next_step="Correct that line.", field="catalogue"
        ) from refusal
    unknown = sorted(document.keys() - {"udi_di"})
    entries = document.get("udi_di", {})
    if unknown or not isinstance(entries, dict):
        raise BadInput(
            f"The catalogue overlay has one table, [udi_di]; found {', '.join(unknown) or 'a value'}.",
            next_step='Write entries as "<UDI-DI>" = "<product code>" under [udi_di].',
            field="catalogue",
        )
    return entries


def _overlaid(udi_di: str, value: object, base: SeedCatalogue) -> Product:
    field = f"udi_di.{udi_di}"
    if not (udi_di.isascii() and udi_di.isprintable() and 0 < len(udi_di) <= _LONGEST_DI):
        raise BadInput(
            f"A UDI-DI has 1 to {_LONGEST_DI} printable characters.",
            next_step="Copy it from GUDID.",
            field=field,
        )
    facts: dict[str, Any] = dict(value) if isinstance(value, dict) else {"type": value}
    type_ = facts.pop("type", None)
    for name, fact in facts.items():
        if type(fact) is not _FACTS.get(name):
            raise BadInput(
                f"{name} is no fact of a product, or is of the wrong kind.",
                next_step=f"Known facts: type, {', '.join(_FACTS)}.",
                field=f"{field}.{name}",
            )
    return replace(_type(type_, facts, base, field=field), udi_di=udi_di, source=OVERLAY_SOURCE, **facts)


def _type(type_: object, facts: dict[str, Any], base: SeedCatalogue, *, field: str) -> Product:
    if isinstance(type_, str):
        known = base.product_by_code(type_) or base.hospital_type(type_)
        if known is not None:
            return known
        if len(type_) == 3 and type_.isascii() and type_.isalpha() and "device_name" in facts:
            return Product(product_code=type_.upper(), device_name=facts["device_name"])
    raise BadInput(
        f"The type of {field} is not in the catalogue.",
        next_step="Give an FDA product code or a hospital type; add device_name for an unknown code.",
        field=field,
    )


def _holds(product: Product, words: Iterable[str]) -> bool:
    texts = (
        product.product_code,
        product.device_name,
        product.brand_name,
        product.company_name,
        product.version_model_number,
        product.udi_di,
    )
    joined = " ".join(text for text in texts if text).casefold()
    return all(word in joined for word in words)


SEED = SeedCatalogue(
    by_code=MappingProxyType({type_.product_code: type_ for type_ in FDA_TYPES if type_.product_code}),
    by_di=MappingProxyType({product.udi_di: product for product in DEMO_PRODUCTS if product.udi_di}),
    hospital_types=HOSPITAL_TYPES,
)
"""What a fresh machine knows without any download."""
