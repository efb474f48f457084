"""A real archive in a folder of its own, started as a user starts it, and a real browser."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.services import free_port

ROOT = Path(__file__).resolve().parents[2]


def variables(folder: Path) -> dict[str, str]:
    """Return an environment that holds nothing but what a fresh account has."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "MUNIMENT_DATA_DIR": str(folder / "data"),
        "MUNIMENT_SIGNER_DIR": str(folder / "signer"),
        "MUNIMENT_KEYS_DIR": str(folder / "keys"),
        "MUNIMENT_RUN_DIR": str(folder / "run"),
    }


@dataclass
class Site:
    """A running archive: its address, its folder, its administrator's password, its process."""

    url: str
    port: int
    folder: Path
    password: str
    process: subprocess.Popen[str]
    environment: dict[str, str]

    def manage(self, *arguments: str) -> str:
        """Run a command of manage.py beside it, and return what it printed."""
        return subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env=self.environment, cwd=self.folder, check=True, capture_output=True, text=True,
            timeout=300,
        ).stdout  # fmt: skip

    def log(self, name: str) -> str:
        """Return what a child has written to its log."""
        return (self.folder / "run" / f"{name}.log").read_text(encoding="utf-8", errors="replace")


def start(folder: Path, *, port: int, extra: dict[str, str] | None = None) -> Site:
    """Start `manage.py up` and wait until it says where it answers."""
    environment = {**variables(folder), **(extra or {})}
    output = folder / "up.txt"
    with output.open("a") as sink:
        process = subprocess.Popen(
            [sys.executable, "-u", str(ROOT / "manage.py"), "up", "--port", str(port)],
            env=environment, cwd=folder, stdout=sink, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        text = output.read_text()
        if f"http://127.0.0.1:{port}" in text and "eady" in text:
            break
        if process.poll() is not None:
            raise AssertionError(f"`up` ended:\n{text}")
        time.sleep(0.2)
    else:
        process.kill()
        raise AssertionError(f"`up` did not get ready:\n{output.read_text()}")
    found = re.search(r"[Pp]assword:?\s+(\S+)", output.read_text())
    return Site(
        url=f"http://127.0.0.1:{port}",
        port=port,
        folder=folder,
        password=found.group(1) if found else "",
        process=process,
        environment=environment,
    )


def stop(site: Site) -> None:
    """Stop it as an operator does, and insist that it goes."""
    if site.process.poll() is None:
        site.process.send_signal(signal.SIGTERM)
        try:
            site.process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            site.process.kill()
            site.process.wait()
            raise


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An archive with the example case, shared by the journeys that only add to it."""
    running = start(tmp_path_factory.mktemp("site"), port=free_port())
    yield running
    stop(running)


@pytest.fixture
def page(browser, site):
    """A signed-in page; anything that the content policy stops fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    shown = context.new_page()
    complaints: list[str] = []
    shown.on(
        "console",
        lambda message: complaints.append(message.text) if message.type == "error" else None,
    )
    shown.on("pageerror", lambda error: complaints.append(str(error)))
    sign_in(shown, site)
    yield shown
    context.close()
    assert not [one for one in complaints if "Content Security" in one], complaints


def sign_in(page, site: Site, *, name: str = "admin", password: str = "") -> None:
    """Go through the login page."""
    page.goto(f"{site.url}/admin/login/")
    page.fill("#id_login", name)
    page.fill("#id_password", password or site.password)
    page.click("button[type=submit]")
    page.wait_for_url(lambda url: "/login/" not in url)
