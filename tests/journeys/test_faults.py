"""What a user notices when parts die: nothing is lost, nothing is done twice, nothing hangs."""

from __future__ import annotations

import fcntl
import hashlib
import http.cookiejar
import json
import os
import re
import signal
import sqlite3
import struct
import time
import urllib.request
import zlib
from base64 import b64encode
from pathlib import Path

import pytest
import redis

from tests.journeys.conftest import Site, start, stop
from tests.services import free_port

pytestmark = pytest.mark.processes

PATIENCE = 60  # seconds after a fault within which all work must be done


def processes(site: Site, words: str) -> list[int]:
    """Return the ids of this site's processes whose command line holds ``words``."""
    mark = f"MUNIMENT_RUN_DIR={site.folder}/run".encode()
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
            environment = (folder / "environ").read_bytes()
        except OSError:
            continue
        ours = mark in environment or str(site.folder).encode() in command
        if words.encode() in command and ours:
            found.append(int(folder.name))
    return sorted(found)


class Person:
    """Somebody with a session, who uploads as the upload page does."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))
        page = self.open("/admin/login/").read().decode()
        token = re.search(r'csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token
        fields = urllib.parse.urlencode(
            {
                "login": "admin",
                "password": site.password,
                "csrfmiddlewaretoken": token.group(1),
                "next": "/admin/",
            }
        ).encode()
        self.open("/accounts/login/", data=fields)

    def open(self, path: str, *, data: bytes | None = None, method: str = "", **headers: str):
        token = next((cookie.value for cookie in self.jar if cookie.name == "csrftoken"), "")
        request = urllib.request.Request(
            self.site.url + path if path.startswith("/") else path,
            data=data,
            method=method or None,
            headers={"X-CSRFToken": token or "", "Referer": self.site.url, **headers},
        )
        return self.opener.open(request, timeout=60)

    def upload(self, content: bytes, name: str) -> float:
        """Send one file into the example case; return how long the last answer took, in seconds."""
        page = self.open("/upload/").read().decode()
        case = re.search(r'value="([0-9a-f-]{36})"[^>]*>[^<]*KUR-2025-001', page)
        assert case, "the upload page offers the example case"
        fields = json.dumps({"title": name, "kind": "document"})
        words = {
            "filename": name,
            "filetype": "text/plain",
            "sha256": hashlib.sha256(content).hexdigest(),
            "case": case.group(1),
            "fields": fields,
        }
        metadata = ",".join(
            f"{key} {b64encode(value.encode()).decode()}" for key, value in words.items()
        )
        made = self.open(
            "/upload/files/", data=b"", method="POST",
            **{"Tus-Resumable": "1.0.0", "Upload-Length": str(len(content)),
               "Upload-Metadata": metadata},
        )  # fmt: skip
        where = made.headers["Location"]
        began = time.monotonic()
        self.open(
            where, data=content, method="PATCH",
            **{"Tus-Resumable": "1.0.0", "Upload-Offset": "0",
               "Content-Type": "application/offset+octet-stream"},
        )  # fmt: skip
        return time.monotonic() - began


def rows(site: Site, question: str, *values: object) -> list[tuple]:
    database = sqlite3.connect(f"file:{site.folder}/data/archive.sqlite3?mode=ro", uri=True)
    try:
        return database.execute(question, values).fetchall()
    finally:
        database.close()


def unfinished(site: Site) -> list[tuple]:
    return rows(site, "SELECT kind, state, last_error FROM archive_job WHERE state <> 'done'")


def png_of(width: int, height: int) -> bytes:
    """A small file that would be a very large picture."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content
            + struct.pack(">I", zlib.crc32(kind + content))
        )  # fmt: skip

    packed = zlib.compressobj(9)
    row = bytes(1 + width * 3)
    content = b"".join(packed.compress(row) for _ in range(2_000)) + packed.flush()
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", content)
        + chunk(b"IEND", b"")
    )


def freeze(site: Site) -> list[int]:
    """Stop the workers where they are, but not inside a transaction, and return their ids.

    One that is stopped there holds SQLite's lock: every writer is refused then (test_locks).
    """
    workers = processes(site, "celery")
    assert workers
    for _ in range(50):
        for worker in workers:
            os.kill(worker, signal.SIGSTOP)
        if is_free(site):
            return workers
        for worker in workers:
            os.kill(worker, signal.SIGCONT)
        time.sleep(0.05)
    raise AssertionError("the workers are always inside a transaction")


def is_free(site: Site) -> bool:
    """Whether somebody may write: nobody holds the queue of writers or the database."""
    path = site.folder / "data" / "archive.sqlite3"
    with Path(f"{path}.ledger.lock").open("a") as queue:
        try:
            fcntl.flock(queue, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    database = sqlite3.connect(path, timeout=0.1, isolation_level=None)
    try:
        database.execute("BEGIN IMMEDIATE")
        database.execute("ROLLBACK")
    except sqlite3.OperationalError:
        return False
    finally:
        database.close()
    return True


def wait_until_done(site: Site, *, seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        left = unfinished(site)
        if not left:
            return
        time.sleep(0.5)
    raise AssertionError(f"still to be done after {seconds} s: {left}")


@pytest.fixture(scope="module")
def own_site(tmp_path_factory):
    """A site of its own: these tests kill its parts."""
    site = start(tmp_path_factory.mktemp("faults"), port=free_port(), extra={"MUNIMENT_LEASE": "5"})
    wait_until_done(site, seconds=90)
    yield site
    stop(site)


def once_each(site: Site, filename: str) -> None:
    """Every tool's answer on this file is recorded exactly once."""
    recorded = rows(
        site,
        "SELECT json_extract(e.body, '$.data.tool'), count(*) FROM archive_entry e"
        " JOIN evidence_evidencefile f ON replace(json_extract(e.body, '$.data.file'), '-', '') ="
        " replace(f.id, '-', '') WHERE f.original_filename = ? AND json_extract(e.body,"
        " '$.data.tool') IS NOT NULL GROUP BY 1",
        filename,
    )
    assert recorded
    assert all(count == 1 for _, count in recorded), recorded


def test_a_worker_killed_midway_does_its_work_once_after_its_return(own_site):
    person = Person(own_site)
    names = [f"killed-{number}.txt" for number in range(30)]
    for name in names[:15]:
        person.upload(name.encode(), name)
    workers = processes(own_site, "celery")
    assert workers
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    for name in names[15:]:
        person.upload(name.encode(), name)

    wait_until_done(own_site)

    for name in names:
        once_each(own_site, name)


@pytest.mark.parametrize("fault", [signal.SIGSTOP, signal.SIGKILL])
def test_a_frozen_or_dead_broker_delays_an_upload_by_less_than_a_second(own_site, fault):
    person = Person(own_site)
    usual = min(person.upload(f"usual {n}".encode(), f"usual-{fault}-{n}.txt") for n in range(3))
    brokers = processes(own_site, "valkey")
    assert brokers
    for broker in brokers:
        os.kill(broker, fault)
    try:
        slowest = max(
            person.upload(f"without {n}".encode(), f"without-{fault}-{n}.txt") for n in range(3)
        )
    finally:
        if fault == signal.SIGSTOP:
            for broker in brokers:
                os.kill(broker, signal.SIGCONT)

    assert slowest < usual + 1
    wait_until_done(own_site)
    once_each(own_site, f"without-{fault}-0.txt")


def test_a_worker_frozen_past_its_leases_does_its_work_once_after_its_return(own_site):
    person = Person(own_site)
    names = [f"frozen-{number}.txt" for number in range(12)]
    for name in names[:6]:
        person.upload(name.encode(), name)
    workers = freeze(own_site)
    try:
        slowest = max(person.upload(name.encode(), name) for name in names[6:])
        waiting = len(unfinished(own_site))
        time.sleep(7)  # the leases, of five seconds, run out
        assert len(unfinished(own_site)) == waiting > 0, "the workers were not frozen"
    finally:
        for worker in workers:
            os.kill(worker, signal.SIGCONT)

    wait_until_done(own_site)

    for name in names:
        once_each(own_site, name)
    assert slowest < 5, "an upload waited for a worker"


def test_what_a_flushed_broker_forgot_is_done_all_the_same(own_site):
    person = Person(own_site)
    names = [f"flushed-{number}.txt" for number in range(8)]
    workers = freeze(own_site)
    try:
        for name in names:
            person.upload(name.encode(), name)
        broker = redis.Redis(unix_socket_path=f"{own_site.folder}/run/valkey/valkey.sock")
        deadline = time.monotonic() + 10
        while not broker.llen("celery"):
            assert time.monotonic() < deadline, "no message ever came"
            time.sleep(0.1)
        broker.flushall()
        assert not broker.llen("celery")
    finally:
        for worker in workers:
            os.kill(worker, signal.SIGCONT)

    wait_until_done(own_site)

    for name in names:
        once_each(own_site, name)


def test_files_that_no_parser_survives_hold_nobody_up(own_site):
    person = Person(own_site)
    poison = {
        "bomb.png": png_of(60_000, 60_000),
        "cut.mp4": b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41" + b"\xff" * 5_000,
        "deep.pdf": b"%PDF-1.7\n" + b"[" * 200_000,
    }
    for name, content in poison.items():
        person.upload(content, name)
    person.upload(b"after them", "after-poison.txt")

    wait_until_done(own_site)

    once_each(own_site, "after-poison.txt")
    states = dict(
        rows(
            own_site,
            "SELECT f.original_filename, group_concat(DISTINCT a.state) FROM evidence_analysis a"
            " JOIN evidence_evidencefile f ON a.file_id = f.id WHERE f.original_filename IN"
            f" ({','.join('?' * len(poison))}) GROUP BY 1",
            *poison,
        )
    )
    assert states.keys() == poison.keys()
    assert all("waiting" not in state for state in states.values()), states
    assert "failed" in states["bomb.png"]


def test_a_server_killed_between_two_chunks_loses_nothing(own_site):
    person = Person(own_site)
    page = person.open("/upload/").read().decode()
    case = re.search(r'value="([0-9a-f-]{36})"[^>]*>[^<]*KUR-2025-001', page)
    content = os.urandom(3 * 2**20)
    fields = b64encode(json.dumps({"title": "cut", "kind": "document"}).encode()).decode()
    made = person.open(
        "/upload/files/", data=b"", method="POST",
        **{"Tus-Resumable": "1.0.0", "Upload-Length": str(len(content)),
           "Upload-Metadata": f"filename {b64encode(b'cut.bin').decode()},"
           f"case {b64encode(case.group(1).encode()).decode()},fields {fields}"},
    )  # fmt: skip
    where = made.headers["Location"]
    kind = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}
    person.open(where, data=content[: 2**20], method="PATCH", **kind, **{"Upload-Offset": "0"})
    for server in processes(own_site, "gunicorn"):
        os.kill(server, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while True:
        try:
            held = int(person.open(where, method="HEAD", **kind).headers["Upload-Offset"])
            break
        except OSError:
            assert time.monotonic() < deadline, "the server did not come back"
            time.sleep(0.3)
    assert held == 2**20
    person.open(where, data=content[held:], method="PATCH", **kind, **{"Upload-Offset": str(held)})

    sha256 = hashlib.sha256(content).hexdigest()
    assert rows(own_site, "SELECT sha256 FROM evidence_evidencefile WHERE sha256 = ?", sha256)
    assert own_site.manage("audit")
