"""RO-Crate, CASE, PREMIS and tables of one record: valid, the same each time, and safe to open."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import uuid
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import xmlschema
from hypothesis import given
from hypothesis import strategies as st

from evidence import formats
from evidence.formats import case_graph, premis, ro_crate, tables, withheld_json
from evidence.formats.records import Withheld
from tests.evidence.formats.test_formats import BUNDLE, FILE, ITEM

SCHEMA = xmlschema.XMLSchema(Path(__file__).parent / "premis-3.0-as-used.xsd")
RENDITION = dataclasses.replace(
    FILE,
    file="c9f3c6c0-6a8c-4a3f-9a43-0f1f6f0f7a12",
    path="derived/redacted-1.mp4",
    original_filename="",
    derived_from=FILE.file,
    derivation="redaction",
    tool="redaction 1",
    pronom="fmt/199",
)
GONE = Withheld(
    "original file", "A prisoner is in it.", kind="file", file=FILE.file, size=12,
    commitment={"entry": 3, "leaf": "ab" * 32, "sha256": "aa" * 32},
    statute="Third Geneva Convention, article 13",
)  # fmt: skip
RICH = dataclasses.replace(
    BUNDLE,
    items=(dataclasses.replace(ITEM, files=(FILE, RENDITION), withheld=(*ITEM.withheld, GONE)),),
)
ANY = st.text(st.characters(exclude_categories=()), max_size=40)


def _hostile(text: str) -> Any:
    file = dataclasses.replace(FILE, original_filename=text, media_type=text, pronom=text)
    item = dataclasses.replace(
        ITEM, title=text, exhibit_number=text, files=(file,), withheld=(Withheld(text, text),)
    )
    return dataclasses.replace(BUNDLE, items=(item,), organisation=text)


def _premis(bundle: Any) -> bytes:
    (content,) = premis.render(bundle).values()
    return content


def test_premis_is_valid() -> None:
    assert not [error.reason for error in SCHEMA.iter_errors(_premis(RICH).decode())]


def test_the_schema_refuses_what_is_not_premis() -> None:
    text = _premis(RICH).decode().replace("<messageDigest>", "<digest>", 1)
    assert list(SCHEMA.iter_errors(text.replace("</messageDigest>", "</digest>", 1)))


@given(ANY)
def test_whatever_text_is_in_it_premis_is_valid_xml(text: str) -> None:
    written = _premis(_hostile(text))
    assert ET.fromstring(written) is not None
    assert b"<!" not in written


@given(ANY)
def test_whatever_text_is_in_it_the_json_files_are_json(text: str) -> None:
    bundle = _hostile(text)
    for content in (ro_crate.render(bundle), withheld_json.render(bundle),
                    *case_graph.render(bundle).values()):  # fmt: skip
        json.loads(content)


@pytest.mark.parametrize("start", tables.FORMULA)
def test_no_cell_is_a_formula(start: str) -> None:
    bundle = _hostile(f"{start}cmd|' /C calc'!A0")
    for path, content in tables.render(bundle).items():
        if path.endswith(".csv"):
            rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
            assert len(rows) > 1
            assert not [cell for row in rows for cell in row if cell.startswith(tables.FORMULA)]


def test_tables_open_in_spreadsheets_with_any_script() -> None:
    content = tables.render(RICH)["tables/files.csv"]
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert [row["original_filename"] for row in rows] == [FILE.original_filename, ""]
    lines = tables.render(RICH)["tables/files.jsonl"].decode().splitlines()
    assert [json.loads(line)["sha256"] for line in lines] == [FILE.sha256, RENDITION.sha256]


def test_what_is_withheld_is_no_file_of_the_crate() -> None:
    graph = json.loads(ro_crate.render(RICH))["@graph"]
    files = {one["@id"] for one in graph if one["@type"] == "File"}
    assert files == {f"evidence/KUR-1/{file.path}" for file in (FILE, RENDITION)}
    gone = [one for one in graph if "conditionsOfAccess" in one]
    assert [one["conditionsOfAccess"] for one in gone] == [
        "He is a prisoner of war",
        "A prisoner is in it.",
    ]
    mentioned = [one["mentions"] for one in graph if one["@id"] == "evidence/KUR-1/"]
    assert mentioned == [[{"@id": one["@id"]} for one in gone]]


def test_each_action_of_the_graph_takes_up_the_record_before() -> None:
    steps = tuple(dataclasses.replace(ITEM.history[0], seq=number) for number in (7, 9, 12))
    item = dataclasses.replace(RICH.items[0], history=steps)
    (content,) = case_graph.render(dataclasses.replace(RICH, items=(item,))).values()
    nodes = json.loads(content)["@graph"]
    actions = [node for node in nodes if node["@type"].endswith("InvestigativeAction")]
    records = [node["@id"] for node in nodes if node["@type"].endswith("ProvenanceRecord")]
    assert len(actions) == len(records) == 3
    for action, before in zip(actions[1:], records, strict=False):
        assert {"@id": before} in action["uco-action:object"]
    assert "_case" not in content.decode()


def test_many_items_are_several_files() -> None:
    many = dataclasses.replace(RICH, items=RICH.items * (case_graph.AT_ONCE + 1))
    assert list(case_graph.render(many)) == ["case/graph.jsonld", "case/graph-0002.jsonld"]
    written = premis.render(many)
    assert list(written) == ["premis/premis.xml", "premis/premis-0002.xml"]
    assert not [error for each in written.values() for error in SCHEMA.iter_errors(each.decode())]


def test_the_same_record_gives_the_same_bytes() -> None:
    assert formats.documents(RICH) == formats.documents(RICH)
    assert set(formats.documents(RICH)) == {
        "README.txt", "README.html", "ro-crate-metadata.json", "case/graph.jsonld",
        "premis/premis.xml", "withheld.json", "tables/items.csv", "tables/items.jsonl",
        "tables/files.csv", "tables/files.jsonl", "tables/custody.csv", "tables/custody.jsonl",
        "report/custody-report.en.pdf", "report/custody-report.ko.pdf",
        "report/custody-report.uk.pdf",
    }  # fmt: skip


def test_items_of_many_files_are_parted_and_do_not_repeat_them_with_each_entry():
    """A graph that grows with files times entries was refused by our own verifier for its size."""
    item = RICH.items[0]
    file, entry = item.files[0], item.history[0]
    heavy = dataclasses.replace(
        item,
        files=tuple(
            dataclasses.replace(file, file=str(uuid.uuid4()), path=f"original/{number}.bin")
            for number in range(400)
        ),
        history=tuple(dataclasses.replace(entry, seq=number) for number in range(400)),
    )
    many = dataclasses.replace(RICH, items=(heavy,) * 30)

    graphs = case_graph.render(many)

    assert len(graphs) == 3
    assert max(map(len, graphs.values())) < 32 * 2**20
    (first, *_) = graphs.values()
    records = [
        node for node in json.loads(first)["@graph"] if node["@type"].endswith("ProvenanceRecord")
    ]
    named = [len(node.get("uco-core:object", ())) for node in records[:400]]
    assert named == [400] + [0] * 399
