"""Whatever is changed, dropped, exchanged or cut in a bundle's custody files is found.

Everything that hangs on the files is made true again each time, as a thief of the archive's key
could: only what the files themselves prove is left to find it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from django.utils import timezone

from archive import auditing, checkpoints, rotating, timestamping
from archive.proof.report import NOT_CHECKED, Report
from archive.proof.verify import verify
from tests import adversary, bundles, time_authority
from tests.databases import on_sqlite

CUSTODY = "data/custody/"
TIMES = 5  # each act on each file
#: A reader's own policy and roots decide, so these are advice and their bytes prove nothing.
ADVICE = ("data/custody/policy.txt", ".pem")

Files = adversary.Files


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return time_authority.make(tmp_path_factory.mktemp("tsa") / "one")


@pytest.fixture
def bundle(committed_database, authority, settings, tmp_path, monkeypatch):
    """A bundle with two keys and two tokens, and the policy of who has the first key."""
    monkeypatch.setattr(auditing, "_FURTHER", [])
    with time_authority.listening(authority.answer) as url:
        settings.TIME_AUTHORITIES = tmp_path / "authorities.txt"
        settings.TIME_AUTHORITIES.write_text(f"authority tests {url} {authority.roots}\n")
        bundles.register()
        checkpoints.checkpoint()
        timestamping.gather(now=timezone.now())
        first = rotating.rotate(actor=bundles.ACTOR, now=timezone.now()).old
        bundles.export()
        checkpoints.checkpoint()
        timestamping.gather(now=timezone.now())
        checkpoints.checkpoint()
    files, policy = bundles.files(settings)
    return files, replace(policy, vkeys=(first,), time_roots=str(authority.roots))


def _changed(files: Files, path: str, draw: random.Random) -> Files:
    content = files[path]
    at = draw.randrange(len(content))
    return files | {
        path: content[:at] + bytes([content[at] ^ 1 << draw.randrange(8)]) + content[at + 1 :]
    }


def _cut(files: Files, path: str, draw: random.Random) -> Files:
    return files | {path: files[path][: draw.randrange(len(files[path]))]}


def _grown(files: Files, path: str, draw: random.Random) -> Files:
    at = draw.randrange(len(files[path]) + 1)
    return files | {
        path: files[path][:at] + draw.randbytes(draw.randrange(1, 9)) + files[path][at:]
    }


def _without_a_line(files: Files, path: str, draw: random.Random) -> Files:
    lines = files[path].splitlines(keepends=True)
    lines.pop(draw.randrange(len(lines)))
    return files | {path: b"".join(lines)}


def _lines_exchanged(files: Files, path: str, draw: random.Random) -> Files:
    lines = files[path].splitlines(keepends=True)
    if len(lines) < 2:
        return files
    one, other = draw.sample(range(len(lines)), 2)
    lines[one], lines[other] = lines[other], lines[one]
    return files | {path: b"".join(lines)}


def _a_line_twice(files: Files, path: str, draw: random.Random) -> Files:
    lines = files[path].splitlines(keepends=True)
    at = draw.randrange(len(lines))
    return files | {path: b"".join([*lines[: at + 1], *lines[at:]])}


def _dropped(files: Files, path: str, _draw: random.Random) -> Files:
    return {name: content for name, content in files.items() if name != path}


def _exchanged(files: Files, path: str, draw: random.Random) -> Files:
    other = draw.choice([name for name in files if name.startswith(CUSTODY) and name != path])
    return files | {path: files[other], other: files[path]}


ACTS: dict[str, Callable[[Files, str, random.Random], Files]] = {
    "a bit changed": _changed,
    "cut": _cut,
    "grown": _grown,
    "without a line": _without_a_line,
    "lines exchanged": _lines_exchanged,
    "a line twice": _a_line_twice,
    "dropped": _dropped,
    "exchanged with another": _exchanged,
}


def _custody(files: Files) -> list[str]:
    return sorted(
        path
        for path, content in files.items()
        if path.startswith(CUSTODY) and content and not path.endswith(ADVICE)
    )


def _acts(files: Files, path: str) -> Iterator[tuple[str, Files]]:
    for name, act in ACTS.items():
        for number in range(1 if name == "dropped" else TIMES):
            changed = act(files, path, random.Random(f"{path} {name} {number}"))
            if changed != files:
                yield name, changed


def _means_nothing(path: str, name: str) -> bool:
    """Signatures under a note, and disclosures, stand in any order; a signature may stand twice."""
    in_any_order = path.endswith((".note", "disclosures.txt"))
    return in_any_order and (
        name == "lines exchanged" or (path.endswith(".note") and name == "a line twice")
    )


def _may_be_left_out(path: str) -> bool:
    """Values may be withheld, and a token; the report says that something is not there."""
    return path.endswith(("disclosures.txt", ".tsr"))


def _unchecked(report: Report) -> set[tuple[str, str, str]]:
    return {(one.code, one.subject, one.detail) for one in report.of(NOT_CHECKED)}


@on_sqlite
def test_whatever_happens_to_a_custody_file_is_found(bundle, settings, tmp_path):
    files, policy = bundle
    report = verify(adversary.as_folder(files, tmp_path / "true"), policy)
    assert report.exit_code == 0
    paths = _custody(files)
    kinds = {path[len(CUSTODY) :].partition("/")[0] for path in paths}
    assert kinds == {
        "checkpoint", "entries.ndjson", "disclosures.txt", "proofs", "consistency", "keys",
        "timestamps",
    }  # fmt: skip

    said_of_the_true = _unchecked(report)
    passed, tried = [], 0
    for path in paths:
        for name, changed in _acts(files, path):
            tried += 1
            (tmp_path / "b.zip").write_bytes(adversary.as_zip(bundles.sealed(changed, settings)))
            report = verify(tmp_path / "b.zip", policy)
            if report.exit_code == 0 and not _means_nothing(path, name):
                unseen = _unchecked(report) <= said_of_the_true
                if unseen or not _may_be_left_out(path):
                    passed.append((path, name))

    assert tried > 400
    assert passed == []
