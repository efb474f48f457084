"""What a browser gets of a large archive: the server's time, the first paint, the size of the page.

    BENCHMARK_ARCHIVE=FOLDER python -m benchmarks.paint [ITEMS] [sqlite|postgresql] [ROUNDS]
    BENCHMARK_PICTURES=FOLDER python -m benchmarks.paint …

Serves the archive that benchmarks.scale makes (or makes it first) by the product's own web server,
and opens each page in headless Chromium in each language, with nothing cached.  Prints of each page
the median until the first byte and until the first paint, and the largest HTML of any language.
Targets with 10^5 items: 150 ms, 1 s and 150 KB.

With BENCHMARK_PICTURES also a picture of each page in each language, 1280 and 390 pixels wide, to
be looked at; a page that is wider than its window is named.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
import urllib.request
from collections import defaultdict
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management import call_command
from django.test import Client
from playwright.sync_api import sync_playwright

from benchmarks import scale  # first: it names the archive in the environment
from config import services
from tests.browsers import CHROMIUM, FLAGS
from tests.services import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

LANGUAGES = ("en", "uk", "ko")
FIRST_BYTE, FIRST_PAINT = 150.0, 1_000.0  # ms
LARGEST = 150_000  # bytes of HTML
SESSION = "sessionid"
WIDTHS = (1280, 390)
TOO_WIDE = "document.documentElement.scrollWidth - innerWidth"
TIMES = """() => {
  const [page] = performance.getEntriesByType("navigation");
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  return [page.responseStart - page.requestStart, paint ? paint.startTime : -1,
          page.decodedBodySize];
}"""


@contextmanager
def served(port: int) -> Iterator[str]:
    """Serve the archive by the product's web server; give its address."""
    run_dir = Path(os.environ["MUNIMENT_RUN_DIR"])
    service = services.web("127.0.0.1", port, run_dir)
    with (run_dir / "web.log").open("ab") as log:
        process = subprocess.Popen(service.command, stdout=log, stderr=log, env=dict(os.environ))
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"{address}/admin/login/", timeout=5).close()
                break
            except OSError:
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=30)


def opened(browser: Any, address: str, path: str, cookie: str, language: str) -> list[float]:
    """Open a page with nothing cached; return its times in ms, and its size in bytes."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 860}, locale=language,
        extra_http_headers={"Accept-Language": language},
    )  # fmt: skip
    context.add_cookies([{"name": SESSION, "value": cookie, "url": address}])
    page = context.new_page()
    answer = page.goto(address + path, wait_until="load")
    if answer is None or answer.status != 200:
        raise RuntimeError(f"{path}: {answer and answer.status}")
    page.wait_for_timeout(50)
    found: list[float] = page.evaluate(TIMES)
    if found[1] < 0:
        page.wait_for_timeout(500)
        found = page.evaluate(TIMES)
    context.close()
    return found


def pictured(
    browser: Any, address: str, pages: dict[str, str], cookie: str, folder: Path
) -> list[str]:
    """Keep a picture of each page in each language and width; return what is too wide."""
    folder.mkdir(parents=True, exist_ok=True)
    wide = []
    for language in LANGUAGES:
        for width in WIDTHS:
            context = browser.new_context(
                viewport={"width": width, "height": 860}, locale=language,
                extra_http_headers={"Accept-Language": language},
            )  # fmt: skip
            context.add_cookies([{"name": SESSION, "value": cookie, "url": address}])
            page = context.new_page()
            for name, path in pages.items():
                page.goto(address + path, wait_until="load")
                if (more := page.evaluate(TOO_WIDE)) > 0:
                    wide.append(f"{name} in {language} at {width}: {more} pixels too wide")
                file = f"{language}-{width}-{name.replace(' ', '-').replace(',', '')}.jpg"
                page.screenshot(path=folder / file, full_page=True, type="jpeg", quality=60)
            context.close()
    return wide


def main() -> int:
    """Measure, print, and return 1 if a target is missed."""
    user = scale.fill()
    call_command("collectstatic", interactive=False, verbosity=0)
    client = Client()
    client.force_login(user)
    cookie = client.cookies[SESSION].value
    pages = scale.pages()  # before there is a browser: its loop lets nobody ask the database
    taken: dict[str, list[list[float]]] = defaultdict(list)
    with ExitStack() as stack:
        address = stack.enter_context(served(free_port()))
        browser = stack.enter_context(sync_playwright()).chromium.launch(
            executable_path=CHROMIUM, args=FLAGS
        )
        for round_ in range(scale.ROUNDS + 1):
            for language in LANGUAGES:
                for name, path in pages.items():
                    found = opened(browser, address, path, cookie, language)
                    if round_:  # the first fills caches
                        taken[name].append(found)
        wide: list[str] = []
        if folder := os.environ.get("BENCHMARK_PICTURES"):
            wide = pictured(browser, address, pages, cookie, Path(folder))
        browser.close()
    print("\n".join(wide))
    return _report(taken) or bool(wide)


def _report(taken: dict[str, list[list[float]]]) -> int:
    missed = 0
    print(f"{'page':40} {'first byte':>10} {'paint':>9} {'HTML':>9}")
    for name, rows in taken.items():
        byte, paint = (statistics.median(row[at] for row in rows) for at in (0, 1))
        size = max(row[2] for row in rows)
        is_missed = byte > FIRST_BYTE or not 0 < paint <= FIRST_PAINT or size > LARGEST
        missed += is_missed
        mark = "  NOT met" if is_missed else ""
        print(f"{name:40} {byte:7.1f} ms {paint:6.0f} ms {size / 1000:6.1f} KB{mark}")
    print(f"{missed} of {len(taken)} missed, in {', '.join(LANGUAGES)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
