"""However the standards' files are laid out, each is read as the one document that it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from archive.proof import metadata
from archive.proof.bundle import open_bundle
from archive.proof.errors import MalformedError
from archive.proof.examination import Examination, Policy

NODES = [{"@id": f"kb:{number}", "text": "]}\n,{" * (number % 3)} for number in range(40)]
HEAD = '{"@context":{"kb":"https://muniment.invalid/id/"},"@graph":[\n'
LINES = [json.dumps(node) for node in NODES]
GRAPH = HEAD + ",\n".join(LINES) + "\n]}\n"
XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
ROOT = '<premis xmlns="http://www.loc.gov/premis/v3" version="3.0">\n'
EVENTS = [
    f"<event><eventIdentifier><eventIdentifierValue>log#{number}</eventIdentifierValue>"
    f"</eventIdentifier><eventDateTime>at {number}</eventDateTime></event>\n"
    for number in range(40)
]
PREMIS = f"{XML}{ROOT}{''.join(EVENTS)}</premis>\n"
TOLD = {number: (f"at {number}", None) for number in range(40)}


@pytest.fixture(params=[1, 500, 256 * 1024], ids=["each by itself", "some at once", "all at once"])
def _at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "AT_ONCE", request.param)


pytestmark = pytest.mark.usefixtures("_at_once")


def examined(folder: Path, text: str) -> Examination:
    (folder / "file").write_text(text, encoding="utf-8")
    return Examination(open_bundle(folder), Policy())


def nodes(folder: Path, text: str) -> list[Any]:
    return list(metadata._nodes(examined(folder, text), "file", limit=10**6))


def told(folder: Path, text: str) -> Any:
    found = metadata.Told()
    metadata._premis(examined(folder, text), "file", found)
    return found.entries


@pytest.mark.parametrize(
    "text",
    [
        GRAPH,
        json.dumps(json.loads(GRAPH)),
        json.dumps(json.loads(GRAPH), indent=1),
    ],
    ids=["a node a line", "one line", "indented"],
)
def test_a_graph_is_the_same_in_every_layout(tmp_path: Path, text: str) -> None:
    assert nodes(tmp_path, text) == NODES


def test_a_graph_of_no_node_is_one(tmp_path: Path) -> None:
    assert nodes(tmp_path, HEAD + "]}\n") == []


@pytest.mark.parametrize(
    "text",
    [
        GRAPH.replace(",\n", "\n", 1),
        GRAPH.replace(",\n", ",,\n", 1),
        GRAPH.replace("\n]}\n", ",\n]}\n"),
        GRAPH + "{}\n",
        GRAPH + "]}\n",
        GRAPH.removesuffix("]}\n"),
        GRAPH.removesuffix("\n]}\n") + "]}",
        GRAPH.replace("]}\n", "]],\n]}\n"),
        GRAPH.replace(LINES[3] + ",", LINES[3] + '],"@graph":[', 1),
        GRAPH.replace(LINES[3], '{"@id":1,"@id":2}'),
        GRAPH.replace(LINES[3] + ",\n" + LINES[4], '{"a":[1,\n2]}').replace("1,\n2]}", "1\n,2]}"),
        GRAPH.replace(HEAD, '{"@graph":[{}],"@graph":[\n'),
        GRAPH.replace(HEAD, '{"x":{"@graph":[\n'),
        GRAPH.replace(HEAD, '["@graph":[\n'),
    ],
)
def test_lines_that_are_not_one_document_together_are_refused(tmp_path: Path, text: str) -> None:
    assert text != GRAPH
    with pytest.raises(MalformedError):
        nodes(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        PREMIS,
        PREMIS.removeprefix(XML),
        PREMIS.replace("\n", ""),
        PREMIS.replace("><", ">\n  <"),
        PREMIS.replace("</event>", "<x>a name\nof several\nlines</x></event>"),
        PREMIS.replace(EVENTS[0], EVENTS[0] + "<agent><x>of\n\nlines</x></agent>\n"),
    ],
    ids=["an element a line", "no declaration", "one line", "indented", "breaks", "a break later"],
)
def test_premis_is_the_same_in_every_layout_that_is_whole(tmp_path: Path, text: str) -> None:
    assert told(tmp_path, text) == TOLD


@pytest.mark.parametrize(
    "text",
    [
        PREMIS + "<!-- -->\n",
        PREMIS + PREMIS,
        PREMIS.removesuffix("</premis>\n"),
        PREMIS.replace(EVENTS[3], "</premis>\n" + EVENTS[3]),
        PREMIS.replace(EVENTS[3], "</premis><premis>\n" + EVENTS[3]),
        PREMIS.replace(EVENTS[3], "<!-- " + EVENTS[3]).replace(EVENTS[9], EVENTS[9] + " -->\n"),
        PREMIS.replace(EVENTS[3], "<![CDATA[" + EVENTS[3]).replace(EVENTS[9], EVENTS[9] + "]]>\n"),
        PREMIS.replace(ROOT, '<!DOCTYPE premis [<!ENTITY a "b">]>\n' + ROOT),
        PREMIS.replace(EVENTS[3], EVENTS[3].replace("at 3", "&amp")),
    ],
)
def test_lines_of_premis_that_are_not_one_document_are_refused(tmp_path: Path, text: str) -> None:
    assert text != PREMIS
    with pytest.raises(MalformedError):
        told(tmp_path, text)
