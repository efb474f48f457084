"""The upload page in a real browser: what is dropped arrives, whatever happens meanwhile."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.urls import reverse

from archive import custody, outbox, store
from evidence import tasks
from evidence.models.file import EvidenceFile
from evidence.models.item import EvidenceItem
from evidence.models.upload import Upload
from tests import people

pytestmark = [pytest.mark.browser, pytest.mark.processes]

ROOT = Path(__file__).resolve().parents[2]
REAL = ROOT.parent / "shared" / "data" / "real"
#: Bytes of the large journey; 2 GiB (2147483648) is what is promised, less is for every day.
LARGE = int(os.environ.get("UPLOAD_JOURNEY_BYTES", str(96 * 2**20)))
FULL_SPEED = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
SLOW = 4 * 2**20  # bytes a second
WAIT = 60_000 + LARGE // 2**20 * 400  # milliseconds


@dataclass
class Server:
    """A web server of the test's own, to be killed and started again on the same port."""

    port: int
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    peak_kib: dict[int, int] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "config.wsgi:application"),
                *("--bind", f"127.0.0.1:{self.port}", "--worker-class", "gthread"),
                *("--workers", "2", "--threads", "8", "--no-control-socket"),
                *("--log-level", "warning"),
            ],
            cwd=ROOT,
            env=self.environment,
            start_new_session=True,
        )
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, urllib.error.URLError):
                urllib.request.urlopen(f"{self.url}/static/evidence/sha256.js", timeout=2).close()
                return
            time.sleep(0.1)
        raise AssertionError("the server did not start")

    def kill(self) -> None:
        """End all its processes as a power cut would, and wait until the port is free."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def measure(self) -> None:
        """Note the peak memory of each of its processes."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        for pid in [self.process.pid, *map(int, children.split())]:
            with contextlib.suppress(FileNotFoundError):
                for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                    if line.startswith("VmHWM"):
                        self.peak_kib[pid] = int(line.split()[1])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def cast(committed_database: Any) -> people.Cast:
    custody.open_log()
    return people.make_cast()


@pytest.fixture
def server(committed_database: Any, cast: people.Cast) -> Iterator[Server]:
    running = Server(
        port=_free_port(),
        environment={
            **committed_database.environment,
            "MUNIMENT_SECRET_KEY": django_settings.SECRET_KEY,
            "PYTHONWARNINGS": "ignore",
        },
    )
    running.start()
    yield running
    running.kill()


@pytest.fixture
def page(browser: Any, server: Server, cast: people.Cast) -> Iterator[Any]:
    client = Client()
    client.force_login(cast.researcher)
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": server.url}]
    )
    shown = context.new_page()
    complaints: list[str] = []
    shown.on("console", lambda said: complaints.append(said.text))
    shown.on("pageerror", lambda error: complaints.append(f"pageerror {error}"))
    shown.on("dialog", lambda dialog: dialog.accept())
    shown.goto(f"{server.url}/upload/")
    yield shown
    context.close()
    assert not [one for one in complaints if "Content Security" in one or "pageerror" in one]


def _choose(page: Any, *files: Path) -> None:
    page.set_input_files("#choose-files", [str(file) for file in files])


def _start(page: Any) -> None:
    page.click("#start:not([disabled])")


def _picture(page: Any, name: str) -> None:
    """Keep what the page looks like, for people, where they asked for it."""
    if folder := os.environ.get("UPLOAD_PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def _kept(sha256: str) -> bytes:
    with store.open(sha256) as file:
        return file.read()


def test_the_incremental_sha256_agrees_with_the_standard_whatever_the_pieces(page):
    cases = [b"", b"abc", b"a" * 55, b"a" * 56, b"a" * 63, b"a" * 64, b"a" * 65, b"a" * 119]
    cases += [b"a" * 120, bytes(range(256)) * 1000, b"abcdbcdecdefdefgefghfghighijhijkijkl" * 2]

    answers = page.evaluate(
        """async (cases) => {
            const { Sha256 } = await import("/static/evidence/sha256.js");
            return cases.map((hex) => {
                const bytes = Uint8Array.from(hex.match(/../g) ?? [], (two) => parseInt(two, 16));
                return [1, 7, 63, 64, 65, 1000, bytes.length || 1].map((step) => {
                    const digest = new Sha256();
                    for (let i = 0; i < bytes.length; i += step) {
                        digest.update(bytes.subarray(i, i + step));
                        if (i === step) digest.hex();
                    }
                    return digest.hex();
                });
            });
        }""",
        [case.hex() for case in cases],
    )

    assert [set(one) for one in answers] == [{hashlib.sha256(case).hexdigest()} for case in cases]


def test_the_length_of_more_than_four_gibibits_is_counted(page):
    """2^32 bits are 512 MiB: past that the length takes the upper word too."""
    size = 513 * 2**20

    answer = page.evaluate(
        """async (size) => {
            const { Sha256 } = await import("/static/evidence/sha256.js");
            const digest = new Sha256();
            const piece = new Uint8Array(2 ** 20);
            const before = performance.now();
            for (let i = 0; i < size; i += piece.length) digest.update(piece);
            return [digest.hex(), size / 1048.576 / (performance.now() - before)];
        }""",
        size,
    )

    expected = hashlib.sha256()
    for _ in range(513):
        expected.update(bytes(2**20))
    print(f"{answer[1]:.0f} MB/s")
    assert answer[0] == expected.hexdigest()


def test_dropped_files_become_items_with_receipts(page, cast, tmp_path):
    photo = tmp_path / "фото 사진 \u202egpj.exe"
    photo.write_bytes(b"\xff\xd8\xff\xe0" + b"not much of a photograph" * 999)
    text = tmp_path / "<img src=x onerror=alert(1)>.txt"
    text.write_text("свідчення")

    _choose(page, photo, text)
    page.fill("#f-provided_by", "A correspondent")
    page.select_option("#f-method", "received_from_person")
    page.locator(".row").nth(1).locator(".title").fill("What the witness said")
    page.locator(".row").nth(1).locator(".kind").select_option("statement")
    page.locator(".row.ready").nth(1).wait_for(timeout=WAIT)
    _picture(page, "chosen")
    _start(page)
    page.locator(".row.received").nth(1).wait_for(timeout=WAIT)
    _picture(page, "received")

    items = list(EvidenceItem.objects.order_by("title"))
    assert [item.title for item in items] == ["What the witness said", photo.name]
    assert [item.kind for item in items] == ["statement", "image"]
    for path in (photo, text):
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        file = EvidenceFile.objects.get(original_filename=path.name)
        assert (file.sha256, file.declared_match) == (sha256, "match")
        assert _kept(sha256) == path.read_bytes()
        row = page.locator(".row", has_text=sha256)
        assert "the same in your browser and in the archive" in row.inner_text()
        assert file.item.exhibit_number in row.inner_text()
        acquisition = file.item.acquisitions.get()
        assert acquisition.method == "received_from_person"
        assert str(acquisition.provided_by) == "A correspondent"
    assert page.locator("img[src='x']").count() == 0
    assert page.locator(".name", has_text="\u2039U+202E\u203agpj.exe").count() == 1

    with page.expect_download() as download:
        page.click("#save-json")
    receipts = json.loads(download.value.path().read_text())
    assert {one["sha256"] for one in receipts} == {one["browser_sha256"] for one in receipts}
    with page.expect_download() as download:
        page.click("#save-text")
    assert all(one["entry_hash"] in download.value.path().read_text() for one in receipts)

    page.emulate_media(media="print")
    assert page.locator("#defaults").is_hidden()
    assert page.locator(".receipt").first.is_visible()
    _picture(page, "print")


def _drop(page: Any, *paths: Path) -> None:
    """Drop files and folders as the operating system does."""
    devtools = page.context.new_cdp_session(page)
    box = page.locator("#drop").bounding_box()
    for kind in ("dragEnter", "dragOver", "drop"):
        devtools.send(
            "Input.dispatchDragEvent",
            {
                "type": kind,
                "x": box["x"] + box["width"] / 2,
                "y": box["y"] + 10,
                "data": {"items": [], "files": list(map(str, paths)), "dragOperationsMask": 1},
            },
        )


@pytest.mark.parametrize("way", ["dropped", "chosen"])
def test_a_folder_is_walked_and_keeps_its_paths(page, cast, tmp_path, way):
    for name in ("a.txt", "deep/er/b.txt", "deep/c.txt"):
        (tmp_path / "folder" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "folder" / name).write_text(f"content of {name}")

    if way == "dropped":
        _drop(page, tmp_path / "folder")
    else:
        page.set_input_files("#choose-folder", str(tmp_path / "folder"))
    page.locator(".row").nth(2).wait_for(timeout=WAIT)
    _start(page)
    page.locator(".row.received").nth(2).wait_for(timeout=WAIT)

    names = EvidenceFile.objects.values_list("original_filename", flat=True)
    assert sorted(names) == ["folder/a.txt", "folder/deep/c.txt", "folder/deep/er/b.txt"]


def test_three_hundred_files_at_once_all_arrive(page, cast, tmp_path):
    files = []
    for number in range(300):
        path = tmp_path / f"{number:03}.txt"
        path.write_text(f"file number {number}\n" * 50)
        files.append(path)

    _choose(page, *files)
    assert page.locator(".row").count() == 300
    _picture(page, "three hundred")
    _start(page)
    page.locator("#summary", has_text="300 received").wait_for(timeout=180_000)

    assert EvidenceItem.objects.count() == 300
    assert set(EvidenceFile.objects.values_list("declared_match", flat=True)) == {"match"}
    numbers = sorted(EvidenceItem.objects.values_list("exhibit_number", flat=True))
    assert len(set(numbers)) == 300


@pytest.mark.skipif(not REAL.is_dir(), reason="../shared/data/real is not beside this folder")
def test_real_files_arrive_byte_for_byte(page, cast):
    files = [path for path in sorted(REAL.iterdir()) if path.is_file()]
    assert len({path.suffix for path in files}) > 5

    _choose(page, *files)
    _start(page)
    page.locator("#summary", has_text=f"{len(files)} received").wait_for(timeout=180_000)

    names = dict(EvidenceFile.objects.values_list("original_filename", "sha256"))
    assert sorted(names) == [path.name for path in files]
    for path in files:
        assert _kept(names[path.name]) == path.read_bytes(), path.name
    assert set(EvidenceFile.objects.values_list("declared_match", flat=True)) == {"match"}


def test_what_is_held_already_is_said_before_anything_is_sent(page, cast, tmp_path):
    receipt = people.upload(cast.case, cast.researcher, content=b"the same bytes")
    foreign = people.upload(cast.other_case, cast.stranger, content=b"another case's bytes")
    for name, content in (("a.txt", b"the same bytes"), ("b.txt", b"another case's bytes")):
        (tmp_path / name).write_bytes(content)

    _choose(page, tmp_path / "a.txt", tmp_path / "b.txt")
    page.locator(".held", has_text=receipt.reference).wait_for(timeout=WAIT)

    assert page.locator(".row.ready").count() == 2
    assert foreign.reference not in page.content()
    assert not Upload.objects.exists()


def test_an_empty_file_is_named_and_not_added(page, tmp_path):
    (tmp_path / "empty.bin").touch()

    _choose(page, tmp_path / "empty.bin")

    page.locator("#notice", has_text="empty.bin is empty").wait_for(timeout=WAIT)
    assert page.locator(".row").count() == 0


def test_the_page_fits_a_telephone(page, tmp_path):
    path = tmp_path / ("a-very-long-name-without-any-break-" * 4 + ".mp4")
    path.write_bytes(b"\0\0\0\x18ftypisom" + bytes(5000))
    page.set_viewport_size({"width": 390, "height": 800})

    _choose(page, path)
    page.locator(".row.ready").wait_for(timeout=WAIT)
    _picture(page, "telephone chosen")
    _start(page)
    page.locator(".row.received").wait_for(timeout=WAIT)
    _picture(page, "telephone received")

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert "video/mp4" in page.locator(".facts-line").inner_text()


def _large(path: Path, size: int) -> str:
    """Write ``size`` bytes that are nowhere the same, and return their SHA-256."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for number in range(0, size, 2**20):
            block = number.to_bytes(8, "big") + os.urandom(1016)
            piece = (block * 1024)[: min(2**20, size - number)]
            file.write(piece)
            digest.update(piece)
    return digest.hexdigest()


def _until(condition: Any, *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


@contextlib.contextmanager
def _held(filename: str) -> Iterator[Upload]:
    """Hold an upload that is announced, as if another connection were sending it."""
    upload = Upload.objects.get(filename=filename)
    with upload.path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield upload


@contextlib.contextmanager
def _busy(page: Any, filename: str) -> Iterator[Upload]:
    """Start, and hold the upload once it is announced, as if another connection were sending it.

    The server refuses further chunks, so there is a midway that lasts as long as the test needs.
    Until then the line is slow, so that the last byte can't arrive before the first look.
    """
    line = page.context.new_cdp_session(page)
    line.send("Network.enable")
    line.send("Network.emulateNetworkConditions", {**FULL_SPEED, "uploadThroughput": SLOW})
    _start(page)
    _until(lambda: Upload.objects.filter(filename=filename).exists(), seconds=60)
    with _held(filename) as upload:
        line.send("Network.emulateNetworkConditions", FULL_SPEED)
        yield upload


def _seal_as_a_worker_would() -> None:
    for job in outbox.due():
        tasks.work(str(job))


def test_a_large_file_survives_a_killed_server_and_a_reloaded_page(page, server, cast, tmp_path):
    path = tmp_path / "large.bin"
    sha256 = _large(path, LARGE)

    def arrived() -> int:
        upload = Upload.objects.first()
        return upload.offset if upload else 0

    _choose(page, path)
    page.locator(".row.ready").wait_for(timeout=WAIT)
    _start(page)
    _until(lambda: arrived() > LARGE // 4, seconds=WAIT / 1000)
    server.measure()
    server.kill()
    at_kill = arrived()
    assert 0 < at_kill < LARGE, "the kill came too late to prove anything"
    page.locator(".words", has_text="trying again").wait_for(timeout=WAIT)
    _picture(page, "server gone")
    server.start()
    _until(lambda: arrived() > at_kill, seconds=WAIT / 1000)
    with _held("large.bin"):
        at_reload = arrived()
        assert at_kill < at_reload < LARGE, "the reload comes too late to prove anything"
        page.reload()
        page.locator(".row.offline").wait_for(timeout=WAIT)
    assert arrived() == at_reload
    _picture(page, "after reload")
    _choose(page, path)
    _until(lambda: arrived() == LARGE, seconds=WAIT / 1000)
    server.measure()
    _until(lambda: Upload.objects.get().state != Upload.State.ARRIVING, seconds=WAIT / 1000)
    if Upload.objects.get().state == Upload.State.SEALING:
        page.locator(".row.sealing").wait_for(timeout=WAIT)
        _seal_as_a_worker_would()
    page.locator(".row.received").wait_for(timeout=WAIT)
    server.measure()

    assert Upload.objects.count() == 1, "it went on; it did not begin anew"
    file = EvidenceFile.objects.get()
    assert (file.sha256, file.size, file.declared_match) == (sha256, LARGE, "match")
    assert sha256 in page.locator(".receipt").inner_text()
    print(f"peak memory of the server's processes, KiB: {sorted(server.peak_kib.values())}")
    assert max(server.peak_kib.values()) < 300 * 1024


def test_a_paused_upload_goes_on(page, cast, tmp_path):
    path = tmp_path / "large.bin"
    sha256 = _large(path, 64 * 2**20)
    _choose(page, path)
    page.locator(".row.ready").wait_for(timeout=WAIT)

    with _busy(page, "large.bin"):
        page.locator(".words", has_text="trying again").wait_for(timeout=WAIT)
        page.click("#pause")
        page.locator(".row.paused").wait_for(timeout=WAIT)
    assert Upload.objects.get().offset < path.stat().st_size
    page.click("#resume")
    page.locator(".row.received").wait_for(timeout=WAIT)

    assert EvidenceFile.objects.get().sha256 == sha256
    assert Upload.objects.count() == 1


def test_a_cancelled_upload_leaves_nothing(page, cast, tmp_path):
    path = tmp_path / "large.bin"
    _large(path, 64 * 2**20)
    _choose(page, path)
    page.locator(".row.ready").wait_for(timeout=WAIT)

    with _busy(page, "large.bin") as upload:
        page.locator(".words", has_text="trying again").wait_for(timeout=WAIT)
        page.click("#pause")
        page.locator(".row.paused").wait_for(timeout=WAIT)
    page.click(".remove")
    page.locator(".row").wait_for(state="detached", timeout=WAIT)

    upload.refresh_from_db()
    assert upload.state == Upload.State.ABANDONED
    assert not upload.path.exists()
    assert not EvidenceItem.objects.exists()


def test_nothing_is_begun_before_it_is_known_what_is_unfinished(page, cast, tmp_path):
    """Else the list of what an earlier page left, when it comes late, shows this page's own."""
    asked = []
    page.route(
        f"**{reverse('evidence:upload_files')}",
        lambda route: asked.append(route) if route.request.method == "GET" else route.continue_(),
    )
    page.reload()
    path = tmp_path / "one.txt"
    path.write_text(str(tmp_path))
    _choose(page, path)
    page.locator(".row.ready").wait_for(timeout=WAIT)
    _start(page)
    page.wait_for_timeout(1000)
    assert len(asked) == 1
    assert not Upload.objects.exists()

    asked[0].continue_()

    page.locator(".row.received").wait_for(timeout=WAIT)
    assert page.locator(".row").count() == 1


def _pasted(page: Any, *rows: tuple[str, ...], between: str = "\t") -> None:
    if not page.locator("#paste").get_attribute("open"):
        page.locator("#paste").evaluate("one => { one.open = true }")
    page.fill("#pasted", "\n".join(between.join(row) for row in rows))
    page.click("#fill-in")


def test_rows_of_a_spreadsheet_say_what_is_true_of_each_file(page, cast, tmp_path):
    files = [tmp_path / name for name in ("one.txt", "two.txt", "three.txt")]
    for file in files:
        file.write_text(f"{file.name} {tmp_path}")
    _choose(page, *files)
    page.locator(".row.ready").nth(2).wait_for(timeout=WAIT)

    _pasted(
        page,
        ("file", "Title", "Sensitivity", "place", "Kind"),
        ("two.txt", 'The "second"', "Restricted", "Sumy", "Statement"),
        ("one.txt", "", "", '"Kyiv, the\narchive"', ""),
    )
    assert "Filled in: 2. Without a line: 1." in page.locator("#pasted-said").inner_text()
    assert "Restricted" in page.locator(".row", has_text="two.txt").locator(".own").inner_text()
    page.select_option("#f-method", label="Received from a person")
    _start(page)
    page.locator(".row.received").nth(2).wait_for(timeout=WAIT)

    rows = {
        one.files.get(role="evidentiary").original_filename: one
        for one in EvidenceItem.objects.all()
    }
    two = rows["two.txt"]
    assert (two.title, two.effective_level, two.kind) == ('The "second"', "restricted", "statement")
    assert two.acquisitions.get().place == "Sumy"
    assert rows["one.txt"].title == "one.txt"
    assert rows["one.txt"].acquisitions.get().place == "Kyiv, the\narchive"
    assert {one.acquisitions.get().method for one in rows.values()} == {"received_from_person"}
    assert rows["three.txt"].effective_level == "internal"


def test_while_a_row_of_a_spreadsheet_is_wrong_nothing_is_filled_in(page, cast, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same.txt").write_text(folder)
    (tmp_path / "one.txt").write_text("one")
    _choose(page, tmp_path / "one.txt")
    page.locator(".row.ready").wait_for(timeout=WAIT)
    right = ("one.txt", "A title", "Internal")
    for head, rows, words in (
        (("file", "Title", "Colour"), [right], "no column called “Colour”"),
        (("Title", "Sensitivity"), [("x", "Internal")], "one of them “file”"),
        (("file", "Title", "Sensitivity"), [], "no row below"),
        (("file", "Title", "Sensitivity"), [right, ("no.txt", "x", "")], "Line 3: no chosen file"),
        (("file", "Title", "Sensitivity"), [right, right], "Line 3: “one.txt” has a line already"),
        (("file", "Title", "Sensitivity"), [("one.txt", "x", "Secret")], "“Secret” is no choice"),
        (("file", "Title"), [("one.txt", "x" * 400)], "is longer than 300"),
        (("file", "Title"), [("one.txt", "x", "y")], "more cells than columns"),
    ):
        _pasted(page, head, *rows, between=";")
        assert words in page.locator("#pasted-said").inner_text(), words
        assert page.locator(".row .title").input_value() == ""
        assert page.locator(".row .own").is_hidden()
