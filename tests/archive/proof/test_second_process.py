"""The second process changes how long it takes to measure a bundle, never what is found."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from archive.proof.bundle import open_bundle
from archive.proof.second_process import measuring_beside

COUNT = 60

# Forking needs a process with one thread, which a test run is not.
pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or len(os.sched_getaffinity(0)) < 2,
    reason="the second process needs Linux and two processors",
)

PRELUDE = """
import json, os, signal, sys, threading, time
from archive.proof import second_process
from archive.proof.bundle import Bundle, open_bundle
from archive.proof.second_process import measuring_beside

FIRST = os.getpid()
by_the_first = []
digests = Bundle.digests

def counted(bundle, member):
    if os.getpid() == FIRST:
        by_the_first.append(member.path)
    return digests(bundle, member)

Bundle.digests = counted

def told(second, found=None):
    print(json.dumps({
        "forked": second is not None, "found": found, "by_the_first": len(by_the_first),
    }))
"""
MEASURE = """
with open_bundle(sys.argv[1]) as bundle, measuring_beside(bundle, worth_it=1) as second:
    {meanwhile}
    told(second, second and second.measured())
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = tmp_path / "bundle"
    files.mkdir()
    for number in range(COUNT):
        (files / f"{number:03}.txt").write_text(f"file {number}\n")
    return files


def expected(folder: Path) -> dict[str, list[str]]:
    return {
        path.name: [
            hashlib.sha256(path.read_bytes()).hexdigest(),
            hashlib.sha512(path.read_bytes()).hexdigest(),
        ]
        for path in folder.iterdir()
    }


def run(code: str, folder: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + code, str(folder)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_both_together_measure_each_file(folder):
    told = run(MEASURE.format(meanwhile="time.sleep(0.2)"), folder)

    assert told["forked"]
    assert told["found"] == expected(folder)
    assert told["by_the_first"] == 0


def test_where_they_meet_no_file_is_left_out(folder):
    for _ in range(5):
        told = run(MEASURE.format(meanwhile="pass"), folder)

        assert told["found"] == expected(folder)


@pytest.mark.parametrize("number", [0, COUNT // 2, COUNT - 1])
def test_a_file_that_changed_has_its_own_digests_again(folder, number):
    (folder / f"{number:03}.txt").write_text("changed")

    told = run(MEASURE.format(meanwhile="time.sleep(0.2)"), folder)

    assert told["found"] == expected(folder)


def test_what_a_killed_process_found_is_not_used(folder):
    killed = """
    os.waitpid(second._process, 0)  # all is found; and now this process comes to harm
    second._process = os.fork() or os.kill(os.getpid(), signal.SIGKILL)"""

    told = run(MEASURE.format(meanwhile=killed), folder)

    assert told["found"] == {}


def test_a_process_killed_midway_leaves_its_files_to_the_first(folder):
    code = MEASURE.format(meanwhile="os.kill(second._process, signal.SIGKILL)")

    told = run(code, folder)

    assert told["found"].items() <= expected(folder).items()
    # On a busy machine it may be done before it is killed; then its findings are whole.
    if told["found"] != expected(folder):
        assert told["by_the_first"] == len(told["found"])


def test_a_file_that_cannot_be_measured_is_left_for_whoever_asks(folder):
    code = """
with open_bundle(sys.argv[1]) as bundle:
    os.unlink(sys.argv[1] + "/007.txt")
    with measuring_beside(bundle, worth_it=1) as second:
        time.sleep(0.2)
        told(second, second.measured())
"""
    everything = expected(folder)
    del everything["007.txt"]

    assert run(code, folder)["found"] == everything


@pytest.mark.parametrize(
    "hindered",
    [
        pytest.param("threading.Thread(target=time.sleep, args=(5,), daemon=True).start()",
                     id="another-thread"),
        pytest.param("os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])",
                     id="one-processor"),
        pytest.param("def refused():\n    raise BlockingIOError(11, 'no more processes')\n"
                     "os.fork = refused", id="no-more-processes"),
    ],
)  # fmt: skip
def test_where_it_cannot_fork_nothing_is_known_in_advance(folder, hindered):
    assert run(hindered + MEASURE.format(meanwhile="pass"), folder)["forked"] is False


def test_the_process_does_not_outlive_its_context(folder):
    code = """
Bundle.digests = lambda bundle, member: time.sleep(60)
with open_bundle(sys.argv[1]) as bundle, measuring_beside(bundle, worth_it=1) as second:
    pid = second._process
try:
    os.kill(pid, 0)
except ProcessLookupError:
    told(second)
"""

    assert run(code, folder)["forked"]


def test_few_files_are_not_worth_a_process(folder):
    with open_bundle(folder) as bundle, measuring_beside(bundle) as second:
        assert second is None


WORK = """
from archive.proof.second_process import worked_out_beside
{before}
def work():
    {work}
    return b"by %d" % (os.getpid() != FIRST)

with worked_out_beside(work) as result:
    {meanwhile}
    said = result()
print(json.dumps(said and said.decode()))
"""


def worked(folder: Path, *, before: str = "", work: str = "pass", meanwhile: str = "pass") -> Any:
    done = subprocess.run(
        [sys.executable, "-c",
         PRELUDE + WORK.format(before=before, work=work, meanwhile=meanwhile), str(folder)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_work_is_done_beside_and_its_result_comes_back(folder):
    assert worked(folder, meanwhile="time.sleep(0.2)") == "by 1"


def test_a_result_longer_than_a_pipe_comes_back_whole(folder):
    assert worked(folder, work="return b'x' * 5_000_000") == "x" * 5_000_000


@pytest.mark.parametrize(
    "harm", ["raise ValueError", "os.kill(os.getpid(), signal.SIGKILL)", "os._exit(3)"]
)
def test_work_that_comes_to_harm_gives_no_result(folder, harm):
    assert worked(folder, work=harm) is None


@pytest.mark.parametrize(
    "hindered",
    [
        pytest.param("threading.Thread(target=time.sleep, args=(5,), daemon=True).start()",
                     id="another-thread"),
        pytest.param("def refused():\n    raise BlockingIOError(11, 'no more processes')\n"
                     "os.fork = refused", id="no-more-processes"),
    ],
)  # fmt: skip
def test_where_it_cannot_fork_the_work_is_left_to_the_first(folder, hindered):
    assert worked(folder, before=hindered) is None


def test_a_process_that_nobody_asked_does_not_outlive_its_context(folder):
    code = """
from archive.proof.second_process import worked_out_beside
forked = []
fork = os.fork
os.fork = lambda: forked.append(fork()) or forked[-1]
with worked_out_beside(lambda: time.sleep(60)):
    (pid,) = forked
try:
    os.kill(pid, 0)
except ProcessLookupError:
    print(json.dumps(pid))
"""

    assert run(code, folder)
