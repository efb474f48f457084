"""One operation, one fault: what must hold afterwards, and after the same command is run again."""

from __future__ import annotations

import contextlib
import re
import shutil
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults import injecting, operations
from tests.faults.injecting import Point
from tests.faults.operations import Operation
from tests.journeys import by_command
from tests.journeys.conftest import variables

#: What the second run says when the first came as far as the end.
_COME_FAR = {"export": "is there already", "restore": "is not empty"}
#: The last line of a traceback that nobody turned into a refusal.
_BROKEN = re.compile(
    r"\A\s*\Z|^(?!CommandError|.*CheckError)[\w.]*(Error|Exception)\b[^\n]*\Z", re.MULTILINE
)
_RECEIPT = re.compile(r"^(\S+)  sha256:([0-9a-f]{64})  (.+)$", re.MULTILINE)


@dataclass
class Prepared:
    """An operation's archive before it begins, and the points where faults can strike."""

    operation: Operation
    pristine: Path
    place: Path  # where each copy is put: always the same path, for the database knows it
    points: list[Point] = field(default_factory=list)

    def copied(self) -> by_command.Archive:
        shutil.rmtree(self.place, ignore_errors=True)
        shutil.copytree(self.pristine, self.place, symlinks=True)
        return by_command.Archive(
            self.place, {**variables(self.place), "MUNIMENT_LEASE": "1", "TZ": "UTC"}
        )


def prepare(operation: Operation, folder: Path) -> Prepared:
    """Make the archive ready, keep a copy, and list the points by a run without faults."""
    place = folder / "archive"
    operation.prepare(operations.base(place))
    shutil.move(place, folder / "pristine")
    made = Prepared(operation, folder / "pristine", place)
    archive = made.copied()
    made.points, run = injecting.points(
        operation.argv(), environment=archive.environment, folder=archive.folder
    )
    if run.code:
        raise AssertionError(f"{operation.name} fails without any fault: {run.err}")
    return made


def strike(made: Prepared, point: Point, fault: str) -> list[str]:
    """Return what was violated; the first word says so when the fault never fired."""
    operation, archive = made.operation, made.copied()
    run = injecting.injected(
        operation.argv(), point, fault, environment=archive.environment, folder=archive.folder
    )
    if not run.fired:
        return [f"not fired (exit code {run.code})"]
    wrong = []
    if operation.is_usable:
        wrong += [f"after the fault: {one}" for one in _unlike(archive, run.out)]
    if run.code == injecting.HUNG:
        wrong.append(f"it hung; its last words: {run.err.strip()[-300:]}")
    if fault != "kill" and run.code and _BROKEN.search(run.err.strip()):
        wrong.append(f"ended with {run.code} and no refusal in words: {run.err.strip()[-300:]}")
    _later(archive)
    wrong += [f"after the same command again: {one}" for one in _again(archive, operation)]
    return wrong


def _later(archive: by_command.Archive) -> None:
    """Time passes: leases of the dead run out, and what was put off is due."""
    if not (archive.folder / "data" / "archive.sqlite3").exists():
        return  # nothing is restored yet
    with (
        closing(sqlite3.connect(archive.folder / "data" / "archive.sqlite3")) as database,
        database,
        contextlib.suppress(sqlite3.OperationalError),  # it has no tables yet
    ):
        database.execute(
            "UPDATE archive_job SET not_before = NULL, lease_until = '2020-01-01 00:00:00' "
            "WHERE state IN ('waiting', 'leased')"
        )


def _unlike(archive: by_command.Archive, printed: str) -> list[str]:
    told = operations.oracle(archive)
    wrong = [f"the archive is not whole: {one}" for one in told["faults"]]
    if told["verdict"] != "verified":
        wrong.append(f"verdict {told['verdict']}")
    items = [tuple(one) for one in told["items"]]
    wrong += [
        f"acknowledged and not there: {one}"
        for one in _RECEIPT.findall(printed)
        if one not in items
    ]
    wrong += _bundle(archive)
    return wrong


def _again(archive: by_command.Archive, operation: Operation) -> list[str]:
    refused = _bundle(archive)
    done = archive.attempt(*operation.command)
    wrong = list(refused)
    said = _COME_FAR.get(operation.name)
    if said is not None and said in done.stderr:
        done.returncode = 0
    if done.returncode:
        return [*wrong, f"exit code {done.returncode}: {done.stderr.strip()[-2000:]}"]
    if operation.name != "ingest":
        _later(archive)
        archive.manage("process")
    wrong += _unlike(archive, done.stdout)
    told = operations.oracle(archive)
    names = [one[2] for one in told["items"]]
    expected = sorted(path.name for path in (archive.folder / "offered").iterdir())
    if sorted(names) != expected:
        wrong.append(f"items for {sorted(names)}, not once for each of {expected}")
    wrong += operation.wrong(archive)
    if operation.name != "ingest" and told["work"]["outstanding"]:
        wrong.append(f"work left undone: {told['work']}")
    if told["set aside"]:
        wrong.append(f"set aside after one fault: {told['set aside']}")
    return wrong


def _bundle(archive: by_command.Archive) -> list[str]:
    """A bundle's final name is absent, or its file verifies."""
    path = archive.folder / "bundle.zip"
    if not path.exists():
        return []
    try:
        checked = by_command.stranger(path)
    except Exception as error:  # noqa: BLE001  a half file fails in whatever way
        return [f"the bundle's name is there and its file is not whole: {error!r}"]
    if checked.returncode not in {0, 3}:
        return [f"the bundle does not verify: {checked.stdout[:300]}"]
    return []


def main(part: int = 0, of: int = 1, every: int = 1, only: str = "") -> int:
    """Strike at every point of every operation with every fault; return 0 if all held."""
    struck = violated = unfired = 0
    for operation in operations.OPERATIONS:
        if only and operation.name != only:
            continue
        with tempfile.TemporaryDirectory(prefix="muniment-faults-") as folder:
            made = prepare(operation, Path(folder).resolve())
            chosen = [(point, fault) for point in made.points for fault in injecting.FAULTS]
            print(f"{operation.name}: {len(made.points)} points, {len(chosen)} faults", flush=True)
            for point, fault in chosen[part :: of * every]:
                wrong = strike(made, point, fault)
                if wrong and wrong[0].startswith("not fired"):
                    unfired += 1
                    print(f"  not fired: {fault} at {point}", flush=True)
                    continue
                struck += 1
                if wrong:
                    violated += 1
                    print(f"  VIOLATED: {fault} at {point}", flush=True)
                    for one in wrong:
                        print(f"    {one}", flush=True)
    print(f"{struck} faults fired, {violated} violations; {unfired} were never come to.")
    return 1 if violated or not struck else 0
