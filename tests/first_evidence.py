"""The first five minutes of a new user, with a stopwatch: from a clone to a verified bundle.

    python -m tests.first_evidence FOLDER      prints when each step was done; pictures go to FOLDER

It clones what is committed here, runs the README's first command in an empty environment, and does
in a browser what the README tells, typing and reading at a person's pace.  It ends with 1 when the
first own file was sealed later than five minutes after the clone began.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.browsers import CHROMIUM, FLAGS
from tests.services import free_port

ROOT = Path(__file__).resolve().parents[1]
FIVE_MINUTES = 300  # seconds
A_KEY = 80  # milliseconds from one key to the next
READING = 3_000  # milliseconds that a person looks at a new page
WAIT = 120_000  # milliseconds for anything to come
KEPT = ("PATH", "PIP_CONFIG_FILE", "PIP_INDEX_URL", "SSL_CERT_FILE")


class Stopwatch:
    """Prints how long it took from the beginning to each step."""

    def __init__(self, folder: Path) -> None:
        self.began, self.folder, self.number = time.monotonic(), folder, 0

    def told(self, words: str, page: Any = None) -> float:
        """Print a step, take a picture of the page, and return the seconds since the beginning."""
        since = time.monotonic() - self.began
        print(f"{since:6.1f} s  {words}", flush=True)
        if page is not None:
            self.number += 1
            page.screenshot(path=self.folder / f"{self.number:02}.png")
            page.wait_for_timeout(READING)
        return since


def _command() -> str:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"<!-- command 1 -->\n```sh\n(.+)\n```", readme)
    if found is None:
        raise LookupError("the README has no first command")
    return found.group(1)


def _up(clone: Path, home: Path, port: int, watch: Stopwatch) -> tuple[Any, str, str]:
    """Run the README's command; return the process, the address and the password it printed."""
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    output = home / "up.txt"
    with output.open("w") as sink:
        process = subprocess.Popen(
            ["sh", "-c", f"{_command()} --port {port}"],
            cwd=clone, env={**environment, "HOME": str(home)}, stdout=sink,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    while "eady" not in (text := output.read_text()):
        if process.poll() is not None:
            raise RuntimeError(f"the command ended:\n{text}")
        if time.monotonic() - watch.began > FIVE_MINUTES:
            os.killpg(process.pid, signal.SIGTERM)
            raise RuntimeError(f"the command did not get ready:\n{text}")
        time.sleep(0.2)
    password = re.search(r"[Pp]assword:?\s+(\S+)", text)
    if password is None:
        raise RuntimeError(f"no password was printed:\n{text}")
    return process, f"http://127.0.0.1:{port}", password.group(1)


def _sign_in(page: Any, address: str, password: str, watch: Stopwatch) -> None:
    page.goto(address)
    watch.told("the address is open", page)
    page.type("#id_login", "admin", delay=A_KEY)
    page.type("#id_password", password, delay=A_KEY)
    page.click("button[type=submit]")
    page.wait_for_url(lambda url: "/login/" not in url)
    watch.told("signed in", page)


def _upload(page: Any, photograph: Path, watch: Stopwatch) -> float:
    page.click("text=Upload evidence")
    watch.told("the upload page", page)
    page.set_input_files("input[type=file]:not([webkitdirectory])", str(photograph))
    page.wait_for_timeout(READING)
    page.click("#start")
    page.locator(".row.received").wait_for(timeout=WAIT)
    return watch.told("a file of one's own is sealed; its receipt is shown", page)


def _export(page: Any, address: str, folder: Path, watch: Stopwatch) -> tuple[Path, str]:
    page.goto(f"{address}/admin/evidence/evidenceitem/")
    for number in ("0008", "0009"):
        page.check(f"tr:has-text('KUR-2025-001-{number}') input.action-select")
    page.select_option("select[name=action]", label="Export the selected items as a bundle")
    page.click("button[name=index]")
    watch.told("what would leave", page)
    page.type("#id_recipient", "A court", delay=A_KEY)
    page.type("#id_purpose", "To try it", delay=A_KEY)
    page.click("button:has-text('Write the bundle')")
    page.locator("text=/^Download/").first.wait_for(timeout=WAIT)
    watch.told("the bundle is written and verified", page)
    with page.expect_download() as download:
        page.locator("text=/^Download/").first.click()
    bundle = folder / "bundle.zip"
    download.value.save_as(bundle)
    key = page.locator("code", has_text="+").first.inner_text()
    return bundle, key


def _verify(bundle: Path, key: str, watch: Stopwatch) -> int:
    verifier = bundle.with_name("verify.pyz")
    with verifier.open("wb") as sink:
        subprocess.run(
            ["unzip", "-p", str(bundle), "*/data/verify/verify.pyz"], stdout=sink, check=True
        )
    done = subprocess.run(
        ["python3", "-I", "-S", str(verifier), "--key", key, str(bundle)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    watch.told(f"a stranger's verifier ended with {done.returncode}")
    return done.returncode


def main(folder: Path) -> int:
    """Try it, and say how long each step took."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place, sync_playwright() as browsers:
        home = Path(place)
        photograph = home / "photograph.jpg"
        Image.effect_noise((1600, 1200), 80).save(photograph)
        watch = Stopwatch(folder)
        clone = home / "muniment"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
        watch.told(f"cloned; next: {shlex.quote(_command())}")
        process, address, password = _up(clone, home, free_port(), watch)
        try:
            watch.told("it runs, and says where and with which password")
            browser = browsers.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            page = browser.new_context(viewport={"width": 1280, "height": 860}).new_page()
            _sign_in(page, address, password, watch)
            sealed = _upload(page, photograph, watch)
            code = _verify(*_export(page, address, home, watch), watch)
            browser.close()
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(timeout=60)
    return int(sealed > FIVE_MINUTES or code != 0)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1])))
