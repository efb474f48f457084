"""The box that finds leads to what one may see, and tells of nothing else."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from tests import people
from tests.evidence import sayings

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(opened_log) -> people.Cast:
    cast = people.make_cast()
    for number in range(12):
        people.upload(cast.case, cast.researcher, content=b"%d" % number, title="Found <b>here")
    people.upload(cast.other_case, cast.stranger, title="Found elsewhere")
    return cast


def find(user, text: str) -> list[dict[str, str]]:
    client = Client()
    client.force_login(user)
    answer = client.get(reverse("evidence:find"), {"q": text})
    assert answer.status_code == 200
    return list(answer.json()["found"])


def test_what_one_may_see_is_found_and_the_first_few_are_named(cast):
    found = find(cast.researcher, "found")
    assert len(found) == 8
    assert {one["name"].partition(" ")[2] for one in found} == {"Found <b>here"}
    client = Client()
    client.force_login(cast.researcher)
    assert client.get(found[0]["address"]).status_code == 200


def test_an_exhibit_number_and_a_case_lead_to_their_pages(cast):
    (one,) = [one for one in find(cast.researcher, "TEST-001-0003") if one["about"] != "Case"]
    assert one["name"].startswith("TEST-001-0003 ")
    assert any(one["about"] == "Case" for one in find(cast.researcher, "test-001"))


def test_nothing_of_another_case_is_told(cast):
    assert [one["name"] for one in find(cast.stranger, "found")] == [
        "TEST-002-0001 Found elsewhere"
    ]
    for user in (cast.outsider, cast.root, cast.administrator):
        assert find(user, "found") == find(user, "TEST") == []


@pytest.mark.parametrize("text", ["", " ", "a", "%", "__", "' OR 1=1 --", "x" * 10_000])
def test_what_finds_nothing_is_answered(cast, text):
    assert find(cast.researcher, text) == []


def test_words_of_what_one_may_not_view_lead_nowhere(cast):
    said = sayings.item(cast, level="sealed")
    assert not any(said.exhibit_number in one["name"] for one in find(cast.researcher, "An item"))
