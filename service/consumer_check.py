"""Is what a consumer uses still fresh? Its lists and its responder's answers, beside what our store knows.

Levels: critical is what locks everybody out or lets anybody in; a warning lets in whom we revoked, or will
lapse; a note is a list that could be newer. Only reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pki import names, path_rules
from pki.crl_checks import verify_crl
from pki.crl_list import CertificateList
from pki.errors import MalformedInput, PkiError
from pki.name_comparison import same
from pki.tbs import Certificate
from registry.store.lists import DELTA, WHOLE, ListHead
from registry.store.unit_of_work import UnitOfWork
from service.authorities import KeyPlace, read_register
from service.authority import certificate_file
from service.checks import Check, Level
from service.consumer_ocsp import PREFIX, responder_checks
from service.consumer_place import HeldList, gaps, held_lists
from service.errors import ServiceError
from service.ocsp_query import SKEW
from service.pem import read_certificate
from service.runtime import Runtime

_LOOKED_BACK: Final = 256
"""Numbers that are tried for the list that followed the consumer's."""


@dataclass(frozen=True, slots=True)
class _Ca:
    name: str
    certificate: Certificate
    foreign: bool
    """Its lists are signed elsewhere: no number of theirs is known here."""


def examine_consumers(runtime: Runtime, places: Sequence[str]) -> tuple[Check, ...]:
    """What is to be said of each place; what cannot be reached or read is critical."""
    return tuple(check for place in places for check in _guarded(place, runtime))


def _guarded(place: str, runtime: Runtime) -> list[Check]:
    try:
        if place.lower().startswith(PREFIX):
            return list(responder_checks(place, runtime))
        return list(_place_checks(place, runtime))
    except (ServiceError, PkiError) as bad:
        return [Check(place, Level.CRITICAL, bad.problem, bad.next_step)]
    except Exception as broken:  # noqa: BLE001 - a check that crashes is never a pass
        return [Check(place, Level.CRITICAL, f"This check failed itself: {type(broken).__name__}: {broken}")]


def _place_checks(place: str, runtime: Runtime) -> Iterator[Check]:
    held, ours, known = held_lists(place), _our_cas(runtime), 0
    for name in gaps(held):
        message = f"openssl never reads {name}: the one before it is missing"
        yield Check(
            place, Level.CRITICAL, message, "Name the lists of one issuer HASH.r0, HASH.r1 and so on."
        )
    for each in held:
        label = f"{place} {each.name}".rstrip()
        try:
            crl = CertificateList.parse(each.der)
        except MalformedInput as bad:
            message = f"It does not read as a list: {bad.problem}"
            yield Check(label, Level.CRITICAL, message, "Fetch it again: medtrust crl fetch.")
            continue
        owner = _owner(crl, ours)
        known += owner is not None
        found = [*_name_checks(label, each, crl), *_time_checks(label, crl, runtime.ports.clock())]
        found += _foreign(label, crl, ours) if owner is None else _own_checks(label, crl, owner, runtime)
        worse = [check for check in found if check.level]
        yield from worse or found[-1:]
    if not known:
        message = "It holds no list of our CAs: whoever reads it learns of no revocation of ours"
        yield Check(place, Level.CRITICAL, message, "Fetch one: medtrust crl fetch URL --out FILE.")


def _our_cas(runtime: Runtime) -> list[_Ca]:
    entries = read_register(runtime.home).entries
    return [
        _Ca(e.name, read_certificate(certificate_file(runtime.home, e.name)), e.key_place is KeyPlace.FOREIGN)
        for e in entries
    ]


def _owner(crl: CertificateList, ours: Iterable[_Ca]) -> _Ca | None:
    for ca in ours:
        is_key = path_rules.subject_key(ca.certificate) == crl.authority_key_identifier
        if is_key and same(crl.issuer, ca.certificate.subject):
            return ca
    return None


def _name_checks(label: str, held: HeldList, crl: CertificateList) -> Iterator[Check]:
    wanted = held.misplaced(crl)
    if wanted:
        message = f"openssl looks for this issuer's list as {wanted} and does not find it"
        yield Check(label, Level.CRITICAL, message, "Rename it, or run openssl rehash over the folder.")


def _time_checks(label: str, crl: CertificateList, now: datetime) -> Iterator[Check]:
    left, life = crl.next_update - now, crl.next_update - crl.this_update
    step = "Let the consumer fetch it more often, and load it: medtrust crl fetch."
    until = f"{crl.next_update:%Y-%m-%d %H:%M}Z"
    if crl.next_update <= now:
        message = f"List {crl.crl_number} lapsed at {until}: the consumer locks every device out"
        yield Check(label, Level.CRITICAL, message, step)
    elif crl.this_update > now + SKEW:
        message = f"List {crl.crl_number} begins only at {crl.this_update:%Y-%m-%d %H:%M}Z"
        yield Check(label, Level.CRITICAL, message, "Set the clocks right.")
    elif left < life / 3:
        message = f"List {crl.crl_number} has less than a third of its life left, until {until}"
        yield Check(label, Level.WARNING, message, step)


def _foreign(label: str, crl: CertificateList, ours: Iterable[_Ca]) -> Iterator[Check]:
    namesake = next((ca.name for ca in ours if same(crl.issuer, ca.certificate.subject)), "")
    if namesake:
        message = f"A list under the name of {namesake}, by a key that is not its own"
        yield Check(label, Level.CRITICAL, message, "Find out who put it there; fetch ours.")
    else:
        message = (
            f"A list of {names.show(crl.issuer)}, which is none of our CAs: only its times were looked at"
        )
        yield Check(label, Level.NOTE, message)


def _own_checks(label: str, crl: CertificateList, ca: _Ca, runtime: Runtime) -> Iterator[Check]:
    refusing = [finding.message for finding in verify_crl(crl, ca.certificate) if finding.refuses]
    if refusing:
        step = "Find out who put it there; fetch ours: medtrust crl fetch."
        yield Check(
            label, Level.CRITICAL, f"A list of {ca.name} that is not to be believed: {refusing[0]}", step
        )
        return
    scope = _scope(crl)
    # Read after the consumer's: a list that is published in between makes it older, never newer.
    with runtime.store.read() as uow:
        newest = uow.lists.head(ca.name, scope)
        if newest is None and ca.foreign:
            yield Check(f"{label}: {ca.name}", Level.OK, f"list {crl.crl_number}, of another house")
            return
        if newest is None:
            message = f"List {crl.crl_number} of {ca.name} ({scope}) is one that we know nothing of"
            step = "Was the store restored from a backup? See: medtrust crl list."
            yield Check(label, Level.CRITICAL, message, step)
            return
        yield _number_check(f"{label}: {ca.name}", crl, newest, uow)


def _number_check(label: str, crl: CertificateList, newest: ListHead, uow: UnitOfWork) -> Check:
    number = crl.crl_number
    if number > newest.crl_number:
        message = f"List {number} is newer than our newest, {newest.crl_number}: our store is an older copy"
        return Check(label, Level.CRITICAL, message, "See: medtrust doctor, and docs/operating.md.")
    octets = uow.lists.octets(newest)
    if number == newest.crl_number:
        if crl.der != octets:
            message = f"There are two lists numbered {number}: theirs is signed by our key, too"
            return Check(label, Level.CRITICAL, message, "Find out who signs with this key.")
        return Check(label, Level.OK, f"list {number}, our newest, until {crl.next_update:%Y-%m-%d %H:%M}Z")
    since = f"{_overtaken_at(crl, newest, uow):%Y-%m-%d %H:%M:%S}Z"
    behind = f"List {number} is {newest.crl_number - number} numbers behind our newest, since {since}"
    step = "Let the consumer fetch it, and load it: medtrust crl fetch URL --out FILE."
    known = CertificateList.outline(octets).index
    lacking = 0 if crl.is_delta else sum(1 for _ in known.missing_from(crl.index))
    if lacking:
        return Check(label, Level.WARNING, f"{behind}: revoked certificates that it lets in: {lacking}", step)
    return Check(label, Level.NOTE, f"{behind}; it lacks no revoked certificate", step)


def _overtaken_at(crl: CertificateList, newest: ListHead, uow: UnitOfWork) -> datetime:
    """When the list that followed it began; lapsed ones are forgotten, and then it is the first known."""
    first = crl.crl_number + 1
    for number in range(first, min(newest.crl_number, first + _LOOKED_BACK)):
        head = uow.lists.by_number(newest.issuer, number)
        if head is not None and head.scope == newest.scope:
            return head.this_update
    return newest.this_update


def _scope(crl: CertificateList) -> str:
    if crl.is_delta:
        return DELTA
    if not crl.distribution_point:
        return WHOLE
    return crl.distribution_point[0].rpartition("/")[2].removesuffix(".crl")
