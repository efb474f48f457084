"""A word that identifies somebody is nowhere but where somebody may see it and asked for it."""

from __future__ import annotations

import logging
import zipfile

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.core.files.storage import storages
from django.db import connection
from django.test import Client
from django.urls import reverse

from archive import custody, outbox
from archive.models.bundle import Bundle
from archive.models.job import Job
from evidence import exporting, identifying, importing, persons, releasing, tasks, testimony
from evidence.models.acquisition import Acquisition
from evidence.models.agent import Agent
from evidence.models.case import CaseMembership
from evidence.models.item import EvidenceItem
from evidence.models.protected_text import ProtectedText
from evidence.models.release import ReleaseReceipt
from evidence.models.source import Source
from tests import adversary, malicious, papers, people
from tests.evidence import sayings

#: Every protected field, and the words planted in it.
CASE_PAGES = ("claims", "people", "clusters", "case_timeline", "case_map", "imports")
PLANTED = {
    "Agent.label": "CANARY-AGENT",
    "Source.name": "CANARY-SOURCE",
    "Source.handle": "CANARY-HANDLE",
    "Source.canonical_url": "https://canary.invalid/source",
    "Person.risk_note": "CANARY-RISK",
    "PersonFact.value": "CANARY-NAME",
    "Statement.declarant_condition": "CANARY-INJURY",
    "IdentityDocument.document_number": "CANARY-NUMBER",
    "IdentityDocument.inscribed_name": "CANARY-INSCRIBED",
    "IdentityDocument.inscribed_birth": "CANARY-BIRTH",
    "IdentityDocument.inscribed_birthplace": "CANARY-BIRTHPLACE",
    "IdentityDocument.transliteration": "CANARY-TRANSLITERATED",
    "ReleaseRequest.recipient": "CANARY-RECIPIENT",
    "ReleaseRequest.purpose": "CANARY-PURPOSE",
    "ReleaseReceipt.acknowledged_by": "CANARY-CLERK",
    "BundleImport.sender": "CANARY-SENDER",
}
#: Told on pages to those who may see the release, or who work with the source.
SHOWN_TO_MEMBERS = frozenset(
    [
        "ReleaseRequest.recipient",
        "ReleaseRequest.purpose",
        "ReleaseReceipt.acknowledged_by",
        "BundleImport.sender",
    ]
)


def test_every_protected_field_is_planted():
    fields = {
        f"{model.__name__}.{field.name}"
        for model in apps.get_app_config("evidence").get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, ProtectedText)
    }

    assert fields == set(PLANTED)


@pytest.fixture
def said(committed_database, tmp_path) -> sayings.Sayings:
    custody.open_log()
    said = sayings.make(people.make_cast())
    by = {"user": said.cast.researcher, "now": people.NOW}
    words = {key.rpartition(".")[2]: value for key, value in PLANTED.items()}
    agent = Agent.objects.create(label=words["label"], is_protected=True, kind="person")
    source = Source.objects.create(
        name=words["name"], handle=words["handle"], canonical_url=words["canonical_url"],
        confidential=True, agent=agent, independence_group="apart",
    )  # fmt: skip
    EvidenceItem.objects.filter(pk=said.report.pk).update(source=source)
    Acquisition.objects.filter(item=said.report).update(provided_by=agent)
    persons.describe(
        said.cast.case, pseudonym="POW-A", of=said.person, risk_note=words["risk_note"], **by
    )
    persons.keep_fact(said.person, kind="name", value=words["value"], **by)
    testimony.record(
        said.statement, form="oral", declarant_condition=words["declarant_condition"],
        declarant=said.person.person, **by,
    )  # fmt: skip
    testimony.mediate(said.statement, order=2, mediator=agent, **by)
    identifying.describe(
        said.card,
        document_type="other",
        found_by=agent,
        **{
            name: words[name]
            for name in (
                "document_number", "inscribed_name", "inscribed_birth", "inscribed_birthplace",
                "transliteration",
            )
        },
        **by,
    )  # fmt: skip
    asked = releasing.request(
        [said.report], recipient=words["recipient"], purpose=words["purpose"],
        recipient_class="court", **by,
    )  # fmt: skip
    decision = releasing.decide(
        asked, authorised=True, reason="x", user=said.cast.release_officer, now=people.NOW
    )
    releasing.acknowledge(
        decision, sha256="0" * 64, acknowledged_by=words["acknowledged_by"],
        user=said.cast.release_officer, now=people.NOW,
    )  # fmt: skip
    assert ReleaseReceipt.objects.get().acknowledged_by == words["acknowledged_by"]
    bag = {"data/note.txt": b"From elsewhere.\n"}
    made = importing.import_bundle(
        adversary.as_folder(malicious.bag(bag, sender=words["sender"]), tmp_path / "bag"),
        case=said.cast.case, user=said.cast.researcher, now=people.NOW,
    ).made  # fmt: skip
    assert made.sender == words["sender"]
    return said


def found_in(text: str, but: frozenset[str] = frozenset()) -> list[str]:
    return [key for key, word in PLANTED.items() if papers.tells(text, word) and key not in but]


def test_no_copy_of_the_database_holds_one_in_clear(said):
    with connection.cursor() as cursor:
        rows = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            rows += cursor.fetchall()
    text = repr([[bytes(one) if isinstance(one, memoryview) else one for one in r] for r in rows])

    assert "POW-A" in text
    assert found_in(text) == []


def member(said, role):
    groups = {"release_officer": "release officer", "lead": "case lead"}
    user = type(said.cast.root).objects.create_user(f"a-{role}", is_staff=True)
    user.groups.add(Group.objects.get(name=groups.get(role, role)))
    CaseMembership.objects.create(case=said.cast.case, user=user, role=role)
    return user


@pytest.mark.parametrize(
    "role",
    ["researcher", "reviewer", "custodian", "redactor", "release_officer", "lead", "auditor"],
)
def test_no_page_and_no_log_line_tells_one_unasked(said, role, caplog):
    caplog.set_level(logging.DEBUG)
    client = Client(raise_request_exception=False)
    client.force_login(member(said, role))
    case, items = said.cast.case.pk, (said.statement, said.card, said.report)
    pages = [
        reverse("admin:index"),
        reverse("admin:evidence_evidenceitem_changelist") + "?q=CANARY",
        reverse("admin:archive_entry_changelist"),
        reverse("evidence:releases"),
        reverse("evidence:upload"),
        reverse("admin:evidence_agent_changelist"),
        *(
            [reverse("admin:evidence_source_changelist")]
            if role not in {"lead", "release_officer"}
            else []
        ),
        *(reverse(f"evidence:{name}", args=[case]) for name in CASE_PAGES),
        reverse("evidence:claim", args=[said.claim.pk]),
        reverse("evidence:statement", args=[said.statement.pk]),
        reverse("evidence:document", args=[said.card.pk]),
        reverse("evidence:redact", args=[said.card.pk]),
        *(
            reverse(name, args=[item.pk])
            for item in items
            for name in (
                "admin:evidence_evidenceitem_change", "evidence:receipt", "evidence:protection",
                "evidence:disposal", "evidence:assess_item", "evidence:similar",
            )
        ),
    ]  # fmt: skip
    for url in pages:
        text = client.get(url).content.decode()
        # What was just searched for stands in the box that it was typed into, and says no more.
        told = found_in(text, SHOWN_TO_MEMBERS)
        assert told == [], (url, told)
    assert found_in(caplog.text) == []


@pytest.mark.parametrize("who", ["stranger", "outsider", "root", "administrator"])
def test_others_are_told_nothing_at_all(said, who):
    client = Client(raise_request_exception=False)
    client.force_login(getattr(said.cast, who))
    for url in (
        reverse("evidence:releases"),
        reverse("evidence:people", args=[said.cast.case.pk]),
        reverse("evidence:statement", args=[said.statement.pk]),
        reverse("evidence:document", args=[said.card.pk]),
        reverse("admin:evidence_source_changelist"),
        reverse("admin:evidence_agent_changelist"),
    ):
        text = client.get(url, follow=True).content.decode()
        assert found_in(text) == [], url


def test_a_form_that_is_sent_back_with_an_error_is_not_logged(said, caplog):
    caplog.set_level(logging.DEBUG)
    client = Client(raise_request_exception=False)
    client.force_login(said.cast.researcher)

    answer = client.post(
        reverse("evidence:document", args=[said.card.pk]),
        {"document_type": "no such type", "inscribed_name": "CANARY-INSCRIBED"},
    )

    assert answer.status_code == 400
    assert found_in(caplog.text) == []


def test_a_bundle_and_the_work_that_writes_it_tell_none(said, caplog):
    caplog.set_level(logging.DEBUG)
    made = exporting.export(
        [said.statement, said.card, said.report], purpose="A trial", recipient="A court",
        user=said.cast.release_officer, now=people.NOW,
    )  # fmt: skip
    job = Job.objects.get(kind="evidence.export", subject=str(made.pk))
    assert outbox.run(job.pk, tasks.HANDLERS, on_quarantine=tasks._set_aside) is outbox.Outcome.DONE
    bundle = Bundle.objects.get(pk=made.pk)
    with storages["bundles"].open(bundle.storage_name) as file, zipfile.ZipFile(file) as archive:
        text = papers.words_in(archive)

    assert "TEST-001-0001" in text
    assert found_in(text) == []
    assert found_in(caplog.text) == []
    assert found_in(repr([vars(job) for job in Job.objects.all()])) == []
