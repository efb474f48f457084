"""The upload client on a laptop: many files, killed midway, brought to their end by a repeat.

Against a real server with real connections; the client is the one file that people download.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

import pytest

from tests import sampling
from tests.journeys.conftest import ROOT, Site
from tests.services import free_port

pytestmark = pytest.mark.processes

CLIENT = ROOT / "client" / "muniment.py"
CASE = "KUR-2025-001"
FILES = sampling.fewer(1000, 250)


def run(site_url: str, token: str, *arguments: str, wait: bool = True) -> Any:
    command = [sys.executable, "-I", str(CLIENT), *arguments[:1], "--server", site_url]
    process = subprocess.Popen(
        [*command, "--patience", "30", *arguments[1:]],
        env={"MUNIMENT_TOKEN": token, "PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    if not wait:
        return process
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


@pytest.fixture
def token(page: Any, site: Site) -> str:
    """Issue a token as a person does, on its page."""
    page.goto(f"{site.url}/tokens/")
    page.fill("input[type=password]", site.password)
    page.click("button:has-text('Go on')")
    page.fill("#id_label", "a laptop")
    page.check("input[name=scopes][value=upload]")
    page.check("input[name=scopes][value=read]")
    page.click("button:has-text('Issue it')")
    return str(page.text_content(".digest code"))


def test_many_files_arrive_once_each_though_the_client_was_killed(
    site: Site, token: str, tmp_path: Path
) -> None:
    folder, receipts = tmp_path / "material", tmp_path / "receipts"
    for number in range(FILES):
        path = folder / f"day {number // 50}" / f"файл-{number:04}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{tmp_path} file {number}\n" * (1 + number % 50), encoding="utf-8")
    asked = ("upload", "--case", CASE, "--receipts", str(receipts), str(folder))
    for arrived in (FILES // 5, FILES // 2):
        process = run(site.url, token, *asked, wait=False)
        deadline = time.monotonic() + 90
        while len(list(receipts.glob("*.json"))) < arrived and time.monotonic() < deadline:
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        there = len(list(receipts.glob("*.json")))
        assert arrived <= there < FILES

    code, out, err = run(site.url, token, *asked)

    assert code == 0, err
    counts = dict(part.split(": ") for part in out.strip().split(", "))
    assert int(counts["received"]) + int(counts["there before"]) == FILES
    assert int(counts["there before"]) >= FILES // 2
    assert counts["not sent"] == "0"
    kept = [json.loads(path.read_text("utf-8")) for path in receipts.glob("*.json")]
    assert len({one["filename"] for one in kept}) == FILES
    assert len({one["sha256"] for one in kept}) == FILES
    assert {one["declared_match"] for one in kept} == {"match"}
    assert items_of(site, token, "файл") == FILES  # no duplicate beside them
    again, out, _ = run(site.url, token, *asked)
    assert (again, out) == (0, f"received: 0, there before: {FILES}, not sent: 0\n")


def items_of(site: Site, token: str, words: str) -> int:
    """Count the items that these words lead to, over all pages of the list."""
    number, after = 0, ""
    while True:
        query = urlencode({"q": words, "limit": 200, "after": after})
        request = Request(f"{site.url}/api/v1/items?{query}")
        request.add_header("Authorization", f"Bearer {token}")
        with urlopen(request) as answer:
            page = json.load(answer)
        number += len(page["items"])
        if not page["following"]:
            return number
        after = page["following"]


class Unsteady(BaseHTTPRequestHandler):
    """Between client and archive: drops every third answer after the archive has given it."""

    target = ""
    count = 0

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.target)
        connection = HTTPConnection(str(parts.hostname), parts.port)
        headers = {name: value for name, value in self.headers.items() if name != "Host"}
        with contextlib.suppress(OSError):  # refused before all of it was read: the answer counts
            connection.request(self.command, self.path, body=body, headers=headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        type(self).count += 1
        if type(self).count % 3 == 0:
            self.close_connection = True
            return
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = _pass_on  # noqa: N815 - the names are the library's

    def log_message(self, *_: Any) -> None: ...


def test_answers_that_are_lost_on_their_way_make_no_duplicate(
    site: Site, token: str, tmp_path: Path
) -> None:
    Unsteady.target = site.url
    port = free_port()
    between = ThreadingHTTPServer(("127.0.0.1", port), Unsteady)
    threading.Thread(target=between.serve_forever, daemon=True).start()
    folder = tmp_path / "unsteady"
    folder.mkdir()
    for number in range(12):
        (folder / f"wobbly-{number}.bin").write_bytes(os.urandom(3000))
    (folder / "wobbly-large.bin").write_bytes(os.urandom(20 * 2**20))
    try:
        asked = ("upload", "--case", CASE, str(folder))
        code, out, err = run(f"http://127.0.0.1:{port}", token, *asked)
    finally:
        between.shutdown()
        between.server_close()
    assert (code, out.split(",")[-1].strip()) == (0, "not sent: 0"), err
    assert Unsteady.count > 30
    assert items_of(site, token, "wobbly") == 13


def test_what_can_t_be_sent_is_said_and_the_others_arrive(
    site: Site, token: str, tmp_path: Path
) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    (folder / "empty.txt").write_bytes(b"")
    (folder / "good.txt").write_bytes(f"good {tmp_path}".encode())
    code, out, err = run(site.url, token, "upload", "--case", CASE, str(folder))
    assert (code, out) == (1, "received: 1, there before: 0, not sent: 1\n")
    assert "mixed/empty.txt: the file is empty" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("upload", "--case", "NONE-1", "."), "There is no case NONE-1 for you. Yours are: KUR"),
        (("upload", "--case", CASE, "./missing"), "There is no file or folder ./missing"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_sent(
    site: Site, token: str, arguments: tuple[str, ...], said: str
) -> None:
    code, _, err = run(site.url, token, *arguments)
    assert code == 2
    assert said in err


def test_a_token_is_not_sent_in_the_clear_and_one_that_is_over_is_said(site: Site) -> None:
    code, _, err = run("http://archive.example", "secret", "cases")
    assert code == 2
    assert "must not travel in the clear" in err
    code, _, err = run(site.url, "muniment_nonsense", "cases")
    assert code == 2
    assert "Issue another" in err


def test_the_client_lists_cases_and_the_page_offers_it(site: Site, token: str, page: Any) -> None:
    code, out, _ = run(site.url, token, "cases")
    assert code == 0
    assert out.startswith(f"{CASE}\t")
    with urlopen(f"{site.url}/static/client/muniment.py") as answer:
        assert answer.read() == CLIENT.read_bytes()
