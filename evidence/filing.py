"""Files what a filled form says: from words and pseudonyms to rows, for pages and programs alike.

One function for each form whose answers name people, parties or passages in words.
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404
from django.utils.translation import gettext as _

from archive import custody
from evidence import (
    access,
    assessing,
    claiming,
    classifying,
    forms,
    identifying,
    importing,
    persons,
    records,
    redacting,
    testimony,
)
from evidence.models.agent import Agent
from evidence.models.case import Case
from evidence.models.claim import Claim
from evidence.models.item import EvidenceItem
from evidence.models.person import Person
from evidence.models.redaction import RedactionRequest
from evidence.models.statement import SegmentText, Statement
from evidence.parties import party

#: What a person can put right by saying it otherwise.
WRONG = (
    testimony.UnclearError,
    claiming.UnclearError,
    assessing.UnclearError,
    assessing.NotCorroboratedError,
    records.SupersededError,
    persons.TakenError,
    persons.NoPurposeError,
)


def tried(act: Callable[[], Any]) -> str:
    """Do all of an act or nothing; return in words what was wrong."""
    try:
        with custody.writing():
            act()
    except WRONG as error:
        return str(error)
    return ""


def claim(case: Case, said: dict[str, Any], *, user: User, now: datetime) -> Claim:
    """Record the claim of a filled ClaimForm."""
    said = dict(said)
    parties: dict[str, Any] = {
        "about": _parties(case, said.pop("about"), make=False),
        "made_by": _parties(case, said.pop("made_by"), make=True),
        "reported_by": _parties(case, said.pop("reported_by"), make=True),
        "asserted_in": said.pop("item"),
    }
    return claiming.claim(case, user=user, now=now, **said, **parties)


def statement(item: EvidenceItem, given: dict[str, Any], *, user: User, now: datetime) -> None:
    """Record a statement; ``given``: its filled ``form``, ``steps``, ``passages``, ``claims``."""
    by: dict[str, Any] = {"user": user, "now": now}
    standing = testimony.standing(item)
    said = _with_what_is_kept(
        dict(given["form"].cleaned_data), standing.statement, forms.StatementForm.KEPT
    )
    status = said.pop("protected_status")
    authority = party(said.pop("detaining_authority"), kind=Agent.Kind.ORGANISATION)
    if authority is None and standing.statement and standing.statement.detaining_authority:
        held = standing.statement.detaining_authority
        authority = held if held.is_protected else None
    testimony.record(
        item,
        **by,
        **{
            **said,
            "declarant": _person(item, said["declarant"], status=status, by=by),
            "detaining_authority": authority,
            "persons_present": _rows(said["persons_present"], ("name", "role")),
            "signatures": _rows(said["signatures"], ("name", "status", "reason")),
        },
    )
    order = len(standing.steps)
    for step in given["steps"]:
        if step.is_given():
            order += 1
            facts = dict(step.cleaned_data)
            testimony.mediate(
                item,
                order=order,
                **by,
                **{
                    **facts,
                    "mediator": party(facts["mediator"], kind=Agent.Kind.PERSON, protected=True),
                    "affiliation": party(facts["affiliation"], kind=Agent.Kind.ORGANISATION),
                },
            )
    words = _words(item, said["language_original"], given["passages"], by=by)
    for row in given["claims"]:
        _row_claim(item, row.cleaned_data, words, status=status, by=by)


def document(item: EvidenceItem, said: dict[str, Any], *, user: User, now: datetime) -> None:
    """Record what a filled DocumentForm says."""
    by: dict[str, Any] = {"user": user, "now": now}
    status = "pow" if "identifiable_pow" in item.markers else "unknown"
    before = identifying.standing(item).said
    said = _with_what_is_kept(said, before, forms.DocumentForm.KEPT)
    found_by = party(said["found_by"])
    if found_by is None and before and before.found_by and before.found_by.is_protected:
        found_by = before.found_by
    identifying.describe(
        item,
        **by,
        **{
            **said,
            "bearer": _person(item, said["bearer"], status=status, by=by),
            "rightful_holder": _person(item, said["rightful_holder"], status="unknown", by=by),
            "found_by": found_by,
        },
    )


def protection(item: EvidenceItem, said: dict[str, Any], *, user: User, now: datetime) -> bool:
    """Do what a filled ProtectionForm says; return whether it counts now, or was only asked for.

    Raises classifying.UnclearError, and Http404 where the role may not even raise.
    """
    by: dict[str, Any] = {"user": user, "now": now}
    if not classifying.lowers(item, said["level"], said["markers"]):
        if not access.may(user, "raise", item):
            raise Http404("No such item.")
        classifying.raise_to(item, **said, **by)
        return True
    if not access.may(user, "ask_to_lower", item):
        raise classifying.UnclearError(
            _("That would protect it less. A reviewer asks for it, and another person decides.")
        )
    classifying.ask_to_lower(item, **said, **by)
    return False


def redaction(
    item: EvidenceItem, said: dict[str, Any], *, user: User, now: datetime
) -> RedactionRequest:
    """Ask for the rendition of a filled RedactionForm.  Raises redacting.UnclearError."""
    return redacting.ask(
        item,
        regions=said["regions"],
        sound=said["sound"],
        phrases=[line.strip() for line in said["phrases"].splitlines() if line.strip()],
        reason=said["reason"],
        user=user,
        now=now,
    )


def bundle(case: Case, said: dict[str, Any], *, user: User, now: datetime) -> importing.Arrival:
    """Take in the bundle of a filled ImportForm, through a copy on this machine's disk."""
    brought: UploadedFile[Any] = said["bundle"]
    with tempfile.NamedTemporaryFile(suffix=".zip") as copy:
        for chunk in brought.chunks():
            copy.write(chunk)
        copy.flush()
        return importing.import_bundle(
            Path(copy.name),
            case=case,
            user=user,
            trusted=said["keys"],
            level=said["level"],
            now=now,
        )


def _words(
    item: EvidenceItem, language: str, passages: Any, *, by: dict[str, Any]
) -> dict[int, list[SegmentText]]:
    """Write the passages down; return the words of each by its row, counted from 1."""
    steps = testimony.standing(item).steps
    rows, written = [], []
    for number, passage in enumerate(passages, start=1):
        said = passage.cleaned_data
        layers = {}
        if said.get("original"):
            layers[0] = (language, said["original"])
        if said.get("translated"):
            if not steps:
                raise testimony.UnclearError(
                    _(
                        "Passage {number} has mediated words: say in step 2 who mediated them."
                    ).format(number=number)
                )
            layers[steps[-1].order] = (steps[-1].to_language, said["translated"])
        if layers:
            rows.append(number)
            written.append(testimony.Passage(layers, **said["where"]))
    kept = testimony.write_down(item, written, **by) if written else []
    return dict(zip(rows, kept, strict=True))


def _row_claim(
    item: EvidenceItem,
    said: dict[str, Any],
    words: dict[int, list[SegmentText]],
    *,
    status: str,
    by: dict[str, Any],
) -> None:
    if not said.get("text"):
        return
    number = said.get("passage")
    if number and number not in words:
        raise claiming.UnclearError(
            _("There is no passage {number} to rest “{value}” on.").format(
                number=number, value=said["text"]
            )
        )
    statement = Statement.standing().get(item=item)
    about = _person(item, said["about"], status=status, by=by)
    claiming.claim(
        item.case,
        text=said["text"],
        kind=said["kind"],
        asserted_in=item,
        words=words[number][-1] if number else None,  # the layer that is read
        about=[{"person": str(about)}] if about else [],
        made_by=[{"person": str(statement.declarant)}] if statement.declarant else [],
        **by,
    )


def _person(
    item: EvidenceItem, pseudonym: str, *, status: str, by: dict[str, Any]
) -> uuid.UUID | None:
    """Return the person of that pseudonym; add one where there is none."""
    text = pseudonym.strip()
    if not text:
        return None
    rows = Person.standing().filter(case=item.case, pseudonym__iexact=text)
    found = rows.first() or persons.describe(
        item.case, pseudonym=text, protected_status=status or "unknown", **by
    )
    return found.person


def _rows(text: str, names: tuple[str, ...]) -> list[dict[str, str]]:
    """Read a line each of values with commas between; the last takes what is left."""
    lines = [line for line in text.splitlines() if line.strip()]
    return [
        dict(
            zip(
                names,
                (part.strip() for part in line.split(",", len(names) - 1)),
                strict=False,  # what is not said of somebody is left out
            )
        )
        for line in lines
    ]


def _with_what_is_kept(said: dict[str, Any], before: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """Keep what is enciphered, and was not shown, where nothing else was written."""
    kept = {name: getattr(before, name) for name in names if before is not None and not said[name]}
    return {**said, **kept}


def _parties(case: Case, text: str, *, make: bool) -> list[dict[str, str]]:
    """Read names with semicolons between: a pseudonym of the case, else a party or words."""
    known = {one.pseudonym.casefold(): one for one in persons.standing(case)}
    found = []
    for name in (part.strip() for part in text.split(";")):
        if not name:
            continue
        person = known.get(name.casefold())
        agent = party(name) if make and person is None else None
        if person is not None:
            found.append({"person": str(person.person)})
        elif agent is not None:
            found.append({"agent": str(agent.pk)})
        else:
            found.append({"words": name})
    return found
