"""The originals of a bundle beside what was recorded when they came in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from archive.proof import canonical
from archive.proof.errors import MalformedError
from archive.proof.examination import (
    LONGEST_RECORD,
    LONGEST_TEXT,
    Examination,
    failed,
    passed,
)
from archive.proof.report import NOT_CHECKED, Finding

EVIDENCE = "data/evidence/"
ORIGINAL, DERIVED = "/original/", "/derived/"
WITHHELD = "data/withheld.json"


def is_media(path: str) -> bool:
    """Tell whether a path in a bundle is that of an original or a rendition."""
    return path.startswith(EVIDENCE) and (ORIGINAL in path or DERIVED in path)


def originals_are_as_taken_in(at: Examination) -> Iterator[Finding]:
    """Each original has the digests and the size under which it was recorded when it came in.

    One that is not there must be named as withheld, with the entry that recorded it; each
    rendition must be one that the ledger names.
    """
    if at.checkpoint is None:
        return
    taken: dict[str, dict[str, Mapping[str, Any]]] = {}
    made: dict[str, set[str]] = {}
    for recorded in at.entries.values():
        if recorded.kind == "media.ingested" and recorded.item is not None:
            taken.setdefault(recorded.item, {})[str(recorded.data.get("sha256"))] = recorded.data
        if recorded.kind == "item.redacted" and recorded.item is not None:
            made.setdefault(recorded.item, set()).add(str(recorded.data.get("sha256")))
    described, faults = set[str](), 0
    for finding in _all(at, taken, made, described):
        faults += 1
        yield finding
    originals = sum(ORIGINAL in path for path in described)
    if originals and not faults:
        yield passed("originals-as-taken-in", f"{originals} originals", "are those that came in")


def _all(
    at: Examination,
    taken: dict[str, dict[str, Mapping[str, Any]]],
    made: dict[str, set[str]],
    described: set[str],
) -> Iterator[Finding]:
    for path in sorted(at.bundle.members):
        if path.startswith(EVIDENCE) and path.endswith("/item.json") and path.count("/") == 3:
            yield from _item(at, path, taken, made, described)
    for path in sorted(at.bundle.members):
        if is_media(path) and path not in described:
            yield failed("original-undescribed", path, "no item.json describes it")
    withheld = list(_withheld(at, taken))
    yield from (each for each in withheld if each.outcome != NOT_CHECKED)
    for item, files in sorted(taken.items()):
        for sha256, data in sorted(files.items()):
            yield failed(
                "original-missing",
                f"item {item}",
                f"the file {data.get('file')}, SHA-256 {sha256}, was taken in and is not there",
            )


def what_is_withheld_is_named(at: Examination) -> Iterator[Finding]:
    """Say how much is withheld: of that, only that it was recorded can be checked."""
    try:
        rows = _rows_of_withheld(at)
    except (MalformedError, KeyError, TypeError):
        return  # said already
    files = sum(row.get("kind") == "file" for row in rows)
    if rows:
        yield Finding(
            "withheld",
            NOT_CHECKED,
            WITHHELD,
            f"{files} files and {len(rows) - files} facts are not in this bundle; it names each",
        )


def _rows_of_withheld(at: Examination) -> list[Mapping[str, Any]]:
    if WITHHELD not in at.bundle.members:
        return []
    rows = canonical.parse_json(at.bundle.read(WITHHELD, limit=LONGEST_TEXT))["withheld"]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise TypeError("not a list of members")
    return rows


def _withheld(at: Examination, taken: dict[str, dict[str, Mapping[str, Any]]]) -> Iterator[Finding]:
    """Take what is named as withheld off what is missing, if the ledger recorded just that."""
    try:
        rows = _rows_of_withheld(at)
        for row in rows:
            if row["kind"] != "file":
                continue
            item, file, bound = str(row["item"]), row["file"], row["commitment"]
            entry = at.entries.get(bound["entry"])
            if entry is None or entry.item != item or entry.leaf.hex() != bound["leaf"]:
                yield failed("withheld-unrecorded", WITHHELD, f"no such entry names {file}")
                continue
            if entry.data.get("file") != file:
                yield failed("withheld-unrecorded", WITHHELD, f"the entry does not name {file}")
            elif entry.data.get("size") != row["size"]:
                yield failed("withheld-contradicts", WITHHELD, f"the size of {file} differs")
            elif (
                entry.kind == "media.ingested"
                and taken.get(item, {}).pop(str(entry.data.get("sha256")), None) is None
            ):
                yield failed("withheld-contradicts", WITHHELD, f"{file} is in the bundle all along")
    except (MalformedError, KeyError, TypeError, AttributeError) as error:
        yield failed("withheld-malformed", WITHHELD, error)


def _item(  # noqa: C901 - one branch for each fault
    at: Examination,
    path: str,
    taken: dict[str, dict[str, Mapping[str, Any]]],
    made: dict[str, set[str]],
    described: set[str],
) -> Iterator[Finding]:
    folder = path[: -len("item.json")]
    try:
        record = canonical.parse_json(at.bundle.read(path, limit=LONGEST_RECORD))
        item, number, files = record["item"], record["exhibit_number"], record["files"]
        if not isinstance(item, str) or not all(isinstance(each, dict) for each in files):
            raise TypeError
        listed = [(str(each["path"]), each) for each in files]
    except (MalformedError, KeyError, TypeError) as error:
        yield failed("item-malformed", path, error)
        return
    if item not in at.exhibit_numbers:
        yield failed("item-unrecorded", path, f"the bundle holds no registration of item {item}")
    elif number != at.exhibit_numbers[item]:
        yield failed("item-contradicts", path, "the exhibit number is not the one registered")
    for name, each in listed:
        file = name if name.startswith("data/") else folder + name
        if file in described or not file.startswith(folder) or file not in at.bundle.members:
            yield failed("item-contradicts", path, f"{name} is not a file of this item")
            continue
        described.add(file)
        measured = _measured(at, file)
        if not measured.items() <= each.items():
            wrong = [name for name, value in measured.items() if each.get(name) != value]
            yield failed("item-contradicts", path, f"{', '.join(wrong)} of {file} differs")
        if DERIVED in file and measured.get("sha256") not in made.get(item, ()):
            yield failed("rendition-unrecorded", file, "no entry of this item names it")
        if ORIGINAL in file:
            data = taken.get(item, {}).pop(str(measured.get("sha256")), None)
            if data is None:
                yield failed("original-replaced", file, "no such file was taken in for this item")
            elif not measured.items() <= data.items():
                yield failed("original-replaced", file, "not what was recorded when it came in")


def _measured(at: Examination, file: str) -> dict[str, Any]:
    """Give a file's digests, which have been checked by now, and its size."""
    measured: dict[str, Any] = {"size": at.bundle.members[file].size}
    for algorithm, listed in at.manifests.items():
        if file in listed:
            measured[algorithm] = listed[file]
    return measured
