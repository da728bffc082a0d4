"""Lint rules of the chain above: what the issuer may sign, as its own certificate and those above it say.

A trust anchor has nothing above it; its context says so, and these rules are silent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pki.algorithms import component_spkis
from pki.errors import PkiError
from pki.findings import Finding, error
from pki.lint_context import Rule, Twin
from pki.path_work import Work
from pki.profiles import Kind

_MAY_OUTLAST: Final = frozenset({Kind.ROOT, Kind.CA, Kind.OCSP})


def path_length(twin: Twin) -> Iterator[Finding]:
    """RFC 5280 4.2.1.9: a CA below another leaves the path length of every one above intact."""
    left = twin.context.chain.path_length
    if left is None or not twin.profile.ca:
        return
    if left == 0:
        yield error("chain.path_length_exhausted", "This CA may not certify another CA.", "pathLenConstraint")
    elif twin.profile.path_length is None or twin.profile.path_length >= left:
        message = f"The path length would be {twin.profile.path_length}; {left - 1} is what is left above."
        yield error("chain.path_length_too_long", message, "pathLenConstraint")


def names_permitted(twin: Twin) -> Iterator[Finding]:
    """RFC 5280 4.2.1.10: no name that a CA above excludes or does not permit."""
    constraints = twin.context.chain.constraints
    if constraints is None:
        return
    try:
        findings = list(constraints.findings(twin.certificate, Work(), "certificate"))
    except PkiError as bad:
        yield error("chain.names_not_comparable", bad.problem, bad.field)
        return
    for finding in findings:
        yield error("chain.name_not_permitted", finding.message, finding.rule)


def key_is_new(twin: Twin) -> Iterator[Finding]:
    """Our own rule: no key of the chain, nor half of one, is certified again below it."""
    public = twin.context.public
    mine = {spki for key in (public.classical, public.alternative) if key for spki in component_spkis(key)}
    if mine & twin.context.chain.keys:
        yield error("chain.key_is_the_issuers", "The subject's key is the CA's own.", "key")
    if public.alternative is not None and public.alternative.spki == public.classical.spki:
        yield error("chain.key_twice", "Main and alternative key are the same.", "key")


def issuer_form(twin: Twin) -> Iterator[Finding]:
    """The profile's [issuer] table: which forms of a CA may sign it."""
    form, allowed = twin.context.chain.form, twin.profile.issuer_forms
    if form is not None and allowed and form not in allowed:
        message = f"Profile {twin.profile.name} is not signed by a CA of the form {form}."
        yield error("chain.issuer_form_not_allowed", message, str(form))


def issuer_stands_as_long(twin: Twin) -> Iterator[Finding]:
    """Our own rule: a main key that resists quantum computers is not vouched for by a CA that does not.

    CAs are excepted, for a roll-over signs the new root by the old one. A catalyst subject is not meant: its
    classical half needs no more, and verifiers call it classical-valid.
    """
    chain, main = twin.context.chain, twin.certificate.public_key.algorithm
    vouched = chain.form is None or chain.resists_quantum or twin.profile.kind in _MAY_OUTLAST
    if main.resists_quantum and not vouched:
        message = "The issuer falls to a quantum computer before the key that it would vouch for."
        yield error("chain.issuer_falls_first", message, str(chain.form))


RULES: Final[tuple[Rule, ...]] = (
    *(path_length, names_permitted, key_is_new, issuer_form, issuer_stands_as_long),
)
