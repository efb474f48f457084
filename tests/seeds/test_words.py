"""What the example says is complete, stays open where the report does, and names nobody."""

from __future__ import annotations

import pytest

from evidence.models.acquisition import Acquisition
from evidence.models.item import EvidenceItem
from evidence.models.levels import MARKER_MINIMA, Level
from seeds.load import KURSK, item_keeps, kept_in, read, read_items, with_kept
from tests.seeds.corpus import all_files, names_in, words_of

CATALOGUE = read(KURSK / "case.yaml")
ITEMS = read_items()
KEYS = {one["key"] for one in ITEMS}

each_item = pytest.mark.parametrize("said", ITEMS, ids=lambda said: said["key"])


@each_item
def test_an_item_says_everything_that_an_item_has_even_if_it_is_unknown(said):
    assert set(said) - {"parent", "derivation"} == {
        "key", "file", "media_type", "kind", "title", "description", "source", "languages",
        "level", "markers", "authored", "place", "acquisition", "later",
    }  # fmt: skip
    assert set(said["authored"]) >= {"text", "earliest", "latest", "basis"}
    assert set(said["place"]) >= {"text", "latitude", "longitude", "precision_m", "basis"}
    assert set(said["acquisition"]) == {
        "method", "provided_by", "acquired_at", "clock_source", "place", "url", "context_note",
        "authority", "known_gaps",
    }  # fmt: skip
    assert said["acquisition"]["known_gaps"].strip()


@each_item
def test_an_item_uses_the_catalogues_own_words_and_names_what_exists(said):
    assert (KURSK / "media" / said["file"]).is_file()
    assert said["kind"] in EvidenceItem.Kind.values
    assert said["level"] in Level.values
    assert set(said["markers"]) <= set(MARKER_MINIMA)
    assert said["authored"]["basis"] in EvidenceItem.TimeBasis.values
    assert said["place"]["basis"] in EvidenceItem.PlaceBasis.values
    assert said["acquisition"]["method"] in Acquisition.Method.values
    assert said["acquisition"]["clock_source"] in Acquisition.Clock.values
    assert said["source"] in CATALOGUE["sources"]
    assert said["acquisition"]["provided_by"] in {*CATALOGUE["agents"], "unknown"}
    assert said.get("parent", said["key"]) in KEYS


@each_item
def test_a_title_says_stand_in_and_the_known_gaps_say_what_is_not_held(said):
    assert "(stand-in)" in said["title"]
    assert said["acquisition"]["known_gaps"].startswith("Stand-in;")


def test_every_medium_belongs_to_exactly_one_item():
    files = [one["file"] for one in ITEMS]

    held = {path.name for path in (KURSK / "media").iterdir()} - {"SHA256SUMS"}

    assert len(files) == len(set(files)) == len(ITEMS)
    assert set(files) == held


def test_every_claim_stands_in_an_item_has_an_author_and_a_status():
    for claim in CATALOGUE["claims"]:
        assert set(claim["asserted_in"]) <= KEYS
        assert claim["asserted_in"]
        made_by = claim["made_by"]
        assert made_by == "unknown" or set(made_by) <= {*CATALOGUE["agents"], *KEYS}
        assert claim["status"] in {
            "unassessed", "uncorroborated", "partly_corroborated", "disputed",
        }  # fmt: skip


def test_sources_of_one_origin_form_one_group_and_nothing_is_corroborated_by_it():
    groups = {one["independence_group"] for one in CATALOGUE["sources"].values()}

    assert groups == {"sbu", "ukrainian-military", "journalists-with-access"}
    assert all(claim["independent_groups"] == 1 for claim in CATALOGUE["claims"])
    assert "corroborated" not in {claim["status"] for claim in CATALOGUE["claims"]}


def test_what_the_report_leaves_open_is_left_open():
    by_key = {one["key"]: one for one in ITEMS}
    undetermined = {"among": ["POW-A", "POW-B"], "which": "undetermined"}

    card = by_key["military-id-card"]["later"]["identity_document"]
    spoken = by_key["oral-statement"]["later"]

    assert card["bearer"] == undetermined
    assert (card["authenticity"], card["holder_relation"]) == ("unassessed", "unknown")
    assert spoken["statement"]["declarant"] == undetermined
    assert {step["affiliation_interest"] for step in spoken["mediation"]} == {"unknown"}
    assert all(one["answer"] == "unknown" for one in CATALOGUE["undetermined"])


def test_prisoners_are_protected_in_every_item_that_shows_or_quotes_them():
    shown = [one for one in ITEMS if one["kind"] in {"video", "statement"}]

    assert shown
    for said in shown:
        assert "identifiable_pow" in said["markers"]
        assert said["level"] in {"restricted", "sealed"}


@each_item
def test_what_has_no_table_yet_can_be_read_back_from_the_description(said):
    kept = item_keeps(said)

    assert kept_in(with_kept(said["description"], kept)) == kept


@pytest.mark.parametrize("path", all_files(), ids=lambda path: path.name)
def test_no_persons_name_appears(path):
    assert names_in(words_of(path)) == set()


@pytest.mark.parametrize(
    "text", ["a soldier, Erika Mustermann, said", "Petrovich", "\u0418\u0432\u0430\u043d"]
)
def test_a_persons_name_would_be_noticed(text):
    assert names_in(text)
