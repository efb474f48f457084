"""Copies of the ledger: exactly what the filters leave, in order, and nothing personal."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from archive import custody, signing
from archive.proof import events, notes
from evidence import presenting
from evidence.formats import custody_report, report_words, tables
from tests import papers, people
from tests.evidence import sayings

pytestmark = pytest.mark.django_db
LIST = reverse("admin:archive_entry_changelist")


@pytest.fixture
def cast(opened_log) -> people.Cast:
    cast = people.make_cast()
    sayings.item(cast, content=b"one")
    sayings.item(cast, content=b"two")
    return cast


@pytest.fixture
def client(cast) -> Client:
    client = Client()
    client.force_login(cast.auditor)
    client.get(LIST)  # what a first look records is there before anything is compared
    for form in ("csv", "jsonl", "pdf"):
        extract(client, form)
    return client


def extract(client: Client, form: str, **query: str) -> bytes:
    answer = client.get(reverse("evidence:ledger_extract", args=[form]), query)
    assert answer.status_code == 200, answer
    assert f".{form}" in answer["Content-Disposition"]
    return answer.getvalue()


def rows_of(content: bytes) -> list[dict[str, str]]:
    text = content.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def shown(client: Client, **query: str) -> list[int]:
    """The entries that the page lists, over all its leaves."""
    found, before = [], {}
    while True:
        context = client.get(LIST, {**query, **before}).context
        found += [step.seq for step, _, _ in context["steps"]]
        if not context["following"]:
            return found
        before = {"before": str(found[-1])}


QUERIES = [
    {},
    {"kind": "media.ingested"},
    {"exhibit": "TEST-001-0002"},
    {"since": "2026-01-15", "until": "2026-01-15"},
    {"kind": "no.such"},
    {"exhibit": "NO-SUCH"},
]


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_a_copy_has_exactly_what_the_page_shows(client, query):
    expected = shown(client, **query)[::-1]

    lines = [json.loads(line) for line in extract(client, "jsonl", **query).splitlines()]
    table = rows_of(extract(client, "csv", **query))

    assert [one["entry"] for one in lines] == expected
    assert [int(one["entry"]) for one in table] == expected
    words = papers.words_of(extract(client, "pdf", **query))
    for one in lines:
        assert "".join(one["sentence"].split()) in words
    if not expected:
        assert "Noentryfits." in words


def test_the_case_and_the_actor_narrow_a_copy_too(client, cast):
    case = {"case": str(cast.case.pk)}
    actor = {"actor": json.loads(extract(client, "jsonl").splitlines()[-1])["actor"]}
    for query in (case, actor, {**case, **actor}):
        lines = [json.loads(line) for line in extract(client, "jsonl", **query).splitlines()]
        assert [one["entry"] for one in lines] == shown(client, **query)[::-1]
    assert "TEST-001" in papers.words_of(extract(client, "pdf", **case))


def test_each_line_holds_the_entry_s_own_bytes_and_their_hash(client):
    entries = {row.seq: row for row in custody.entries()}
    for line in extract(client, "jsonl").splitlines():
        one = json.loads(line)
        assert one["body"] == entries[one["entry"]].body
        assert one["leaf"] == hashlib.sha256(b"\0" + one["body"].encode()).hexdigest()


def test_many_entries_come_over_several_queries_each_once(client, monkeypatch):
    monkeypatch.setattr("evidence.extracting.AT_ONCE", 3)
    found = [json.loads(line)["entry"] for line in extract(client, "jsonl").splitlines()]
    assert found == list(range(len(found)))
    assert len(found) > 10


def test_a_copy_names_nobody(client, cast):
    """The page does, for who may read it; a file goes further."""
    page = client.get(LIST).content.decode()
    copies = [extract(client, form).decode() for form in ("csv", "jsonl")]
    copies += [papers.words_of(extract(client, "pdf", language=one)) for one in ("en", "uk", "ko")]
    for name in ("words.txt", "note.txt", "An item", "stranger", "outsider"):
        assert all("".join(name.split()) not in copy for copy in copies), name
    assert "An item" in page


def test_a_cell_is_never_a_formula(cast, client):
    with custody.recording(actor=custody.ARCHIVE, now=people.NOW) as log:
        log.add(events.AccessDenied(act="=cmd|' /C calc'!A0", what="x", reason="y"))
    (row,) = rows_of(extract(client, "csv", kind="access.denied"))
    assert not any(value.startswith(tables.FORMULA) for value in row.values())


@pytest.mark.parametrize("language", report_words.LANGUAGES)
def test_paper_says_which_filters_left_it(client, language):
    words = papers.words_of(extract(client, "pdf", kind="media.ingested", language=language))
    head = report_words.WORDS[language]
    for text in (head["extract"], head["extract_limits"], "media.ingested"):
        assert "".join(text.split()) in words
    everything = papers.words_of(extract(client, "pdf", language=language))
    assert "".join(head["everything"].split()) in everything


def test_what_is_no_id_of_a_case_stands_on_paper_as_it_was_asked(client):
    words = papers.words_of(extract(client, "pdf", case="nonsense"))
    assert "nonsense" in words


def test_what_does_not_fit_on_paper_is_refused_with_what_to_do(client, monkeypatch):
    monkeypatch.setattr(custody_report, "MOST_ROWS", 5)
    url = reverse("evidence:ledger_extract", args=["pdf"])
    answer = client.get(url, {"since": "2020-01-01"}, follow=True)
    page = answer.content.decode()
    assert "room for 5 entries" in page
    assert 'value="2020-01-01"' in page


def test_a_copy_is_an_entry_of_its_own(client):
    found = [json.loads(line) for line in extract(client, "jsonl", kind="ledger.read").splitlines()]
    assert {"extract, csv", "extract, jsonl", "extract, pdf"} <= {
        one["data"]["view"] for one in found
    }


def test_who_may_not_read_the_ledger_gets_no_copy_and_the_attempt_is_recorded(cast):
    client = Client()
    client.force_login(cast.researcher)
    for form in ("csv", "jsonl", "pdf"):
        url = reverse("evidence:ledger_extract", args=[form])
        assert client.get(url).status_code == 403
    assert custody.entries(kind="access.denied").count() >= 1


def test_there_is_no_other_form(client):
    assert client.get(reverse("evidence:ledger_extract", args=["exe"])).status_code == 404


def test_the_page_says_where_time_stood_still_or_went_back():
    def step(seq: int, time: str) -> presenting.Step:
        return presenting.Step(seq, time, "k", "s", "a", "a", "l", "", (), "")

    steps = [
        step(9, "2026-01-20T00:00:00.000000Z"),
        step(8, "2026-01-20T00:00:01.500000Z"),
        step(7, "2026-01-11T00:00:00.000000Z"),
        step(5, "2025-01-01T00:00:00.000000Z"),
        step(4, "2024-12-31T23:00:00.000000Z"),
    ]
    assert presenting.remarks(steps) == {
        9: (f"The clock went back by {timedelta(seconds=1.5)}.", True),
        8: ("Nothing was recorded for 9 days.", False),
    }


def test_the_page_shows_the_key_that_signs_for_comparing_by_telephone(client):
    fingerprint = notes.parse_vkey(signing.the_signer().vkey).fingerprint
    page = client.get(LIST).content.decode()
    assert f'data-copy="{fingerprint}"' in page
    assert " ".join(fingerprint[at : at + 8] for at in range(0, 64, 8)) in page
