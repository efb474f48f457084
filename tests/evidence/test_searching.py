"""Search finds words in every script, only what one may see, and stays bounded."""

from __future__ import annotations

import pytest

from evidence import access, searching
from evidence.admin import items, paging
from evidence.models.item import EvidenceItem
from evidence.models.search_text import SearchText
from tests import people

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True, params=[0, searching.FEW], ids=["by words", "one by one"])
def few(request, monkeypatch):
    """On SQLite words are looked up in the index, or in each of a few items."""
    monkeypatch.setattr(searching, "FEW", request.param)


TITLES = [
    "Interview of a captive, first part",
    "Свідчення військовополоненого з’ясовано",
    "Показания пленного, ещё раз",
    "북한군 포로의 진술서",
    "Посвідчення Ґудзя, підроблене",
]


@pytest.fixture
def cast(opened_log):
    made = people.make_cast()
    for number, title in enumerate(TITLES):
        people.upload(
            made.case, made.researcher, title=title, content=b"%d" % number,
            filename=f"Файл_{number} (копія).mp4",
        )  # fmt: skip
    return made


def _found(user, text: str) -> list[str]:
    found = searching.find(access.visible_to(user), text)
    return sorted(found.values_list("title", flat=True))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("interview", [0]),
        ("INTER first", [0]),
        ("свідч", [1]),
        ("зʼясовано", [1]),
        ("З'ЯСОВАНО", [1]),
        ("еще", [2]),
        ("포로", [3]),
        ("북한", [3]),
        ("진술서", [3]),
        ("로", [3]),
        ("гудзя", [4]),
        ("ґудзя підроб", [4]),
        ("Файл_3", [3]),
        ("файл_1 (копія).mp4", [1]),
        ("копія", [0, 1, 2, 3, 4]),
        ("terview", []),
        ("interview absent", []),
        ("포병", []),
        ("!!!", []),
        ('" OR 1=1 --', []),
        ("'*:&|()", []),
        ("NEAR(interview", []),
        ("", [0, 1, 2, 3, 4]),
    ],
)
def test_words_are_found_in_every_script_and_signs_do_no_harm(cast, text, expected):
    assert _found(cast.researcher, text) == sorted(TITLES[number] for number in expected)


def test_exhibit_numbers_and_digests_are_found_whole_and_by_their_beginning(cast):
    item = EvidenceItem.objects.get(title=TITLES[2])
    sha256 = item.files.get().sha256

    for text in (item.exhibit_number, item.exhibit_number.lower(), sha256, sha256[:12]):
        assert _found(cast.researcher, text) == [TITLES[2]], text
    assert len(_found(cast.researcher, item.exhibit_number[:-1])) == 5


def test_nobody_finds_what_they_may_not_see(cast):
    assert _found(cast.outsider, "interview") == []
    people.upload(cast.case, cast.researcher, title="interview, sealed", level="sealed")
    assert _found(cast.researcher, "interview") == [TITLES[0]]


def test_of_very_many_the_newest_are_found(cast, monkeypatch):
    monkeypatch.setattr(searching, "MOST", 2)

    assert _found(cast.researcher, "копія") == sorted(TITLES[3:])


def test_items_from_before_there_was_a_search_are_found_after_a_migrate(cast):
    SearchText.objects.all().delete()
    assert _found(cast.researcher, "interview") == []

    searching.index_what_is_missing()

    assert _found(cast.researcher, "interview") == [TITLES[0]]


def test_a_list_counts_and_turns_no_further_than_its_limit(cast, client, monkeypatch):
    monkeypatch.setattr(paging, "MOST", 3)
    monkeypatch.setattr(items.EvidenceItemAdmin, "list_per_page", 2)
    client.force_login(cast.researcher)

    page = client.get("/admin/evidence/evidenceitem/", {"p": 2}).context["cl"]

    assert page.result_count == 3
    assert [item.title for item in page.result_list] == [TITLES[2]]
    assert client.get("/admin/evidence/evidenceitem/", {"p": 3}).status_code == 302


def test_the_page_finds_too(cast, client):
    client.force_login(cast.researcher)

    page = client.get("/admin/evidence/evidenceitem/", {"q": "포로"}).context["cl"]

    assert [item.title for item in page.result_list] == [TITLES[3]]
