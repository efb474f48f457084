"""The example goes in through the front door: its custody is true, and it goes in once."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from archive import custody
from archive.models.ledger import Entry
from evidence import access, intake
from evidence.models.acquisition import Acquisition
from evidence.models.agent import Agent
from evidence.models.case import Case, CaseMembership
from evidence.models.file import EvidenceFile
from evidence.models.item import EvidenceItem
from evidence.models.source import Source
from seeds import load as loading
from seeds.load import KURSK, LOADER, item_keeps, kept_in, load, read, read_items
from tests.seeds.corpus import names_in

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
KEYS = [one["key"] for one in read_items()]


@pytest.fixture
def member() -> User:
    return User.objects.create_user("researcher")


@pytest.fixture
def loaded(opened_log, member) -> loading.Loaded:
    return load(now=NOW, members=[member])


def _item(key: str) -> EvidenceItem:
    return EvidenceItem.objects.get(intake_key=f"seed:kursk_2025:{key}")


def _counts() -> dict[str, int]:
    tables = (
        Agent, Source, Case, CaseMembership, EvidenceItem, EvidenceFile, Acquisition, User, Entry,
    )  # fmt: skip
    return {table.__name__: table.objects.count() for table in tables}


def test_every_item_is_in_the_case_in_its_order(loaded):
    numbers = {
        item.intake_key: item.exhibit_number
        for item in EvidenceItem.objects.filter(case=loaded.case)
    }

    assert (loaded.received, loaded.held) == (len(KEYS), 0)
    assert numbers == {
        f"seed:kursk_2025:{key}": f"KUR-2025-001-{place:04d}"
        for place, key in enumerate(KEYS, start=1)
    }


def test_every_item_gets_its_custody_and_its_digest_agrees_with_its_makers(loaded):
    for key in KEYS:
        item = _item(key)
        file = item.files.get(role=EvidenceFile.Role.EVIDENTIARY)

        kinds = [entry.kind for entry in custody.history_of(item.pk)]

        assert kinds[:3] == ["item.registered", "item.acquired", "media.ingested"], key
        assert file.declared_match == EvidenceFile.Declared.MATCH, key
        assert item.status == EvidenceItem.Status.REGISTERED, key
        assert item.acquisitions.count() == 1, key


def test_loading_again_adds_nothing(loaded, member):
    before = _counts()

    again = load(now=NOW, members=[member])

    assert (again.received, again.held) == (0, len(KEYS))
    assert _counts() == before


def test_a_run_that_was_stopped_is_finished_by_the_next(opened_log, monkeypatch):
    received: list[intake.Receipt] = []

    def stopping(*args, **named):
        if len(received) == 3:
            raise KeyboardInterrupt
        received.append(intake.receive(*args, **named))
        return received[-1]

    monkeypatch.setattr(loading, "receive", stopping)
    with pytest.raises(KeyboardInterrupt):
        load(now=NOW)
    monkeypatch.undo()

    finished = load(now=NOW)

    assert (finished.received, finished.held) == (len(KEYS) - 3, 3)
    assert EvidenceItem.objects.count() == len(KEYS)


def test_nothing_that_was_said_of_an_item_is_lost(loaded):
    catalogue = read(KURSK / "case.yaml")

    for said in read_items():
        item = _item(said["key"])
        assert item.description.startswith(said["description"].strip())
        assert kept_in(item.description) == item_keeps(said)
        assert (item.title, item.kind, item.level) == (said["title"], said["kind"], said["level"])
        assert (item.languages, item.markers) == (said["languages"], said["markers"])
        assert item.authored_text == said["authored"]["text"]
        assert item.source is not None
        assert item.source.name == catalogue["sources"][said["source"]]["name"]
    assert kept_in(loaded.case.description)["undetermined"] == catalogue["undetermined"]


def test_levels_follow_the_items_the_markers_and_the_case(loaded):
    levels = {key: _item(key).effective_level for key in KEYS}

    assert levels["service-video"] == "sealed"
    assert levels["military-id-card"] == levels["oral-statement"] == "restricted"
    assert levels["president-post"] == "internal"  # public itself, in a case that is internal


def test_a_time_is_an_instant_only_where_one_was_given(loaded):
    post = _item("president-post").acquisitions.get()
    others = Acquisition.objects.exclude(pk=post.pk)

    assert post.acquired_at == datetime(2025, 1, 11, 17, 40, tzinfo=UTC)
    assert post.acquired_at_text == "2025-01-11T19:40:00+02:00"
    assert post.tz_basis == Acquisition.TimeZoneBasis.EXPLICIT_OFFSET
    assert {(one.acquired_at, one.tz_basis) for one in others} == {(None, "unknown")}


def test_the_transcript_hangs_on_its_statement(loaded):
    transcript = _item("oral-statement-transcript")

    assert transcript.parent == transcript.root_exhibit == _item("oral-statement")
    assert transcript.derivation == "transcript"


def test_a_member_sees_all_of_it_and_an_outsider_nothing(loaded, member):
    outsider = User.objects.create_user("outsider", is_superuser=True)

    assert access.visible_to(member, "view").count() == len(KEYS)
    assert access.visible_to(outsider).count() == 0


def test_the_loader_is_software_that_can_not_log_in_and_leaves_the_case(loaded):
    loader = User.objects.get(username=LOADER)

    assert not loader.is_active
    assert not loader.has_usable_password()
    assert loader.agent.kind == Agent.Kind.SOFTWARE
    assert not CaseMembership.objects.filter(user=loader, until=None).exists()


def test_no_persons_name_is_in_the_catalogue_that_was_loaded(loaded):
    texts = [
        *EvidenceItem.objects.values_list("title", flat=True),
        *EvidenceItem.objects.values_list("description", flat=True),
        *Source.objects.values_list("name", flat=True),
        *Agent.objects.exclude(user__isnull=False).values_list("label", flat=True),
    ]

    assert {name for text in texts for name in names_in(text)} == set()


def test_the_command_loads_once_and_says_what_it_did(opened_log, member):
    first, second = StringIO(), StringIO()

    call_command("load_example", "--member", member.username, stdout=first)
    call_command("load_example", stdout=second)

    assert first.getvalue().strip() == "KUR-2025-001: 10 items taken in, 0 were in already."
    assert second.getvalue().strip() == "KUR-2025-001: 0 items taken in, 10 were in already."


def test_without_a_name_the_command_gives_the_case_to_superusers_and_nobody_else(
    opened_log, member
):
    root = User.objects.create_superuser("root")

    call_command("load_example", stdout=StringIO())

    assert access.visible_to(root, "view").count() == len(KEYS)
    assert access.visible_to(member).count() == 0


def test_the_command_refuses_a_member_that_does_not_exist(opened_log):
    with pytest.raises(CommandError, match="There is no user nobody"):
        call_command("load_example", "--member", "nobody")

    assert not Case.objects.exists()
