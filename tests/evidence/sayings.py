"""A case in which somebody said something: people, a statement through an interpreter, a card."""

from __future__ import annotations

from dataclasses import dataclass

from evidence import claiming, intake, persons, testimony
from evidence.models.agent import Agent
from evidence.models.claim import Claim
from evidence.models.item import EvidenceItem
from evidence.models.person import Person
from evidence.models.source import Source
from tests import people

KOREAN = "저는 훈련을 받으러 가는 줄 알았습니다."
ENGLISH = "I thought that I was going to train."


@dataclass(frozen=True)
class Sayings:
    """What the case holds."""

    cast: people.Cast
    person: Person
    statement: EvidenceItem
    card: EvidenceItem
    report: EvidenceItem
    claim: Claim


def item(cast, *, kind="statement", group="sbu", content=b"words", level="internal"):
    """Take in an item of a source of that group; without a group, of no source."""
    source = None
    if group:
        source, _ = Source.objects.get_or_create(name=group, independence_group=group)
    receipt = intake.receive(
        [content],
        filename="note.txt",
        media_type="text/plain",
        case=cast.case,
        user=cast.researcher,
        description=intake.Description(title="An item", kind=kind, source=source, level=level),
        acquisition=intake.AcquisitionFacts(),
        now=people.NOW,
    )
    return EvidenceItem.objects.select_related("case", "source").get(pk=receipt.item)


def make(cast: people.Cast) -> Sayings:
    """Record all of it through the acts."""
    by = {"user": cast.researcher, "now": people.NOW}
    person = persons.describe(cast.case, pseudonym="POW-A", protected_status="pow", **by)
    statement = item(cast, content=b"a statement")
    testimony.record(
        statement,
        form="oral",
        declarant=person.person,
        in_custody="yes",
        language_original="ko",
        **by,
    )
    interpreter = Agent.objects.create(label="Interpreter", is_protected=True)
    testimony.mediate(
        statement,
        order=1,
        mode="consecutive",
        mediator=interpreter,
        from_language="ko",
        to_language="en",
        **by,
    )
    ((_, english),) = testimony.write_down(
        statement,
        [testimony.Passage({0: ("ko", KOREAN), 1: ("en", ENGLISH)}, begins_ms=61_500)],
        **by,
    )
    claim = claiming.claim(
        cast.case,
        text="He thought that he was being sent to train.",
        words=english,
        about=[{"person": str(person.person)}],
        made_by=[{"person": str(person.person)}],
        **by,
    )
    return Sayings(
        cast=cast,
        person=person,
        statement=statement,
        card=item(cast, kind="identity_document", content=b"a card"),
        report=item(cast, kind="press_article", content=b"a report"),
        claim=claim,
    )
