"""The originals of a bundle beside what was recorded when they came in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from archive.proof import canonical
from archive.proof.errors import MalformedError
from archive.proof.examination import LONGEST_RECORD, Examination, failed, passed
from archive.proof.report import Finding

EVIDENCE = "data/evidence/"


def originals_are_as_taken_in(  # noqa: C901 - one branch for each fault
    at: Examination,
) -> Iterator[Finding]:
    """Each original has the digests and the size under which it was recorded when it came in."""
    if at.checkpoint is None:
        return
    taken: dict[str, dict[str, Mapping[str, Any]]] = {}
    for recorded in at.entries.values():
        if recorded.kind == "media.ingested" and recorded.item is not None:
            taken.setdefault(recorded.item, {})[str(recorded.data.get("sha256"))] = recorded.data
    described, faults, matched = set[str](), 0, 0
    for path in sorted(at.bundle.members):
        if path.startswith(EVIDENCE) and path.endswith("/item.json") and path.count("/") == 3:
            before = len(described)
            for finding in _item(at, path, taken, described):
                faults += 1
                yield finding
            matched += len(described) - before
    for path in sorted(at.bundle.members):
        if path.startswith(EVIDENCE) and "/original/" in path and path not in described:
            faults += 1
            yield failed("original-undescribed", path, "no item.json describes it")
    for item, files in sorted(taken.items()):
        for sha256, data in sorted(files.items()):
            faults += 1
            yield failed(
                "original-missing",
                f"item {item}",
                f"the file {data.get('file')}, SHA-256 {sha256}, was taken in and is not there",
            )
    if matched and not faults:
        yield passed("originals-as-taken-in", f"{matched} originals", "are those that came in")


def _item(  # noqa: C901 - one branch for each fault
    at: Examination,
    path: str,
    taken: dict[str, dict[str, Mapping[str, Any]]],
    described: set[str],
) -> Iterator[Finding]:
    folder = path[: -len("item.json")]
    originals = folder + "original/"
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
        if file.startswith(originals):
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
