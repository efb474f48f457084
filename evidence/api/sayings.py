"""What is said or printed in items: statements, passages, documents, and how they are assessed."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Router, Schema
from pydantic import Field

from evidence import (
    answering,
    assessing,
    filing,
    forms,
    identifying,
    observing,
    testimony,
)
from evidence.api import answers as shown
from evidence.api import doors
from evidence.api.bodies import Body, body_of, filled, rows
from evidence.api.doors import answers
from evidence.models.item import EvidenceItem
from evidence.models.statement import StatementSegment

router = Router(tags=["items"])


class WordsAnswer(Schema):
    layer: int
    language: str
    text: str


class PassageAnswer(Schema):
    id: uuid.UUID
    where: str
    speaker: str
    words: list[WordsAnswer]


class StatementAnswer(Schema):
    """A statement as it stands; ``circumstances`` is None where none were recorded."""

    circumstances: dict[str, Any] | None
    chain: list[dict[str, Any]]
    passages: list[PassageAnswer]


_CIRCUMSTANCES = (
    "form", "reason_for_form", "declarant", "declarant_note", "language_original", "in_custody",
    "place", "began_at", "ended_at", "rights_informed", "information_beyond_art17",
    "coercion_indicators", "consent_to_record", "consent_to_publish", "consistency_note",
    "original_not_available",
)  # fmt: skip
_CHAIN = (
    "order", "mode", "affiliation_interest", "from_language", "to_language",
    "read_back_to_declarant", "qualification",
)  # fmt: skip


@router.get("/{uuid:item}/statement", response=answers(StatementAnswer), auth=doors.READ)
def statement(request: HttpRequest, item: uuid.UUID) -> dict[str, Any]:
    """Read a statement: its circumstances, its chain of mediation, its words at each layer."""
    found = answering.item(request, item, "view")
    observing.seen(answering.user(request), found, rendition="statement", now=timezone.now())
    said = testimony.standing(found)
    return {
        "circumstances": {name: getattr(said.statement, name) for name in _CIRCUMSTANCES}
        if said.statement
        else None,
        "chain": [{name: getattr(step, name) for name in _CHAIN} for step in said.steps],
        "passages": [
            {
                "id": segment.pk,
                "where": segment.locator,
                "speaker": segment.speaker,
                "words": [
                    {
                        "layer": text.step.order if text.step else 0,
                        "language": text.language,
                        "text": text.text,
                    }
                    for text in texts
                ],
            }
            for segment, texts in said.passages
        ],
    }


StepBody: Any = body_of(forms.StepForm, "Step")
PassageBody: Any = body_of(forms.PassageForm, "Passage")
RowClaimBody: Any = body_of(forms.RowClaimForm, "PassageClaim")
StatementBody: Any = body_of(
    forms.StatementForm,
    "Statement",
    steps=(list[StepBody], Field([], max_length=20)),
    passages=(list[PassageBody], Field([], max_length=500)),
    claims=(list[RowClaimBody], Field([], max_length=100)),
)


@router.post("/{uuid:item}/statement", response=answers(shown.Done), auth=doors.DESCRIBE)
def record_statement(request: HttpRequest, item: uuid.UUID, said: StatementBody) -> dict[str, str]:
    """Record or correct a statement; what stood before is kept."""
    found = answering.item(request, item, "describe")
    members = said.dict(exclude={"steps", "passages", "claims"})
    given = {
        "form": filled(forms.StatementForm, members),
        "steps": rows(forms.StepForms, said.steps),
        "passages": rows(forms.PassageForms, said.passages),
        "claims": rows(forms.RowClaimForms, said.claims),
    }
    wrong = filing.tried(
        lambda: filing.statement(found, given, user=answering.user(request), now=timezone.now())
    )
    if wrong:
        raise doors.NotSoError(wrong)
    return {"detail": "The statement is recorded."}


class Layer(Body):
    layer: int = Field(..., ge=0, le=100, description="0 is as said; n is what step n gave.")
    language: str = Field("", max_length=40)
    text: str = Field(..., min_length=1, max_length=20_000)


@router.post(
    "/{uuid:item}/passages/{uuid:passage}/words", response=answers(shown.Done), auth=doors.DESCRIBE
)
def write_words(
    request: HttpRequest, item: uuid.UUID, passage: uuid.UUID, said: Layer
) -> dict[str, str]:
    """Write or correct the words of one passage at one layer."""
    found = answering.item(request, item, "describe")
    layers = testimony.standing(found).layers
    form = forms.LayerForm(
        {"segment": str(passage), **said.dict()},
        layers=layers,
    )
    segment = get_object_or_404(StatementSegment.standing(), item=found, pk=passage)
    if not form.is_valid():
        raise doors.NotSoError("Write the words, and choose the layer that they belong to.")
    testimony.write_layer(
        segment,
        said.layer,
        language=form.cleaned_data["language"],
        text=form.cleaned_data["text"],
        user=answering.user(request),
        now=timezone.now(),
    )
    return {"detail": "The words are written down; what stood before is kept."}


DocumentBody: Any = body_of(forms.DocumentForm, "Document")


@router.post("/{uuid:item}/document", response=answers(shown.Done), auth=doors.DESCRIBE)
def describe_document(request: HttpRequest, item: uuid.UUID, said: DocumentBody) -> dict[str, str]:
    """Record what an identity document says, who carried it and whose it is."""
    found = answering.item(request, item, "describe")
    form = filled(forms.DocumentForm, said)
    wrong = filing.tried(
        lambda: filing.document(
            found, form.cleaned_data, user=answering.user(request), now=timezone.now()
        )
    )
    if wrong:
        raise doors.NotSoError(wrong)
    return {"detail": "The document is described."}


class DocumentAnswer(Schema):
    """A document as it stands.  What is protected of a person is not told here."""

    described: dict[str, str] | None
    authenticity: str
    holder_relation: str
    assessments: list[shown.AssessmentAnswer]


@router.get("/{uuid:item}/document", response=answers(DocumentAnswer), auth=doors.READ)
def document(request: HttpRequest, item: uuid.UUID) -> dict[str, Any]:
    """Read what was recorded of an identity document, and how it was judged."""
    found = answering.item(request, item, "view")
    observing.seen(answering.user(request), found, rendition="document", now=timezone.now())
    standing = identifying.standing(found)
    left_out = {*forms.DocumentForm.KEPT, "bearer", "rightful_holder", "found_by"}
    names = [name for name in forms.DocumentForm.base_fields if name not in left_out]
    return {
        "described": {name: str(getattr(standing.said, name) or "") for name in names}
        if standing.said
        else None,
        "authenticity": standing.authenticity,
        "holder_relation": standing.holder_relation,
        "assessments": standing.assessments,
    }


AssessmentBody: Any = body_of(forms.AssessmentForm, "Assessment")
DocumentAssessmentBody: Any = body_of(forms.DocumentAssessmentForm, "DocumentAssessment")


@router.post("/{uuid:item}/assessments", response=answers(shown.Made), auth=doors.DECIDE)
def assess(request: HttpRequest, item: uuid.UUID, said: AssessmentBody) -> Any:
    """Assess an item that is no identity document."""
    found = answering.item(request, item, "assess")
    if found.kind == EvidenceItem.Kind.IDENTITY_DOCUMENT:
        raise doors.NotSoError("This is an identity document; judge it as one.")
    return _assess(request, found, filled(forms.AssessmentForm, said))


@router.post("/{uuid:item}/document/assessments", response=answers(shown.Made), auth=doors.DECIDE)
def assess_document(request: HttpRequest, item: uuid.UUID, said: DocumentAssessmentBody) -> Any:
    """Judge an identity document: whether it is genuine, and what its bearer is to it."""
    found = answering.item(request, item, "assess")
    if found.kind != EvidenceItem.Kind.IDENTITY_DOCUMENT:
        raise doors.NotSoError("This is no identity document.")
    return _assess(request, found, filled(forms.DocumentAssessmentForm, said))


def _assess(request: HttpRequest, item: EvidenceItem, form: Any) -> Any:
    return assessing.assess(
        item,
        case=item.case,
        user=answering.user(request),
        now=timezone.now(),
        **form.cleaned_data,
    )
