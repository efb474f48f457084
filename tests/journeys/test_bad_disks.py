"""A full disk, a full folder for temporary files, a disk that is read-only: refused, nothing lost.

The file systems are real, in a name space of the test's own.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from tests.faults.operations import ORACLE
from tests.journeys.by_command import ADMINISTRATOR, Archive
from tests.journeys.conftest import ROOT

pytestmark = pytest.mark.processes

CASE = "TEST-001"
INGEST = f'"$python" "$manage" ingest offered --case {CASE} --user {ADMINISTRATOR}'


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Archive:
    from tests.faults import operations  # noqa: PLC0415 - it needs the journeys' own helpers

    archive = operations.base(tmp_path_factory.mktemp("disks") / "archive")
    shutil.rmtree(archive.folder / "offered")
    offered = archive.folder / "offered"
    offered.mkdir()
    for number in range(4):
        (offered / f"{number}.bin").write_bytes(bytes([number]) * 3_000_000)
    return archive


@pytest.fixture
def archive(prepared, tmp_path) -> Archive:
    """A copy; the signer's memory of the log's place is its own, too."""
    folder = tmp_path / "archive"
    shutil.copytree(prepared.folder, folder)
    was, now = str(prepared.folder), str(folder)
    return Archive(
        folder, {name: value.replace(was, now) for name, value in prepared.environment.items()}
    )


def _inside(archive: Archive, script: str) -> list[list[str]]:
    """Run a shell script where file systems can be mounted; return the parts that it printed."""
    oracle = archive.folder / "oracle.py"
    oracle.write_text(ORACLE, "utf-8")
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", f"set -u\n{script}"],
        env={
            **archive.environment,
            "python": sys.executable,
            "manage": str(ROOT / "manage.py"),
            "look": f'"{sys.executable}" "{ROOT / "manage.py"}" shell --no-imports < oracle.py',
        },
        cwd=archive.folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if "unshare:" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    assert "Traceback" not in done.stderr, done.stderr
    return [part.strip().splitlines() for part in done.stdout.split("--\n")] + [
        done.stderr.splitlines()
    ]


def _told(lines: list[str]) -> dict[str, object]:
    return dict(json.loads(lines[-1]))


def test_a_full_disk_refuses_in_words_and_goes_on_when_there_is_room(archive):
    first, between, again, after, err = _inside(
        archive,
        f"""
        cp -a data aside
        mount -t tmpfs -o size=9m none data
        cp -a aside/. data/
        {INGEST}; echo "exit $?"
        echo --
        eval "$look"
        echo --
        mount -o remount,size=40m data
        {INGEST}; echo "exit $?"
        echo --
        eval "$look"
        """,
    )

    assert first[-1] == "exit 1"
    receipts = [line for line in first if "  sha256:" in line]
    assert 0 < len(receipts) < 4
    assert any("There is no room left" in line or "full" in line for line in err), err
    told = _told(between)
    assert told["verdict"] == "verified"
    assert len(told["items"]) == len(receipts)
    assert again[-1] == "exit 0"
    told = _told(after)
    assert told["verdict"] == "verified"
    assert sorted(one[2] for one in told["items"]) == [f"{number}.bin" for number in range(4)]


def test_a_store_that_became_read_only_takes_nothing_in_and_is_read(archive):
    Archive(archive.folder, archive.environment).manage(
        "ingest", "offered/0.bin", "--case", CASE, "--user", ADMINISTRATOR
    )
    first, between, again, err = _inside(
        archive,
        f"""
        mount --bind data/store data/store
        mount -o remount,ro,bind data/store
        {INGEST}; echo "exit $?"
        echo --
        eval "$look"
        echo --
        umount data/store
        {INGEST}; echo "exit $?"
        """,
    )

    assert first[-1] == "exit 1"
    assert not [line for line in first if "  sha256:" in line]
    assert sum("could not be made safe" in line for line in err) == 3, err
    told = _told(between)
    assert told["verdict"] == "verified"
    assert len(told["items"]) == 1
    assert again[-1] == "exit 0"


def test_a_full_folder_for_temporary_files_is_no_matter(archive):
    first, after, err = _inside(
        archive,
        f"""
        mkdir small
        mount -t tmpfs -o size=64k none small
        export TMPDIR="$PWD/small"
        dd if=/dev/zero of=small/full bs=1k count=200 2>/dev/null
        {INGEST}; echo "exit $?"
        echo --
        eval "$look"
        """,
    )

    assert first[-1] == "exit 0", err
    assert len(_told(after)["items"]) == 4


def test_a_database_that_became_read_only_acknowledges_nothing(archive):
    first, after, err = _inside(
        archive,
        f"""
        mount --bind data data
        mount -o remount,ro,bind data
        {INGEST}; echo "exit $?"
        echo --
        umount data
        eval "$look"
        """,
    )

    assert first[-1] == "exit 1"
    assert not [line for line in first if "  sha256:" in line]
    assert err
    told = _told(after)
    assert told["verdict"] == "verified"
    assert told["items"] == []
