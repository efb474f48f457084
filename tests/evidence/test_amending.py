"""Corrections of what is said of items: recorded with before, after and why, over nobody's."""

from __future__ import annotations

import csv
import io
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from archive import auditing, disclosures
from archive.models.disclosure import Disclosure
from archive.models.ledger import Entry
from archive.proof.entries import open_disclosure
from evidence import amending, searching
from evidence.models.item import EvidenceItem
from evidence.models.source import Source
from tests import people

pytestmark = pytest.mark.django_db

SEVERAL = "/items/describe/"


@pytest.fixture
def cast(opened_log):
    return people.make_cast()


@pytest.fixture
def item(cast) -> EvidenceItem:
    return EvidenceItem.objects.get(pk=people.upload(cast.case, cast.researcher).item)


@pytest.fixture
def client(cast) -> Client:
    client = Client()
    client.force_login(cast.researcher)
    return client


def page_of(item: EvidenceItem) -> str:
    return reverse("evidence:describe", args=[item.pk])


def filled(item: EvidenceItem, **said: str) -> dict[str, str]:
    item.refresh_from_db()
    return {
        **amending.stands(item),
        "seen": amending.mark(item),
        "reason": "a typing error",
        **said,
    }


def entries() -> list[Entry]:
    return list(Entry.objects.filter(kind="item.described").order_by("seq"))


def test_a_correction_is_recorded_with_what_stood_before_and_why(client, item, cast):
    answer = client.post(page_of(item), filled(item, title="A better title", place_text="Sumy"))
    assert answer.status_code == 302
    item.refresh_from_db()
    assert (item.title, item.place_text) == ("A better title", "Sumy")
    (entry,) = entries()
    body = json.loads(entry.body)
    assert body["data"]["fields"] == ["title", "place_text"]
    assert "better title" not in entry.body  # sealed: digests in the entry, values beside it
    values = {
        one.name: open_disclosure(disclosures.text_of(one) or "")[2]
        for one in Disclosure.objects.filter(entry_seq=entry.seq)
    }
    assert json.loads(values["before"]) == {"title": "A note", "place_text": ""}
    assert json.loads(values["after"]) == {"title": "A better title", "place_text": "Sumy"}
    assert values["reason"] == "a typing error"
    assert not [one for one in auditing.audit().findings if one.outcome == "failed"]


def test_it_is_found_by_its_new_title_and_not_by_the_old(client, item):
    client.post(page_of(item), filled(item, title="Kyiv briefing"))
    assert list(searching.find(EvidenceItem.objects.all(), "briefing")) == [item]
    assert not searching.find(EvidenceItem.objects.all(), "note A").exists()


def test_who_writes_while_another_wrote_is_shown_the_difference_and_loses_nothing(client, item):
    mine = filled(item, title="Mine", description="a long text of mine")
    client.post(page_of(item), filled(item, title="Theirs"))
    answer = client.post(page_of(item), mine)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "changed meanwhile" in page
    assert page.count("Theirs") >= 1
    assert "a long text of mine" in page
    item.refresh_from_db()
    assert item.title == "Theirs"
    again = {**mine, "seen": answer.context["form"]["seen"].value()}
    assert client.post(page_of(item), again).status_code == 302
    item.refresh_from_db()
    assert item.title == "Mine"


def test_an_undoing_is_a_correction_of_its_own(client, item):
    client.post(page_of(item), filled(item, title="Wrong"))
    (entry,) = entries()
    history = client.get(
        reverse("admin:evidence_evidenceitem_change", args=[item.pk])
    ).content.decode()
    address = f"{page_of(item)}?undo={entry.seq}"
    assert address in history
    form = client.get(address).context["form"]
    assert form["title"].value() == "A note"
    client.post(address, {**{one.name: one.value() for one in form}, "reason": "wrong"})
    item.refresh_from_db()
    assert item.title == "A note"
    assert len(entries()) == 2


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"title": " "}, "required"),
        ({"reason": ""}, "required"),
        ({"authored_basis": "guessed"}, "valid choice"),
        ({"source": "b2a2e4a8-0000-4000-8000-000000000000"}, "valid choice"),
        ({}, "Nothing would change"),
    ],
)
def test_what_can_t_stand_is_said_and_nothing_is_recorded(client, item, wrong, words):
    answer = client.post(page_of(item), filled(item, **wrong))
    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert entries() == []


def test_several_are_previewed_before_anything_is_recorded(client, cast):
    items = [
        EvidenceItem.objects.get(
            pk=people.upload(cast.case, cast.researcher, content=b"%d" % one).item
        )
        for one in range(3)
    ]
    chosen = ",".join(str(one.pk) for one in items)
    source = Source.objects.create(name="SBU", kind="security_service")
    said = {"act": "preview", "items": chosen, "source": str(source.pk), "languages": "uk, ko"}
    preview = client.post(SEVERAL, said)
    page = preview.content.decode()
    assert preview.status_code == 200
    assert "nothing is recorded yet" in page
    assert page.count("SBU") == 3
    assert entries() == []
    recorded = client.post(
        SEVERAL, {"act": "record", "rows": preview.context["rows"], "reason": "from the letter"}
    )
    assert recorded.status_code == 302
    assert len(entries()) == 3
    for one in items:
        one.refresh_from_db()
        assert (one.source, one.languages) == (source, ["uk", "ko"])


def test_a_table_comes_back_changed_by_way_of_a_dry_run(client, item, cast):
    other = EvidenceItem.objects.get(
        pk=people.upload(cast.case, cast.researcher, content=b"2", title="=2+3").item
    )
    address = f"{reverse('evidence:items_table')}?items={item.pk},{other.pk}"
    text = client.get(address).content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert rows[1]["title"] == "'=2+3"  # no formula in a spreadsheet, and no change when it is back
    rows[0]["title"], rows[0]["place_text"] = "Титул 제목", "Kyiv"
    sink = io.StringIO()
    table = csv.DictWriter(sink, rows[0])
    table.writeheader()
    table.writerows(rows)
    brought = SimpleUploadedFile("items.csv", sink.getvalue().encode("utf-8-sig"))
    preview = client.post(SEVERAL, {"act": "table", "table": brought})
    assert [one.pk for one, _ in preview.context["preview"]] == [item.pk]
    assert preview.context["unchanged"] == 1
    assert entries() == []
    client.post(SEVERAL, {"act": "record", "rows": preview.context["rows"], "reason": "x"})
    item.refresh_from_db()
    assert (item.title, item.place_text) == ("Титул 제목", "Kyiv")
    stale = client.post(SEVERAL, {"act": "record", "rows": preview.context["rows"], "reason": "x"})
    assert stale.status_code == 400
    assert "changed meanwhile" in stale.content.decode()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("title,seen\nx,y\n", "first line must name"),
        ("exhibit_number,seen,kind\nx,y,z\n", "first line must name"),
        ("exhibit_number,title,seen\nNOPE-1,x,y\n", "lack cells: 2"),
        ("exhibit_number,title,seen\nTEST-001-0001,x,y,z\n", "lack cells: 2"),
        ("exhibit_number,title,seen\nTEST-001-0001,x,y\nTEST-001-0001,x,y\n", "lack cells: 3"),
        ('exhibit_number,title,seen\n"a"b,x,y\n', "no table"),
    ],
)
def test_a_table_that_can_t_be_read_is_said_by_its_lines(client, item, text, words):
    brought = SimpleUploadedFile("items.csv", text.encode())
    answer = client.post(SEVERAL, {"act": "table", "table": brought})
    assert answer.status_code == 400
    assert words in answer.content.decode()


def test_nobody_describes_what_their_role_does_not_open(cast, item):
    client = Client()
    wish = json.dumps(
        [{"item": str(item.pk), "seen": amending.mark(item), "wanted": {"title": "x"}}]
    )
    for user in (cast.auditor, cast.release_officer, cast.stranger, cast.outsider, cast.root):
        client.force_login(user)
        for answer in (
            client.get(page_of(item)),
            client.post(page_of(item), filled(item, title="x")),
            client.get(f"{SEVERAL}?items={item.pk}"),
            client.get(f"{reverse('evidence:items_table')}?items={item.pk}"),
            client.post(SEVERAL, {"act": "record", "rows": wish, "reason": "x"}),
        ):
            assert answer.status_code == 404, user
    assert entries() == []


def test_one_wrong_row_keeps_all_of_them_out(client, item, cast):
    other = EvidenceItem.objects.get(
        pk=people.upload(cast.case, cast.researcher, content=b"2").item
    )
    rows = [
        {"item": str(item.pk), "seen": amending.mark(item), "wanted": {"title": "good"}},
        {"item": str(other.pk), "seen": "0" * 64, "wanted": {"title": "also"}},
    ]
    answer = client.post(SEVERAL, {"act": "record", "rows": json.dumps(rows), "reason": "x"})
    assert answer.status_code == 400
    assert entries() == []
    item.refresh_from_db()
    assert item.title == "A note"
