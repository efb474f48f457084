"""People in the evidence: under pseudonyms, with facts of their identity kept enciphered."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from archive import custody
from archive.proof import events
from evidence import access, records
from evidence.models.case import Case
from evidence.models.item import EvidenceItem
from evidence.models.person import Person, PersonFact
from evidence.models.protected_text import ProtectedText


class TakenError(ValueError):
    """The case has somebody of that pseudonym already."""


class NoPurposeError(ValueError):
    """Nobody is told who somebody is without saying what for."""


def standing(case: Case) -> list[Person]:
    """Return the case's people as they stand, by pseudonym."""
    return sorted(Person.standing().filter(case=case), key=lambda one: one.pseudonym)


def named(case: Case, persons: set[uuid.UUID]) -> dict[uuid.UUID, Person]:
    """Return the standing rows of those people of the case, by the id that their rows share."""
    rows = Person.standing().filter(case=case, person__in=persons)
    return {row.person: row for row in rows}


def describe(
    case: Case, *, pseudonym: str, user: User, now: datetime, of: Person | None = None, **said: Any
) -> Person:
    """Record somebody under a pseudonym, or correct what is said of a person (``of``).

    Raises TakenError when the case has another of that pseudonym.
    """
    shared = {"person": of.person, "supersedes": of} if of else {}
    row = records.made(
        Person, user=user, now=now, case=case, pseudonym=pseudonym, **{**said, **shared}
    )
    with custody.recording(actor=access.actor_of(user, case), now=now) as log:
        Case.objects.select_for_update().get(pk=case.pk)  # two of one pseudonym wait here
        others = Person.standing().filter(case=case, pseudonym__iexact=row.pseudonym)
        if others.exclude(person=row.person).exists():
            raise TakenError(
                _("There is a {pseudonym} in this case already.").format(pseudonym=row.pseudonym)
            )
        return records.keep(
            log,
            row,
            events.PersonRecorded,
            case=str(case.pk),
            person=str(row.person),
            protected_status=row.protected_status,
        )


def keep_fact(
    person: Person,
    *,
    kind: str,
    value: str,
    user: User,
    now: datetime,
    asserted_in: EvidenceItem | None = None,
    verification: str = "",
) -> PersonFact:
    """Keep, enciphered, a fact of an identity as somebody asserts it."""
    row = records.made(
        PersonFact,
        user=user,
        now=now,
        person=person.person,
        case=person.case,
        kind=kind,
        value=value,
        asserted_in=asserted_in,
        verification=verification,
    )
    with custody.recording(actor=access.actor_of(user, person.case), now=now) as log:
        return records.keep(
            log,
            row,
            events.PersonFactRecorded,
            case=str(person.case_id),
            person=str(person.person),
            fact=kind,
        )


def reveal(fact: PersonFact, *, purpose: str, user: User, now: datetime) -> str:
    """Return the fact's value; the ledger tells who saw it and, sealed, what for.

    Raises NoPurposeError without a purpose.
    """
    if not purpose.strip():
        raise NoPurposeError(_("Say what you need it for; that is recorded."))
    with custody.recording(actor=access.actor_of(user, fact.case), now=now) as log:
        log.add(
            events.IdentityRevealed(
                case=str(fact.case_id),
                person=str(fact.person),
                fact=fact.kind,
                record=str(fact.pk),
                purpose=purpose.strip(),
            )
        )
    return str(fact.value)


def facts_of(person: Person) -> list[PersonFact]:
    """Return what is known of somebody's identity, without the values: those are not read."""
    protected = [
        field.name
        for field in PersonFact._meta.concrete_fields  # noqa: SLF001  Django's own way to ask
        if isinstance(field, ProtectedText)
    ]
    rows = PersonFact.standing().filter(person=person.person, case=person.case)
    return list(rows.defer(*protected).order_by("kind", "recorded_at"))
