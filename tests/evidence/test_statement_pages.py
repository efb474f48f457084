"""People record what was said through the pages, and read it there; others learn nothing of it."""

from __future__ import annotations

import re
import uuid
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from evidence import claiming, identifying, persons, testimony
from evidence.models.case import CaseMembership
from evidence.models.claim import Claim
from evidence.models.person import Person
from evidence.models.statement import Statement
from tests import people
from tests.evidence import sayings

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(opened_log) -> people.Cast:
    return people.make_cast()


@pytest.fixture
def item(cast):
    return sayings.item(cast)


@pytest.fixture
def said(cast) -> sayings.Sayings:
    return sayings.make(cast)


def as_(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def filled(**more):
    """What a researcher sends: an interpreted statement, two passages, three claims."""
    form = {
        "form": "oral",
        "declarant": "POW-B",
        "protected_status": "pow",
        "language_original": "ko",
        "in_custody": "yes",
        "detaining_authority": "SBU",
        **dict.fromkeys(
            ("rights_informed", "information_beyond_art17", "consent_to_record"), "unknown"
        ),
        "consent_to_publish": "unknown",
        "signatures": "Interpreter, refused, Fears for his family, he says",
        "persons_present": "An officer, questioner",
        "steps-TOTAL_FORMS": "1",
        "steps-INITIAL_FORMS": "0",
        "steps-0-mode": "consecutive",
        "steps-0-mediator": "An interpreter",
        "steps-0-affiliation": "NIS",
        "steps-0-affiliation_interest": "unknown",
        "steps-0-from_language": "ko",
        "steps-0-to_language": "uk",
        "steps-0-read_back_to_declarant": "no",
        "passages-TOTAL_FORMS": "3",
        "passages-INITIAL_FORMS": "0",
        "passages-0-where": "1:05 to 1:09.5",
        "passages-0-original": "저는 군인입니다.",
        "passages-0-translated": "Я солдат.",
        "passages-2-where": "page 2, line 3",
        "passages-2-original": "",
        "passages-2-translated": "Нас вчили тиждень.",
        "claims-TOTAL_FORMS": "3",
        "claims-INITIAL_FORMS": "0",
        "claims-0-text": "He is a soldier.",
        "claims-0-kind": "identity",
        "claims-0-passage": "1",
        "claims-0-about": "POW-B",
        "claims-1-text": "They were taught for a week.",
        "claims-1-kind": "unit",
        "claims-1-passage": "3",
        "claims-2-text": "He was in custody.",
        "claims-2-kind": "other",
    }
    return {**form, **more}


def test_a_statement_its_chain_its_words_and_its_claims_are_recorded_at_once(cast, item):
    client, url = as_(cast.researcher), reverse("evidence:statement", args=[item.pk])
    assert client.get(url).status_code == 200

    answer = client.post(url, filled())

    assert answer.status_code == 302
    found = testimony.standing(item)
    assert found.statement.form == "oral"
    assert found.statement.signatures == [
        {"name": "Interpreter", "status": "refused", "reason": "Fears for his family, he says"}
    ]
    assert [step.affiliation.label for step in found.steps] == ["NIS"]
    assert found.steps[0].mediator.is_protected
    words = [[(text.language, text.text) for text in texts] for _, texts in found.passages]
    assert words == [
        [("ko", "저는 군인입니다."), ("uk", "Я солдат.")],
        [("uk", "Нас вчили тиждень.")],
    ]
    assert [segment.locator for segment, _ in found.passages] == [
        "0:01:05 to 0:01:09.500",
        "page 2, line 3",
    ]
    claims = {one.text: one for one in Claim.objects.all()}
    assert claims["He is a soldier."].words.language == "uk"
    assert claims["They were taught for a week."].words.text == "Нас вчили тиждень."
    assert claims["He was in custody."].words is None
    person = Person.objects.get()
    assert (person.pseudonym, person.protected_status) == ("POW-B", "pow")
    page = unescape(client.get(answer["Location"].partition("#")[0]).content.decode())
    for shown in (
        "POW-B",
        "저는 군인입니다.",
        "Я солдат.",
        "He is a soldier.",
        "NIS",
        "Not assessed",
    ):
        assert shown in page
    assert "An interpreter" not in page


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"form": ""}, "Nothing was recorded yet"),
        ({"passages-0-where": "yesterday"}, "“yesterday” is no place in it"),
        ({"claims-0-passage": "2"}, "There is no passage 2"),
        ({"language_original": "the language of Korea"}, "is no language tag"),
        ({"passages-0-where": "1:09 to 1:05"}, "ends before it begins"),
    ],
)
def test_what_can_not_be_read_is_said_and_nothing_of_it_is_kept(cast, item, change, said):
    url = reverse("evidence:statement", args=[item.pk])

    answer = as_(cast.researcher).post(url, filled(**change))

    assert answer.status_code == 400
    text = unescape(answer.content.decode())
    assert said in text
    assert "저는 군인입니다." in text, "what was typed is still there"
    assert not Statement.objects.exists()
    assert not Claim.objects.exists()
    assert not Person.objects.exists()


def test_mediated_words_need_a_mediator(cast, item):
    blank = {name: "" for name in filled() if name.startswith("steps-0-")}
    blank |= {"steps-0-mode": "consecutive", "steps-0-affiliation_interest": "unknown"}
    blank["steps-0-read_back_to_declarant"] = "unknown"

    answer = as_(cast.researcher).post(
        reverse("evidence:statement", args=[item.pk]), filled(**blank)
    )

    assert answer.status_code == 400
    assert "who mediated them" in unescape(answer.content.decode())


def test_a_layer_is_added_to_a_passage(said):
    ((segment, _),) = testimony.standing(said.statement).passages
    client = as_(said.cast.researcher)

    answer = client.post(
        reverse("evidence:statement_words", args=[said.statement.pk]),
        {"segment": str(segment.pk), "layer": "1", "language": "en", "text": "Said otherwise."},
    )

    assert answer.status_code == 302
    ((_, texts),) = testimony.standing(said.statement).passages
    assert texts[-1].text == "Said otherwise."


def test_a_document_is_described_and_its_names_are_not_on_the_page(said):
    client = as_(said.cast.researcher)
    url = reverse("evidence:document", args=[said.card.pk])

    answer = client.post(
        url,
        {
            "document_type": "military_id",
            "inscribed_name": "CANARY NAME",
            "document_number": "CANARY-77",
            "bearer": "POW-A",
        },
    )

    assert answer.status_code == 302
    assert identifying.standing(said.card).said.bearer == said.person.person
    page = client.get(answer["Location"].partition("#")[0]).content.decode()
    assert "kept, enciphered" in page
    assert "CANARY" not in page


def reviewer(said, user=None):
    user = user or said.cast.researcher
    CaseMembership.objects.create(case=said.cast.case, user=user, role="reviewer")
    return as_(user)


def test_a_document_is_assessed_twice_and_both_stay_to_be_read(said):
    client = reviewer(said)
    url = reverse("evidence:assess_item", args=[said.card.pk])
    facts = {
        "status": "unassessed", "source_reliability": "F", "information_credibility": "6",
        "method": "document_examination", "confidence": "low",
    }  # fmt: skip
    assert client.post(url, {**facts, "rationale": "Hm."}).status_code == 400
    for judged in ({"authenticity": "genuine"}, {"holder_relation": "bearer_is_not_holder"}):
        answer = client.post(url, {**facts, **judged, "rationale": "Seen by an expert."})
        assert answer.status_code == 302

    found = identifying.standing(said.card)
    assert (found.authenticity, found.holder_relation) == ("genuine", "bearer_is_not_holder")


def test_a_claims_page_takes_evidence_and_says_when_corroboration_is_not_reached(said):
    client = reviewer(said)
    url = reverse("evidence:claim", args=[said.claim.pk])
    client.post(url, {"act": "hold", "item": str(said.report.pk), "bearing": "supports"})

    answer = client.post(
        url,
        {
            "act": "assess", "status": "corroborated", "source_reliability": "B",
            "information_credibility": "2", "method": "comparison", "confidence": "high",
            "rationale": "Everybody says so.",
        },
    )  # fmt: skip

    assert answer.status_code == 400
    assert "needs supports of 2 independent origins" in unescape(answer.content.decode())
    (shown,) = claiming.weighed([said.claim], user=said.cast.researcher)
    assert shown.status == "unassessed"


def test_a_claim_of_its_own_names_its_maker_and_its_reporters_in_order(said):
    url = reverse("evidence:claim_new", args=[said.cast.case.pk])
    answer = as_(said.cast.researcher).post(
        url,
        {
            "text": "They were captured.", "kind": "event", "item": str(said.report.pk),
            "about": "POW-A; one more, not named", "made_by": "SBU", "reported_by": "Agency; Press",
        },
    )  # fmt: skip

    assert answer.status_code == 302
    page = unescape(as_(said.cast.researcher).get(answer["Location"]).content.decode())
    assert "POW-A, one more, not named" in page
    assert "Agency ← Press" in page


def test_a_researcher_records_and_does_not_assess(said):
    client = as_(said.cast.researcher)

    assert client.get(reverse("evidence:assess_item", args=[said.card.pk])).status_code == 404
    url = reverse("evidence:claim", args=[said.claim.pk])
    assert client.post(url, {"act": "assess"}).status_code == 404
    assert "Assess it" not in client.get(url).content.decode()


def test_a_name_is_told_to_who_may_know_it_and_says_what_for(said):
    fact = persons.keep_fact(
        said.person, kind="name", value="CANARY KIM", user=said.cast.researcher, now=people.NOW
    )
    url = reverse("evidence:reveal", args=[said.cast.case.pk, fact.pk])
    list_of = reverse("evidence:people", args=[said.cast.case.pk])
    for user in (said.cast.researcher, said.cast.auditor, said.cast.stranger, said.cast.root):
        assert as_(user).post(url, {"purpose": "Curious."}).status_code == 404
    officer = as_(said.cast.release_officer)
    assert officer.get(url).status_code == 405
    assert "CANARY" not in officer.get(list_of).content.decode()
    assert "CANARY" not in officer.post(url, {"purpose": ""}, follow=True).content.decode()

    answer = officer.post(url, {"purpose": "A court asks."})

    assert "CANARY KIM" in answer.content.decode()
    assert answer["Cache-Control"] == "no-store"


def names_one(said):
    fact = persons.keep_fact(
        said.person, kind="name", value="KIM", user=said.cast.researcher, now=people.NOW
    )
    case = said.cast.case.pk
    return [
        ("statement", [said.statement.pk]),
        ("document", [said.card.pk]),
        ("assess_item", [said.card.pk]),
        ("protection", [said.card.pk]),
        ("claims", [case]),
        ("claim_new", [case]),
        ("claim", [said.claim.pk]),
        ("people", [case]),
        ("statement_words", [said.statement.pk]),
        ("keep_fact", [case, said.person.person]),
        ("reveal", [case, fact.pk]),
    ]


def told(answer):
    text = re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", answer.content.decode())
    return answer.status_code, re.sub(r"[0-9a-f-]{36}", "<id>", text)


@pytest.mark.parametrize("who", ["stranger", "outsider", "root", "administrator"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_foreign_statement_or_claim_is_like_one_that_does_not_exist(said, who, method):
    client = as_(getattr(said.cast, who))
    for name, arguments in names_one(said):
        ask = getattr(client, method)
        foreign = ask(reverse(f"evidence:{name}", args=arguments))
        missing = ask(reverse(f"evidence:{name}", args=[uuid.uuid4() for _ in arguments]))

        assert told(foreign) == told(missing), name
        assert foreign.status_code in {404, 405}, name


def test_protection_is_raised_by_one_and_lowered_by_another(cast, item):
    url = reverse("evidence:protection", args=[item.pk])
    CaseMembership.objects.create(case=cast.case, user=cast.outsider, role="reviewer")
    asker, officer = as_(cast.outsider), as_(cast.release_officer)
    more = {"act": "set", "level": "internal", "markers": ["medical"], "reason": "An injury."}
    assert as_(cast.researcher).post(url, more).status_code == 302
    less = {"act": "set", "level": "internal", "reason": "Nobody is seen."}
    assert as_(cast.researcher).post(url, less).status_code == 400
    assert asker.post(url, less).status_code == 302
    request = item.lowerings.get()
    grant = {"act": "decide", "request": str(request.pk), "granted": "yes", "reason": "Agreed."}
    assert asker.post(url, grant).status_code == 404
    assert "Nobody is seen." in officer.get(url).content.decode()

    assert officer.post(url, grant).status_code == 302

    item.refresh_from_db()
    assert (item.effective_level, item.markers) == ("internal", [])


def test_what_is_enciphered_is_not_shown_again_and_stays_when_nothing_else_is_written(said):
    client = as_(said.cast.researcher)
    url = reverse("evidence:document", args=[said.card.pk])
    client.post(url, {"document_type": "passport", "inscribed_name": "CANARY NAME"})
    assert "CANARY" not in client.get(url).content.decode()

    client.post(url, {"document_type": "military_id", "inscribed_name": ""})

    found = identifying.standing(said.card).said
    assert (found.document_type, found.inscribed_name) == ("military_id", "CANARY NAME")
    statement = reverse("evidence:statement", args=[said.statement.pk])
    client.post(statement, filled(declarant_condition="CANARY INJURY"))
    assert "CANARY" not in client.get(statement).content.decode()
    client.post(statement, filled(declarant_condition=""))
    assert testimony.standing(said.statement).statement.declarant_condition == "CANARY INJURY"
