"""Whatever somebody does to the files of the store is named, that and nothing else.

The cases are generated: each kind of damage for each of five originals, each member of a sidecar,
each place where something foreign can lie.  The store is put back between the cases, and must be
found whole then.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import random
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from archive import auditing, store
from archive.backends import CHUNK
from archive.models.stored_object import StoredObject
from archive.proof.report import FAILED, NOT_CHECKED, PASSED, UNREADABLE
from evidence import sidecars
from tests import people

pytestmark = pytest.mark.django_db

RANDOM = random.Random(20250111)
CONTENTS = {
    "empty": b"",
    "one byte": b"\x00",
    "text": "Заява, 진술서\n".encode() * 40,
    "one chunk": RANDOM.randbytes(CHUNK),
    "three chunks": RANDOM.randbytes(2 * CHUNK + 17),
}
#: What the report may say of a whole archive beside what it found in the store.
ELSEWHERE = {"no-witnesses", "time-not-certified"}


class Named(NamedTuple):
    code: str
    subject: str


class Case(NamedTuple):
    name: str
    act: Callable[[], object]
    expected: set[Named]


@pytest.fixture
def held(opened_log) -> dict[str, tuple[str, str]]:
    """The digest and the item of each original that was taken in."""
    cast = people.make_cast()
    receipts = {
        name: people.upload(cast.case, cast.researcher, content=content, filename=f"{name}.bin")
        for name, content in CONTENTS.items()
    }
    sidecars.restore()  # they come after a commit, which this database never sees
    return {name: (one.sha256, str(one.item)) for name, one in receipts.items()}


@pytest.fixture
def root(held, settings, tmp_path) -> Path:
    """The store's folder; ``examined`` puts back a copy of it after each case."""
    shutil.copytree(settings.STORE_DIR, tmp_path / "whole", symlinks=True)
    return Path(settings.STORE_DIR)


def found() -> set[Named]:
    report = auditing.examine(most=None)
    said = [
        Named(one.code, one.subject)
        for outcome in (FAILED, UNREADABLE, NOT_CHECKED)
        for one in report.of(outcome)
        if one.subject.startswith(("original ", "store ", "sidecar ", "the store"))
    ]
    assert len(said) == len(set(said)), "something was named twice"
    return set(said)


def examined(root: Path, cases: Iterator[Case]) -> int:
    """Do each damage, ask what is wrong, compare; return how many were done."""
    unlike: dict[str, object] = {}
    assert found() == set()
    number = 0
    for name, act, expected in cases:
        number += 1
        act()
        if (said := found()) != expected:
            unlike[name] = {"not named": expected - said, "named wrongly": said - expected}
        shutil.rmtree(root)
        shutil.copytree(root.parent.parent / "whole", root, symlinks=True)
    assert unlike == {}
    assert found() == set()
    return number


def damaged(sha256: str) -> set[Named]:
    return {Named("original-damaged", f"original sha256:{sha256}")}


def missing(sha256: str) -> set[Named]:
    return {Named("original-missing", f"original sha256:{sha256}")}


def foreign(root: Path, path: Path, code: str = "store-foreign") -> set[Named]:
    return {Named(code, f"store {path.relative_to(root)}")}


def rewritten(path: Path, content: bytes) -> Callable[[], object]:
    def act() -> None:
        path.chmod(0o600)
        path.write_bytes(content)

    return act


def replaced(path: Path, by: Callable[[], object]) -> Callable[[], object]:
    def act() -> None:
        path.unlink()
        by()

    return act


def changed_bytes(held: dict[str, tuple[str, str]]) -> Iterator[Case]:
    for name, (sha256, _) in held.items():
        content, path = CONTENTS[name], store.path(sha256)
        size = len(content)
        places = {0, size // 2, size - 1, *(RANDOM.randrange(max(size, 1)) for _ in range(5))}
        for at in sorted(place for place in places if 0 <= place < size):
            bit = 1 << RANDOM.randrange(8)
            flipped = content[:at] + bytes([content[at] ^ bit]) + content[at + 1 :]
            yield Case(f"{name}: bit at {at}", rewritten(path, flipped), damaged(sha256))
        for left in sorted({0, size // 2, size - 1} & set(range(size))):
            yield Case(f"{name}: cut to {left}", rewritten(path, content[:left]), damaged(sha256))
        for more in (b"\x00", b"\n", content or b"x"):
            longer = rewritten(path, content + more)
            yield Case(f"{name}: {len(more)} bytes more", longer, damaged(sha256))
        if size:
            zeroes = rewritten(path, bytes(size))
            yield Case(f"{name}: zeroes", zeroes, set() if not any(content) else damaged(sha256))


def other_things_in_their_place(root: Path, held: dict[str, tuple[str, str]]) -> Iterator[Case]:
    away = root.parent / "elsewhere"
    for name, (sha256, _) in held.items():
        path = store.path(sha256)
        yield Case(f"{name}: gone", path.unlink, missing(sha256))
        for what, by in {
            "a folder": path.mkdir,
            "a named pipe": lambda path=path: os.mkfifo(path),
            "a link to nothing": lambda path=path: path.symlink_to("nothing"),
        }.items():
            yield Case(f"{name}: {what}", replaced(path, by), damaged(sha256))
        yield Case(
            f"{name}: a link to its own bytes",
            lambda path=path: (shutil.copyfile(path, away), path.unlink(), path.symlink_to(away)),
            damaged(sha256),
        )
        for what, to in {
            "in capitals": path.with_name(sha256.upper()),
            "with an ending": path.with_name(f"{sha256}.jpg"),
            "in another shard": root / "blobs" / "00" / "00" / sha256,
            "above its shard": root / "blobs" / sha256,
            "outside": root / sha256,
        }.items():
            yield Case(
                f"{name}: {what}",
                lambda path=path, to=to: (
                    to.parent.mkdir(parents=True, exist_ok=True),
                    path.rename(to),
                ),
                missing(sha256) | foreign(root, to),
            )
        others = [other for other, _ in held.values() if other != sha256]
        for other in others[:3]:
            content = store.path(other).read_bytes()
            as_other = rewritten(path, content)
            yield Case(f"{name}: the bytes of another", as_other, damaged(sha256))
    (first, _), (second, _) = held["text"], held["one chunk"]
    one, two = store.path(first), store.path(second)
    yield Case(
        "two that were swapped",
        lambda: (one.rename(away), two.rename(one), away.rename(two)),
        damaged(first) | damaged(second),
    )
    everything = {
        named
        for sha256, item in held.values()
        for named in (*missing(sha256), Named("sidecar-missing", f"sidecar {sha256}.{item}.json"))
    }
    yield Case("all gone", lambda: shutil.rmtree(root / "blobs"), everything)


def foreign_things(root: Path, held: dict[str, tuple[str, str]]) -> Iterator[Case]:
    sha256, item = held["text"]
    shard = store.path(sha256).parent
    orphan = hashlib.sha256(b"orphan").hexdigest()
    place = store.path(orphan)

    def put(path: Path, content: bytes = b"foreign") -> Callable[[], object]:
        def act() -> None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

        return act

    named_orphan = {Named("original-orphaned", f"original sha256:{orphan}")}
    yield Case("an orphan", put(place, b"orphan"), named_orphan)
    yield Case("an orphan by put", lambda: store.put([b"orphan"]), named_orphan)
    yield Case("an orphan of other bytes", put(place, b"Orphan"), foreign(root, place))
    for path in (
        root / "notes.txt",
        root / "blobs" / "notes.txt",
        root / "blobs" / "AB",
        root / "blobs" / "abc",
        shard.parent / "notes.txt",
        shard / "notes.txt",
        shard / ".hidden",
        shard / f"{sha256}.json",
        shard / f"{sha256}.{item}.json~",
        shard / f"{sha256}.{item.upper()}.json",
        shard / f"{sha256}\n",
        shard / f"{sha256[:-1]}",
        shard / "Ключ",
    ):
        if path.exists():
            continue
        yield Case(f"foreign {path.name!r}", put(path), foreign(root, path))
    for path in (root / "sub", root / "blobs" / "xyz", shard.parent / "xyz", shard / "xyz"):
        yield Case(f"a folder {path.name}", path.mkdir, foreign(root, path))
    stray = root / "blobs" / "ff"
    yield Case(
        "a shard that is a link", lambda: stray.symlink_to(shard.parent), foreign(root, stray)
    )
    for folder in ("tmp", "uploads", "damaged"):
        yield Case(
            f"a file for the folder {folder}",
            lambda folder=folder: (
                shutil.rmtree(root / folder, ignore_errors=True),
                (root / folder).write_bytes(b""),
            ),
            foreign(root, root / folder),
        )
    for sidecar, code in (
        (place.with_name(f"{orphan}.{item}.json"), "sidecar-foreign"),
        (shard / f"{sha256}.{uuid.UUID(int=7)}.json", "sidecar-foreign"),
    ):
        yield Case(f"foreign {sidecar.name}", put(sidecar, b"{}"), foreign(root, sidecar, code))


def changed_sidecars(root: Path, held: dict[str, tuple[str, str]]) -> Iterator[Case]:
    for name, (sha256, item) in held.items():
        path = store.path(sha256).with_name(f"{sha256}.{item}.json")
        gone = {Named("sidecar-missing", f"sidecar {path.name}")}
        altered = foreign(root, path, "sidecar-altered")
        yield Case(f"{name}: no sidecar", path.unlink, gone)
        said = json.loads(path.read_bytes())
        later = {"title", "level", "case"}
        for member in said:
            other = json.dumps({**said, member: "otherwise"}).encode()
            without = json.dumps({k: v for k, v in said.items() if k != member}).encode()
            seen = set() if member in later else altered
            yield Case(f"{name}: other {member}", rewritten(path, other), seen)
            yield Case(f"{name}: no {member}", rewritten(path, without), altered)
        for what, content in {
            "one more": json.dumps({**said, "more": 1}).encode(),
            "no object": b"[]",
            "empty": b"",
            "cut": path.read_bytes()[:-5],
            "no text": b"\xff\xfe",
        }.items():
            yield Case(f"{name}: sidecar {what}", rewritten(path, content), altered)
        yield Case(
            f"{name}: sidecar is a folder",
            replaced(path, path.mkdir),
            foreign(root, path, "sidecar-unreadable"),
        )


def test_changed_bytes_are_named_one_by_one(root, held):
    assert examined(root, changed_bytes(held)) >= 45


def test_what_lies_in_an_originals_place_or_no_longer_does_is_named(root, held):
    assert examined(root, other_things_in_their_place(root, held)) >= 60


def test_what_nobody_put_there_is_named(root, held):
    assert examined(root, foreign_things(root, held)) >= 25


def test_a_changed_sidecar_is_named(root, held):
    assert examined(root, changed_sidecars(root, held)) >= 150


def test_times_and_permissions_are_no_damage(root, held):
    for path in root.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o666)
        os.utime(path, (0, 0))

    assert found() == set()


def test_several_damages_at_once_are_all_named_and_nothing_else(root, held):
    """Any number of originals damaged in any way: exactly those."""
    ways = list(changed_bytes(held))
    for _ in range(10):
        chosen = {}
        for case in RANDOM.sample(ways, 6):
            chosen[case.name.split(":")[0]] = case
        for case in chosen.values():
            case.act()

        assert found() == set().union(*(case.expected for case in chosen.values()))

        shutil.rmtree(root)
        shutil.copytree(root.parent.parent / "whole", root, symlinks=True)


def test_nothing_is_written_by_asking(root, held):
    auditing.examine()

    assert not StoredObject.objects.exclude(last_fixity_at=None).exists()


def test_bytes_that_cannot_be_read_are_not_called_damaged(root, held, monkeypatch):
    sha256, _ = held["text"]
    auditing.audit()
    real = store._read_back

    def failing(asked: str, pace: Any) -> store.FixityResult:
        if asked == sha256:
            raise OSError(errno.EIO, "Input/output error")
        return real(asked, pace)

    monkeypatch.setattr(store, "_read_back", failing)
    report = auditing.audit()

    assert found() == {Named("original-unreadable", f"original sha256:{sha256}")}
    assert report.exit_code == 2
    row = StoredObject.objects.get(pk=sha256)
    assert (row.state, row.last_fixity_outcome) == ("stored", "unreadable")


def test_a_reading_that_succeeds_at_the_second_attempt_is_said_and_is_no_damage(
    root, held, monkeypatch
):
    sha256, _ = held["text"]
    real = store._read_back
    failures = iter([OSError(errno.EIO, "Input/output error")])

    def failing_once(asked: str, pace: Any) -> store.FixityResult:
        if asked == sha256 and (error := next(failures, None)):
            raise error
        return real(asked, pace)

    monkeypatch.setattr(store, "_read_back", failing_once)
    report = auditing.examine()

    (said,) = [one for one in report.of(PASSED) if one.code == "original-read-again"]
    assert said.subject == f"original sha256:{sha256}"
    assert "second attempt" in said.detail
    assert report.exit_code == 0
