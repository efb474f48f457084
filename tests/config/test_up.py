"""`manage.py up` with real processes: it starts, it refuses in words, it leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.config.running import Up, refused, running
from tests.services import PostgreSQL, Valkey, free_port

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(sys.platform != "linux", reason="finds processes through /proc"),
]
GONE_WITHIN = 6.0  # seconds
READY = "Muniment is up"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a name that is long, has a space and is not ASCII, as real ones are."""
    place = tmp_path / ("архів of a long name " + "x" * 60)
    place.mkdir()
    return place


@pytest.fixture(scope="module")
def shared_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """One `up` for the tests that leave it running."""
    with running(tmp_path_factory.mktemp("архів " + "x" * 80), "--no-example") as started:
        started.wait_until_said(READY)
        yield started


@pytest.fixture
def up(folder: Path) -> Iterator[Up]:
    with running(folder, "--no-example") as started:
        started.wait_until_said(READY)
        yield started


def test_it_ends_at_a_login_page_and_a_password_shown_once_and_kept_nowhere(shared_up: Up) -> None:
    status, page = shared_up.page("/admin/")
    shown = re.findall(r"with the password  (\S{16,})", shared_up.said())

    assert status == 200
    assert 'name="password"' in page
    assert len(shown) == 1
    kept = [path for path in shared_up.folder.rglob("*") if path.is_file()]
    kept.remove(shared_up.output)
    assert kept
    assert [path for path in kept if shown[0].encode() in path.read_bytes()] == []


def test_a_killed_one_takes_its_children_along_and_can_be_started_again(
    up: Up, folder: Path
) -> None:
    assert len(up.members()) >= 9

    up.process.kill()
    up.process.wait()

    assert up.wait_until_alone(GONE_WITHIN) == {}
    with running(folder, "--no-example") as again:
        again.wait_until_said(READY)
        assert "with the password" not in again.said()


def test_with_a_frozen_broker_pages_answer_and_ctrl_c_twice_leaves_nothing(up: Up) -> None:
    up.page("/admin/login/")  # the first one makes a server ready
    begun = time.monotonic()
    up.page("/admin/login/")
    usual = time.monotonic() - begun
    os.kill(up.find("valkey-server"), signal.SIGSTOP)
    begun = time.monotonic()

    assert up.page("/admin/login/")[0] == 200
    assert time.monotonic() - begun < usual + 2  # no call to a frozen broker ends as soon
    up.process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(30) == 0
    assert up.members() == {}


def test_a_second_one_is_told_which_process_to_stop(shared_up: Up) -> None:
    complaint = refused(shared_up.folder, free_port())

    number = shared_up.process.pid
    assert f"already runs from this folder, as process {number}" in complaint
    assert shared_up.page("/admin/login/")[0] == 200


def test_sigterm_leaves_no_process_and_no_socket(up: Up, folder: Path) -> None:
    before = up.members()
    assert len([line for line in before.values() if "gunicorn" in line]) >= 3
    assert len([line for line in before.values() if "celery" in line]) >= 3
    assert len([line for line in before.values() if "valkey-server" in line]) >= 1

    up.process.terminate()
    code = up.process.wait(30)

    assert code == 0
    assert up.members() == {}
    assert "Nothing of it runs any more" in up.said()
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        trial.bind(("127.0.0.1", up.port))


def test_a_killed_tether_takes_its_own_along(shared_up: Up) -> None:
    worker = shared_up.find("celery")
    lines = shared_up.members().items()
    tethers = [number for number, line in lines if "tether.py" in line and "celery" in line]
    assert len(tethers) == 1

    os.kill(tethers[0], signal.SIGKILL)

    deadline = time.monotonic() + 5
    while worker in shared_up.members():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_killed_part_is_started_again_without_remains_of_the_first(shared_up: Up) -> None:
    for name in ("valkey-server", "celery", "gunicorn"):
        killed = shared_up.find(name)
        before = {number for number, line in shared_up.members().items() if name in line}
        first = shared_up.sessions_of(name)

        os.kill(killed, signal.SIGKILL)

        deadline = time.monotonic() + 20
        while not shared_up.sessions_of(name) - first:
            assert time.monotonic() < deadline, shared_up.said()
            time.sleep(0.05)
        assert not before & shared_up.members().keys()
        assert not first & shared_up.sessions_of(name)
    assert shared_up.page_when_it_answers("/admin/login/")[0] == 200


def test_a_damaged_queue_is_set_aside_and_keeps_nothing_shut(folder: Path) -> None:
    queue = folder / "run" / "valkey" / "appendonlydir"
    queue.mkdir(parents=True, mode=0o700)
    queue.parent.chmod(0o700)
    (queue / "appendonly.aof.manifest").write_text("file nothing.aof seq 1 type i\nrubbish\n")

    with running(folder, "--no-example") as up:
        up.wait_until_said(READY)

        assert "set aside" in up.said()
    assert list((folder / "run").glob("valkey-set-aside-*/appendonlydir/*.manifest"))


def test_nothing_it_makes_can_be_read_by_others(shared_up: Up) -> None:
    open_to_others = [
        path
        for path in shared_up.folder.rglob("*")
        if path != shared_up.folder / "output.txt" and stat.S_IMODE(path.lstat().st_mode) & 0o077
    ]

    assert shared_up.said().count("valkey.sock") == 1
    line = re.search(r"Valkey on (\S.*)", shared_up.said())
    assert line is not None
    assert stat.S_IMODE(Path(line[1]).parent.stat().st_mode) == 0o700
    assert open_to_others == []


def test_no_secret_is_on_a_command_line(
    folder: Path, postgresql: PostgreSQL, own_valkey: Valkey
) -> None:
    with postgresql.database() as url:
        secret = url.replace("postgres@", "postgres:hush-hush@")
        with running(
            folder,
            "--no-example",
            DATABASE_URL=secret,
            REDIS_URL=own_valkey.url,
            S3_SECRET_ACCESS_KEY="also-hush-hush",
        ) as up:
            up.wait_until_said(READY)

            assert "up to date in postgresql" in up.said()
            assert "the one of REDIS_URL answers" in up.said()
            assert up.page("/admin/login/")[0] == 200
            lines = " ".join(up.members().values())
            assert "celery" in lines
            assert "hush" not in lines
            assert "hush" not in up.said()
            assert "valkey-server" not in lines


def test_a_taken_port_is_named_with_a_way_out(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        complaint = refused(folder, port)

    assert f"Port {port} is taken by another program" in complaint
    assert f"--port {port + 1}" in complaint


@pytest.mark.parametrize(
    "variable",
    ["MUNIMENT_DATA_DIR", "MUNIMENT_SIGNER_DIR", "MUNIMENT_KEYS_DIR", "MUNIMENT_RUN_DIR"],
)
@pytest.mark.parametrize("place", ["a file", "read-only"])
def test_a_folder_that_cannot_be_written_is_named_with_a_way_out(
    folder: Path, variable: str, place: str
) -> None:
    if place == "a file":
        (folder / "file").write_text("here already")
        target = folder / "file" / "below"
    else:
        target = Path("/sys/muniment")  # refuses even root

    complaint = refused(folder, free_port(), **{variable: str(target)})

    assert f"The folder {target} can't be written" in complaint
    assert f"set {variable} to a folder that can be written" in complaint


def test_a_database_that_does_not_answer_is_named_without_its_password(folder: Path) -> None:
    url = f"postgresql://keeper:hush-hush@127.0.0.1:{free_port()}/archive"

    complaint = refused(folder, free_port(), DATABASE_URL=url)

    assert "The database can't be used" in complaint
    assert "Check DATABASE_URL" in complaint
    assert "hush" not in complaint


def test_a_broker_that_does_not_answer_stops_nothing(folder: Path) -> None:
    with running(folder, "--no-example", REDIS_URL=f"redis://127.0.0.1:{free_port()}/0") as up:
        up.wait_until_said("does not answer; work waits until it does")
