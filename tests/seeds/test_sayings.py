"""The example supports claims as far as sources are independent; what is open stays open."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User

from archive import auditing
from evidence import agreeing, assessing, claiming, identifying, testimony
from evidence.models.case import CaseMembership
from evidence.models.claim import Claim
from evidence.models.identity_document import IdentityDocument
from evidence.models.item import EvidenceItem
from evidence.models.person import Person, PersonFact
from evidence.models.statement import Statement
from seeds import sayings
from seeds.load import KURSK, load, read
from tests.seeds.corpus import names_in

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)


@pytest.fixture
def member() -> User:
    return User.objects.create_user("researcher", is_staff=True)


@pytest.fixture
def loaded(opened_log, member):
    return load(now=NOW, members=[member]).case


@pytest.fixture
def claims(loaded, member):
    shown = claiming.weighed(claiming.visible(loaded, user=member), user=member)
    ids = {one["text"]: one["id"] for one in read(KURSK / "case.yaml")["claims"]}
    return {ids[one.claim.text]: one for one in shown}


def item(key):
    return EvidenceItem.objects.get(intake_key=f"seed:kursk_2025:{key}")


def test_the_three_states_that_the_example_is_there_to_show(claims):
    said = read(KURSK / "case.yaml")["claims"]

    assert {key: one.status.value for key, one in claims.items()} == {
        one["id"]: one["status"] for one in said
    }
    assert claims["C-12"].status == "disputed"  # whose card it is
    assert claims["C-01"].status == "partly_corroborated"  # the capture
    assert claims["C-09"].status == "uncorroborated"  # rests on one statement


def test_video_post_and_article_count_once_and_nothing_is_corroborated(claims, loaded, member):
    capture = claims["C-01"]

    assert len(capture.supports) == 3
    assert capture.groups == ["sbu"]
    assert "go back to one origin" in capture.why
    assert all(len(one.groups) <= 1 for one in claims.values())
    for one in claims.values():
        with pytest.raises(assessing.NotCorroboratedError):
            assessing.assess(
                one.claim, case=loaded, status="corroborated", rationale="All say so.",
                method="comparison", user=member, now=NOW,
            )  # fmt: skip


def test_a_claim_that_went_through_korean_shows_its_chain(claims):
    for key in ("C-15", "C-16"):
        one = claims[key]
        assert [(step.from_language, step.to_language) for step in one.chain] == [
            ("ko", ""),
            ("", "en"),
        ]
        assert one.chain[0].affiliation.label == "South Korea's intelligence service (NIS)"
        assert one.chain[0].affiliation_interest == "unknown"
        assert one.made_by == ["one of the two; which of them is not said"]


def test_what_the_report_leaves_open_stays_open(loaded):
    assert {one.pseudonym for one in Person.objects.all()} == {"POW-A", "POW-B"}
    assert not PersonFact.objects.exists()
    card = identifying.standing(item("military-id-card"))
    assert card.said.bearer is None
    assert card.said.bearer_note == "POW-A or POW-B; which of them is not said."
    assert (card.authenticity, card.holder_relation) == ("unassessed", "unknown")
    oral = testimony.standing(item("oral-statement")).statement
    assert oral.declarant is None
    assert oral.original_not_available
    assert (oral.rights_informed, oral.consent_to_publish) == ("unknown", "unknown")
    written = testimony.standing(item("written-statement-pow-a")).statement
    assert written.form == "written"
    assert "jaw injury" in written.reason_for_form


def test_no_name_is_in_what_was_recorded(loaded):
    texts = [
        *Claim.objects.values_list("text", flat=True),
        *Statement.objects.values_list("declarant_note", flat=True),
        *(one.inscribed_name for one in IdentityDocument.objects.all()),
        *Person.objects.values_list("note", flat=True),
    ]

    assert {name for text in texts for name in names_in(text)} <= {"NAME WITHHELD", "NONE SHOWN"}


def test_a_run_that_was_stopped_midway_is_finished_by_the_next(opened_log, member, monkeypatch):
    whole = sayings.assessing.assess

    def once(*arguments, **facts):
        monkeypatch.setattr(sayings.assessing, "assess", fail)
        return whole(*arguments, **facts)

    def fail(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(sayings.assessing, "assess", once)
    with pytest.raises(KeyboardInterrupt):
        load(now=NOW)
    monkeypatch.setattr(sayings.assessing, "assess", whole)

    case = load(now=NOW, members=[member]).case

    number = len(read(KURSK / "case.yaml")["claims"])
    assert Claim.objects.count() == number
    assert sayings.is_said(case, read(KURSK / "case.yaml"))
    assert not CaseMembership.objects.filter(user__username="example-loader", until=None).exists()


def test_the_audit_finds_all_of_it_as_it_was_recorded(loaded):
    assert auditing.audit().has(agreeing.AGREES)
