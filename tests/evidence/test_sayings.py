"""What people say of the evidence stands as it was said, and its chain is always to be seen."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection

from archive import custody
from archive.models.disclosure import Disclosure
from archive.models.unchanging import UnchangingError
from archive.proof import events
from archive.proof.entries import Entry
from evidence import access, agreeing, assessing, claiming, identifying, persons, records, testimony
from evidence.models.assessment import Assessment
from evidence.models.person import PersonFact
from evidence.models.statement import SegmentText
from tests import people
from tests.evidence import sayings

pytestmark = pytest.mark.django_db
NOW = people.NOW


@pytest.fixture
def said(opened_log) -> sayings.Sayings:
    return sayings.make(people.make_cast())


def by(user) -> dict[str, object]:
    return {"user": user, "now": NOW}


def entries(kind):
    return [Entry.decode(row.body.encode()) for row in custody.entries(kind=kind)]


def test_a_claim_shows_the_chain_through_which_its_words_came(said):
    (shown,) = claiming.weighed([said.claim], user=said.cast.researcher)

    assert shown.about == ["POW-A"]
    assert [step.to_language for step in shown.chain] == ["en"]
    assert said.claim.words.text == sayings.ENGLISH
    assert said.claim.words.segment.locator == "0:01:01.500"


def test_the_words_as_they_were_said_stand_beside_the_interpreters(said):
    found = testimony.standing(said.statement)

    ((_, texts),) = found.passages
    assert [(one.language, one.text) for one in texts] == [
        ("ko", sayings.KOREAN),
        ("en", sayings.ENGLISH),
    ]
    assert [words for _, words in found.layers] == [
        "As said (ko)",
        "Interpreted, one after the other (en)",
    ]


def test_a_correction_stands_and_what_was_said_first_is_kept(said):
    ((segment, _),) = testimony.standing(said.statement).passages
    testimony.write_layer(
        segment,
        1,
        language="en",
        text="I believed that I was to train.",
        **by(said.cast.researcher),
    )

    ((_, texts),) = testimony.standing(said.statement).passages
    assert [one.text for one in texts] == [sayings.KOREAN, "I believed that I was to train."]
    assert SegmentText.objects.filter(text=sayings.ENGLISH).exists()
    assert said.claim.words.text == sayings.ENGLISH  # what it was read from, then


def test_words_are_given_only_by_a_step_that_was_recorded(said):
    with pytest.raises(testimony.UnclearError, match="No step 2"):
        testimony.write_down(
            said.statement,
            [testimony.Passage({2: ("uk", "Слова")})],
            **by(said.cast.researcher),
        )
    with pytest.raises(testimony.UnclearError, match="no words"):
        testimony.write_down(
            said.statement, [testimony.Passage({0: ("ko", "  ")})], **by(said.cast.researcher)
        )


def support(said, item, **more):
    return claiming.hold_to(
        said.claim, item, bearing="supports", **by(said.cast.researcher), **more
    )


def assess(said, status="corroborated", **more):
    facts = {"rationale": "Two sources.", "method": "source_analysis", **more}
    return assessing.assess(
        said.claim, case=said.cast.case, status=status, **facts, **by(said.cast.researcher)
    )


def test_corroborated_can_not_be_reached_with_one_origin_however_often_it_is_repeated(said):
    with pytest.raises(assessing.NotCorroboratedError, match="nothing supports it"):
        assess(said)
    for item in (said.statement, said.report):
        support(said, item)

    with pytest.raises(assessing.NotCorroboratedError, match="one origin"):
        assess(said)
    (shown,) = claiming.weighed([said.claim], user=said.cast.researcher)
    assert shown.why == "Not corroborated: all 2 entries that support it go back to one origin."

    support(said, sayings.item(said.cast, group="journalists", content=b"their own"))
    assess(said)
    (shown,) = claiming.weighed([said.claim], user=said.cast.researcher)
    assert shown.status == "corroborated"
    assert shown.groups == ["journalists", "sbu"]


def test_what_was_corroborated_is_no_longer_shown_so_when_its_support_falls(said):
    support(said, said.report)
    other = support(said, said.card, independence_group="journalists")
    assess(said)
    records_row = records.made(
        type(other), **by(said.cast.researcher), claim=said.claim, item=said.card,
        bearing="context", independence_group="journalists", supersedes=other,
    )  # fmt: skip
    records_row.save()

    (shown,) = claiming.weighed([said.claim], user=said.cast.researcher)

    assert shown.status == "partly_corroborated"


def test_support_that_contradicts_itself_counts_once_and_nobodys_origin_is_one_group(said):
    for content in (b"one", b"two"):
        support(said, sayings.item(said.cast, group="", content=content))

    assert assessing.groups_of(said.claim) == {"origin not known"}


def test_assessments_are_added_and_the_newest_governs(said):
    assess(said, "uncorroborated")
    assess(said, "disputed", rationale="The card says otherwise.")

    (shown,) = claiming.weighed([said.claim], user=said.cast.researcher)
    assert shown.status == "disputed"
    assert shown.governing.rationale == "The card says otherwise."
    assert len(shown.assessments) == 2


def test_a_judgement_needs_its_reason(said):
    with pytest.raises(assessing.UnclearError):
        assess(said, "disputed", rationale="  ")


def test_two_who_assess_at_once_do_not_both_take_the_place_of_one(said):
    first = assess(said, "uncorroborated")
    assess(said, "disputed")
    late = records.made(
        Assessment, **by(said.cast.researcher), case=said.cast.case, claim=said.claim,
        rationale="Late", method="comparison", supersedes=first,
    )  # fmt: skip

    with (
        pytest.raises(records.SupersededError),
        custody.recording(actor=access.actor_of(said.cast.researcher), now=NOW) as log,
    ):
        records.keep(log, late, lambda **_: None)


def test_a_card_is_not_a_forgery_because_its_bearer_is_another(said):
    facts = {"case": said.cast.case, "method": "document_examination", **by(said.cast.researcher)}
    identifying.describe(
        said.card,
        document_type="military_id",
        inscribed_name="A NAME THAT IS PRINTED",
        bearer=said.person.person,
        **by(said.cast.researcher),
    )
    before = identifying.standing(said.card)
    assert (before.authenticity, before.holder_relation) == ("unassessed", "unknown")

    assessing.assess(
        said.card, holder_relation="bearer_is_not_holder", rationale="He says so.", **facts
    )
    assessing.assess(said.card, authenticity="genuine", rationale="Examined.", **facts)

    after = identifying.standing(said.card)
    assert (after.authenticity, after.holder_relation) == ("genuine", "bearer_is_not_holder")
    assert len(after.assessments) == 2


SECRETS = ("KIM CANARY", "A NAME THAT IS PRINTED", "family in CANARY-TOWN", "CANARY INJURY")


def test_what_identifies_people_lies_nowhere_in_clear_in_the_database(said):
    person = persons.describe(
        said.cast.case, pseudonym="POW-B", risk_note=SECRETS[2], **by(said.cast.researcher)
    )
    persons.keep_fact(person, kind="name", value=SECRETS[0], **by(said.cast.researcher))
    identifying.describe(
        said.card, document_type="other", inscribed_name=SECRETS[1], **by(said.cast.researcher)
    )
    testimony.record(
        said.statement, form="oral", declarant_condition=SECRETS[3], **by(said.cast.researcher)
    )

    dump = dumped()

    assert "POW-B" in dump
    assert not [secret for secret in SECRETS if secret in dump]
    assert PersonFact.objects.get().value == SECRETS[0]


def dumped() -> str:
    """Everything in the database, as text."""
    with connection.cursor() as cursor:
        rows = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            rows += cursor.fetchall()
    return repr([[bytes(one) if isinstance(one, memoryview) else one for one in r] for r in rows])


def test_a_name_is_told_with_a_purpose_and_the_ledger_says_to_whom(said):
    fact = persons.keep_fact(said.person, kind="name", value="KIM", **by(said.cast.researcher))
    with pytest.raises(persons.NoPurposeError):
        persons.reveal(fact, purpose=" ", **by(said.cast.release_officer))
    assert entries("person.identity_revealed") == []

    assert persons.reveal(fact, purpose="A court asks.", **by(said.cast.release_officer)) == "KIM"

    (entry,) = entries("person.identity_revealed")
    assert entry.data["fact"] == "name"
    assert "A court asks." not in entry.encode().decode()
    assert Disclosure.objects.filter(entry_seq=entry.seq, name="purpose").exists()


def test_a_pseudonym_is_one_persons_in_a_case_and_another_cases_too(said):
    with pytest.raises(persons.TakenError):
        persons.describe(said.cast.case, pseudonym="pow-a", **by(said.cast.researcher))
    persons.describe(said.cast.other_case, pseudonym="POW-A", **by(said.cast.stranger))
    again = persons.describe(
        said.cast.case, pseudonym="POW-A", of=said.person, note="Now known.",
        **by(said.cast.researcher),
    )  # fmt: skip

    assert [one.pk for one in persons.standing(said.cast.case)] == [again.pk]


@pytest.mark.parametrize("act", ["save", "update", "delete"])
def test_what_was_said_can_not_be_changed_by_the_program(said, act):
    row = SegmentText.objects.first()
    acts = {
        "save": row.save,
        "update": lambda: SegmentText.objects.update(text="Other"),
        "delete": row.delete,
    }
    with pytest.raises(UnchangingError):
        acts[act]()


def _as_an_insider(sql, table="evidence_segmenttext"):
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            connection.connection.set_authorizer(None)
            cursor.execute(f"DROP TRIGGER {table}_no_update")
            cursor.execute(f"DROP TRIGGER {table}_no_delete")
        else:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(sql)


def test_the_database_refuses_too(said):
    if connection.vendor == "sqlite":
        connection.connection.set_authorizer(None)  # another program has none
    with pytest.raises(DatabaseError, match="written once"), connection.cursor() as cursor:
        cursor.execute("UPDATE evidence_segmenttext SET text = 'Other'")


def test_an_untouched_record_agrees_with_the_ledger(said):
    assert [one.code for one in agreeing.findings()] == [agreeing.AGREES]


def test_a_word_changed_behind_the_programs_back_is_named_by_the_audit(said):
    _as_an_insider("UPDATE evidence_segmenttext SET text = 'Other' WHERE language = 'en'")

    (found,) = agreeing.findings()
    assert found.code == agreeing.DIFFERS
    assert str(said.claim.words_id) in found.subject


def test_a_record_that_was_taken_away_is_named_by_the_audit(said):
    _as_an_insider("DELETE FROM evidence_segmenttext WHERE language = 'ko'")

    (found,) = agreeing.findings()
    assert found.code == agreeing.MISSING


def test_a_record_that_no_act_made_is_named_by_the_audit(said):
    records.made(
        Assessment, **by(said.cast.researcher), case=said.cast.case, claim=said.claim,
        rationale="Slipped in", method="comparison",
    ).save()  # fmt: skip

    (found,) = agreeing.findings()
    assert found.code == agreeing.UNRECORDED


def test_nobody_reads_claims_of_an_item_that_they_may_not_view(said):
    type(said.statement).objects.filter(pk=said.statement.pk).update(effective_level="sealed")

    for user in (said.cast.researcher, said.cast.stranger, said.cast.auditor, said.cast.root):
        assert not claiming.visible(said.cast.case, user=user).exists()


def test_what_a_reader_may_not_see_is_not_counted_in_what_supports_a_claim(said):
    support(said, said.report)
    hidden = sayings.item(said.cast, group="journalists", content=b"hidden", level="sealed")
    support(said, hidden)

    (shown,) = claiming.weighed([said.claim], user=said.cast.researcher)

    assert shown.groups == ["sbu"]
    assert [one.item for one in shown.supports] == [said.report]


def _rebuilt(said, item):
    """An entry as rebuilding writes it."""
    with custody.recording(actor=custody.ARCHIVE, now=NOW) as log:
        log.add(
            events.ItemDescribed(case=str(said.cast.case.pk), fields=agreeing.REBUILT),
            item=item.pk,
        )


def test_a_rebuilt_item_excuses_what_it_lost_and_nothing_that_another_one_lost(said):
    _rebuilt(said, said.report)
    _as_an_insider("DELETE FROM evidence_segmenttext WHERE language = 'ko'")

    assert agreeing.MISSING in [one.code for one in agreeing.findings()]

    _rebuilt(said, said.statement)

    found = {one.code: one for one in agreeing.findings()}
    assert agreeing.MISSING not in found
    assert found[agreeing.LOST].outcome == "not_checked"
    assert found[agreeing.LOST].detail.startswith("1 records")
