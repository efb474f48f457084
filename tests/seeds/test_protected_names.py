"""No name that the example protects stands in a dump of the database, on either."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.urls import reverse

from archive import custody, data_keys, disclosures
from archive.models.disclosure import Disclosure
from archive.proof.entries import open_disclosure
from evidence import access
from evidence.models.agent import Agent
from evidence.models.source import Source
from evidence.roles import make_roles
from seeds.load import KURSK, load, read
from tests.databases import on_both, on_sqlite

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)


@pytest.fixture
def loaded(committed_database):
    custody.open_log()
    load(now=NOW, members=[User.objects.create_user("researcher")])
    return committed_database


def _protected():
    """Labels of protected agents and names of confidential sources; pseudonyms are for showing."""
    said = read(KURSK / "case.yaml")
    names = [one["label"] for one in said["agents"].values() if one.get("is_protected")]
    names += [one["name"] for one in said["sources"].values() if one.get("confidential")]
    return [name for name in names if name not in said["persons"]]


def _forms(value):
    yield value
    yield json.dumps(value)[1:-1]
    yield json.dumps(value).replace("'", "''")[1:-1]  # as SQL quotes it
    yield value.replace("'", "''")
    for at in range(3):  # inside base64, wherever it begins
        yield urlsafe_b64encode(b"x" * at + value.encode()).decode()[4:-4]


@on_both
def test_no_protected_name_of_the_example_stands_in_a_dump(loaded):
    names = _protected()
    assert len(names) >= 5
    dump = loaded.dump()

    assert "Ukraine" in dump
    assert "KUR-2025-001" in dump
    assert {name for name in names for form in _forms(name) if form in dump} == set()


@on_both
def test_no_disclosure_of_the_examples_ledger_stands_in_a_dump(loaded):
    dump = loaded.dump("archive_*")
    rows = list(Disclosure.objects.all())
    values = [open_disclosure(disclosures.text_of(row))[2] for row in rows]
    texts = {value for value in values if isinstance(value, str) and len(value) > 5}
    texts.discard("KUR-2025-001")  # every exhibit's number begins with it, and stands in clear

    assert len(rows) > 50
    assert len(texts) > 20
    assert {value for value in texts for form in _forms(value) if form in dump} == set()


@on_both
def test_names_are_there_for_who_may_see_them_and_protection_can_be_given_and_taken(loaded):
    agent = next(one for one in Agent.objects.all() if one.label.startswith("Interpreter"))
    source = Source.objects.get(confidential=False, name="SBU")
    assert (str(agent), agent.public_label) == (agent.opaque_id, agent.opaque_id)

    agent.is_protected = False
    agent.save()
    source.confidential = True
    source.handle = "@only-we-know"
    source.save()

    dump = loaded.dump("evidence_*")
    assert agent.label in dump
    assert "@only-we-know" not in dump
    assert Source.objects.get(pk=source.pk).handle == "@only-we-know"
    assert Source.objects.get(pk=source.pk).name == "SBU"
    assert "SBU" not in str(source)


@on_sqlite
def test_who_may_see_an_item_reads_the_names_and_the_log_of_changes_does_not_keep_them(
    loaded, client
):
    user = User.objects.get(username="researcher")
    make_roles()
    user.groups.set(Group.objects.all())
    User.objects.filter(pk=user.pk).update(is_staff=True)
    client.force_login(user)
    item = access.visible_to(user).first()
    agent = next(one for one in Agent.objects.all() if one.label.startswith("Interpreter"))
    item.acquisitions.update(acquired_by=agent)

    page = client.get(reverse("admin:evidence_evidenceitem_change", args=[item.pk]))
    made = client.post(
        reverse("admin:evidence_source_add"),
        {"name": "Our man in Sudzha", "kind": "witness", "confidential": "on"},
    )

    assert agent.label in page.content.decode()
    assert made.status_code == 302
    assert Source.objects.get(kind="witness").name == "Our man in Sudzha"
    assert LogEntry.objects.filter(object_repr__startswith="Confidential source").exists()
    assert "Our man in Sudzha" not in loaded.dump()


@on_both
def test_names_that_were_kept_in_clear_are_enciphered_by_the_next_migrate(loaded):
    label = next(one.label for one in Agent.objects.all() if one.label.startswith("Spokesman"))
    Agent.objects.filter(is_protected=True).update(label=label)  # as it was once
    assert label in loaded.dump("evidence_*")

    call_command("migrate", verbosity=0)

    assert label not in loaded.dump("evidence_*")
    assert {one.label for one in Agent.objects.filter(is_protected=True)} == {label}


def test_what_looks_enciphered_and_was_typed_is_kept_as_it_was_typed(db):
    typed = f"{data_keys.seal('x', 'elsewhere')}@elsewhere"

    agent = Agent.objects.create(label=typed)

    assert Agent.objects.get(pk=agent.pk).label == typed
