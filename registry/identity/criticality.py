"""How critical a product is, by rules that a person can read and the hospital can replace.

FDA's life-sustaining flag is one input: it raises, its absence lowers nothing (FRN, MEA and MKJ carry N).
Every rule is tried; where several hold, the most critical decides. No rule, no product: UNKNOWN.
"""

from __future__ import annotations

from dataclasses import dataclass

from registry.identity.criticality_rules import RULES, CriticalityRule
from registry.model.criticality import Criticality
from registry.model.product import CriticalityJudgement, Product

_MOST_CRITICAL_FIRST = (
    Criticality.LIFE_SUSTAINING,
    Criticality.THERAPY,
    Criticality.MONITORING,
    Criticality.DIAGNOSTIC,
    Criticality.NON_CLINICAL,
)


@dataclass(frozen=True, slots=True)
class _Vote:
    criticality: Criticality
    reason: str


def judge_criticality(
    product: Product | None, *, rules: tuple[CriticalityRule, ...] = RULES
) -> CriticalityJudgement:
    """The judgement and its reasons, the deciding one first. Never raises."""
    if product is None:
        return _unknown("No product is known for this device, so it counts as life-sustaining.")
    votes = [vote for rule in rules if (vote := _vote(rule, product)) is not None]
    if product.life_sustain_support:
        votes.append(_Vote(Criticality.LIFE_SUSTAINING, "fda_flag: FDA flags this type as life-sustaining."))
    if not votes:
        return _unknown(*_silent(product))
    votes.sort(
        key=lambda vote: _MOST_CRITICAL_FIRST.index(vote.criticality)
    )  # stable: rule order breaks ties
    return CriticalityJudgement(
        votes[0].criticality, (*(vote.reason for vote in votes), *_flag_remark(product))
    )


def _vote(rule: CriticalityRule, product: Product) -> _Vote | None:
    """What of the product the rule rests on is said with its reason."""
    ground = _ground(rule, product)
    return None if ground is None else _Vote(rule.criticality, f"{rule.name}: {rule.reason} ({ground}).")


def _ground(rule: CriticalityRule, product: Product) -> str | None:
    code = (product.product_code or "").strip().upper()
    if code and code in rule.product_codes:
        return f"product code {code}"
    regulation = (product.regulation_number or "").strip()
    if regulation and regulation.startswith(rule.regulations):
        return f"21 CFR {regulation}"
    name = product.device_name.casefold()
    word = next((word for word in rule.name_words if word in name), None)
    if word is not None:
        return f"the name holds '{word}'"
    if rule.implants and product.implant:
        return "FDA's implant flag"
    if code == "" and product.source in rule.own_sources and name in rule.own_types:
        return f"type '{product.device_name}'"
    return None


def _flag_remark(product: Product) -> tuple[str, ...]:
    if product.product_code is None:
        return ()
    if product.life_sustain_support is None:
        return ("FDA's life-sustaining flag is blank: unknown, which is not no.",)
    return (
        () if product.life_sustain_support else ("FDA's life-sustaining flag says N, which lowers nothing.",)
    )


def _silent(product: Product) -> tuple[str, ...]:
    facts = (
        f"product code {product.product_code or 'not known'}, "
        f"regulation {product.regulation_number or 'not known'}, class {product.device_class or 'not known'}"
    )
    sentence = f"No rule covers '{product.device_name}' ({facts}), so it counts as life-sustaining."
    return (sentence, *_flag_remark(product))


def _unknown(*reasons: str) -> CriticalityJudgement:
    return CriticalityJudgement(Criticality.UNKNOWN, reasons)
