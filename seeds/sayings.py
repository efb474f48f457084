"""Records what the example's YAML says people said: persons, statements, documents, claims.

Through the acts that the pages call.  What is there already is left alone, so that a run which was
stopped is finished by the next.  "unknown" in the YAML stays unknown in the tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User

from evidence import assessing, claiming, identifying, persons, testimony
from evidence.models.agent import Agent
from evidence.models.assessment import Assessment
from evidence.models.case import Case
from evidence.models.claim import Claim, ClaimEvidence
from evidence.models.identity_document import IdentityDocument
from evidence.models.item import EvidenceItem
from evidence.models.person import Person
from evidence.models.statement import MediationStep, SegmentText, Statement, StatementSegment

UNKNOWN = "unknown"
#: Parties of the YAML that stand for one of the two men, of whom nobody says which.
EITHER = frozenset({"bearer", "other"})


@dataclass(frozen=True)
class Teller:
    """Who records it, when, and what the YAML's keys stand for."""

    case: Case
    user: User
    now: datetime
    agents: Mapping[str, Agent]
    items: Mapping[str, EvidenceItem]
    claims: Mapping[str, str]  # their texts, by their ids in the YAML

    @property
    def by(self) -> dict[str, Any]:
        return {"user": self.user, "now": self.now}

    def person(self, pseudonym: str) -> Person | None:
        return Person.standing().filter(case=self.case, pseudonym=pseudonym).first()

    def agent(self, key: Any) -> Agent | None:
        return None if key in {UNKNOWN, None} else self.agents[key]


def is_said(case: Case, catalogue: Mapping[str, Any]) -> bool:
    """Say whether all was recorded: the assessments of the claims are what comes last."""
    number = Assessment.objects.filter(case=case, claim__isnull=False).count()
    return number >= len(catalogue["claims"])


def say(teller: Teller, catalogue: Mapping[str, Any], items: list[dict[str, Any]]) -> None:
    """Record all of it, in the order in which one rests on another."""
    for pseudonym, said in catalogue["persons"].items():
        if teller.person(pseudonym) is None:
            persons.describe(
                teller.case,
                pseudonym=pseudonym,
                protected_status=said["protected_status"],
                risk_note=said["risk_note"],
                note=_open_questions(catalogue["undetermined"], pseudonym),
                **teller.by,
            )
    for said in items:
        later, item = said["later"], teller.items[said["key"]]
        if isinstance(later.get("statement"), dict):
            _statement(teller, item, later)
        if "identity_document" in later:
            _document(teller, item, later["identity_document"])
    _passages(teller, catalogue["claims"])
    for said in catalogue["claims"]:
        _claim(teller, said)
    for said in catalogue["claims"]:
        _weigh(teller, said)


def _open_questions(questions: list[dict[str, Any]], pseudonym: str) -> str:
    asked = [one["question"] for one in questions if pseudonym in one["among"]]
    return " ".join(f"Not said: {one}" for one in asked)


def _text(value: Any) -> str:
    return "" if value in {UNKNOWN, None} else str(value)


def _bases(said: Mapping[str, Any]) -> str:
    """Return, in one text, what the YAML says that a value of it rests on."""
    return " ".join(str(one) for name, one in sorted(said.items()) if name.endswith("_basis"))


def _statement(teller: Teller, item: EvidenceItem, later: Mapping[str, Any]) -> None:
    said = later["statement"]
    if not Statement.objects.filter(item=item).exists():
        declarant, voluntary, where = (
            said["declarant"],
            said["voluntariness"],
            said["circumstances"],
        )
        who = teller.person(declarant) if isinstance(declarant, str) else None
        testimony.record(
            item,
            form=said["form"],
            reason_for_form=_text(said["reason_for_form"]),
            declarant=who.person if who else None,
            declarant_note="" if who else _either(declarant["among"]),
            declarant_condition=_text(said["declarant_condition"]),
            in_custody="yes" if said["in_custody"] else "no",
            detaining_authority=teller.agent(said["detaining_authority"]),
            place=_text(where["place"]),
            language_original=_text(said["language_original"]),
            rights_informed=voluntary["rights_informed"],
            information_beyond_art17=voluntary["information_beyond_art17"],
            coercion_indicators=_text(voluntary["coercion_indicators"]),
            consent_to_record=voluntary["consent_to_record"],
            consent_to_publish=voluntary["consent_to_publish"],
            consistency_note=" ".join(filter(None, [_bases(said), _bases(voluntary)])),
            original_not_available="Known from the press report only; it gives no words of it.",
            **teller.by,
        )
    for step in later["mediation"]:
        if MediationStep.objects.filter(item=item, order=step["order"]).exists():
            continue
        testimony.mediate(
            item,
            order=step["order"],
            mode=step["mode"],
            mediator=teller.agent(step["mediator"]),
            affiliation=teller.agent(step["affiliation"]),
            affiliation_interest=step["affiliation_interest"],
            from_language=_text(step["from_language"]),
            to_language=_text(step["to_language"]),
            **teller.by,
        )


def _either(among: list[str]) -> str:
    return f"{' or '.join(among)}; which of them is not said."


def _document(teller: Teller, item: EvidenceItem, said: Mapping[str, Any]) -> None:
    if IdentityDocument.objects.filter(item=item).exists():
        return
    inscribed, found, bearer = said["inscribed_identity"], said["found"], said["bearer"]
    identifying.describe(
        item,
        document_type=said["document_type"],
        issuing_state=_text(said["issuing_state"]),
        issuing_authority=_text(said["issuing_authority"]),
        document_number=_text(said["document_number"]),
        inscribed_name=_text(inscribed["name"]),
        inscribed_birthplace=_text(inscribed["birthplace"]),
        bearer_note=_either(bearer["among"]) if isinstance(bearer, dict) else bearer,
        rightful_holder_note=_bases(said) or _text(said.get("authenticity_note")),
        found_when=_text(found["when"]).removeprefix("unknown, "),
        found_where=_text(found["where"]),
        found_by=teller.agent(found["by"]),
        **teller.by,
    )


def _passages(teller: Teller, claims: list[dict[str, Any]]) -> None:
    """Write down, at the layer of the press, the words of which a statement's claims are made."""
    for said in claims:
        item = _statement_of(teller, said)
        if (
            item is None
            or StatementSegment.objects.filter(item=item, texts__text=said["text"]).exists()
        ):
            continue
        last = MediationStep.standing().filter(item=item).order_by("order").last()
        if last is not None:
            testimony.write_down(
                item, [testimony.Passage({last.order: ("en", said["text"])})], **teller.by
            )


def _statement_of(teller: Teller, said: Mapping[str, Any]) -> EvidenceItem | None:
    for key in said["asserted_in"]:
        item = teller.items[key]
        if Statement.objects.filter(item=item).exists() and "language_chain" in said:
            return item
    return None


def _recorded(teller: Teller, said: Mapping[str, Any]) -> Claim | None:
    return Claim.standing().filter(case=teller.case, text=said["text"]).first()


def _claim(teller: Teller, said: Mapping[str, Any]) -> None:
    if _recorded(teller, said) is not None:
        return
    statement = _statement_of(teller, said)
    words = None
    if statement is not None:
        words = SegmentText.standing().get(segment__item=statement, text=said["text"])
    claiming.claim(
        teller.case,
        text=said["text"],
        kind=said["kind"],
        asserted_in=statement or teller.items[said["asserted_in"][0]],
        words=words,
        about=[_party(teller, key) for key in said["about"]],
        made_by=[_party(teller, key) for key in _several(said["made_by"])],
        reported_by=[_party(teller, key) for key in reversed(_several(said["reported_by"]))],
        asserted_at=_text(said["asserted_at"]),
        **said.get("happened", {}),
        **teller.by,
    )


def _several(value: Any) -> list[str]:
    return [] if value == UNKNOWN else list(value)


def _party(teller: Teller, key: str) -> dict[str, str]:
    person = teller.person(key)
    if person is not None:
        return {"person": str(person.person)}
    if key in teller.items:
        return {"item": str(teller.items[key].pk)}
    if key in EITHER or key == "undetermined":
        return {"words": "one of the two; which of them is not said"}
    if key in teller.agents:
        return {"agent": str(teller.agents[key].pk)}
    return {"words": "the case"}


def _weigh(teller: Teller, said: Mapping[str, Any]) -> None:
    claim = _recorded(teller, said)
    if claim is None:
        raise LookupError(said["id"])
    for one in said.get("evidence", []):
        if "claim" in one:
            _against(teller, claim, one)
        else:
            _hold(teller, claim, one["item"], one["bearing"], one["independence_group"])
    if not any(one.get("bearing") == "supports" for one in said.get("evidence", [])):
        for key in said["asserted_in"]:
            _hold(teller, claim, key, "supports", "")
    if not Assessment.objects.filter(claim=claim).exists():
        assessing.assess(
            claim,
            case=teller.case,
            status=said["status"],
            method="source_analysis",
            rationale=said.get("rationale", "All that is held of it goes back to one origin."),
            **teller.by,
        )


def _hold(teller: Teller, claim: Claim, key: str, bearing: str, group: str) -> None:
    item = teller.items[key]
    if not ClaimEvidence.objects.filter(claim=claim, item=item, bearing=bearing).exists():
        claiming.hold_to(claim, item, bearing=bearing, independence_group=group, **teller.by)


def _against(teller: Teller, claim: Claim, one: Mapping[str, str]) -> None:
    """Hold another claim of the case to this one, through the item in which that is asserted."""
    found = _recorded(teller, {"text": teller.claims[one["claim"]]})
    if found is None or found.asserted_in is None:
        raise LookupError(one["claim"])
    if not ClaimEvidence.objects.filter(claim=claim, other_claim=found).exists():
        claiming.hold_to(
            claim,
            found.asserted_in,
            bearing=one["bearing"],
            independence_group=one["independence_group"],
            other_claim=found,
            note=found.text,
            **teller.by,
        )
