"""Every page that a link leads to: read aloud, in the dark, on a phone, enlarged, and on its own.

axe looks for what WCAG 2.2 AA forbids; the browser tells what the content policy stopped and
whether anything was asked for from another host.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest

from tests.journeys.conftest import Site, sign_in

pytestmark = pytest.mark.processes

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
STANDARD = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
#: What changes with the colours and with the width; everything else is the same in both.
LOOK = ["color-contrast", "link-in-text-block", "target-size", "scrollable-region-focusable"]
RUN = """options => axe.run(document, options).then(found => found.violations.map(
    one => ({id: one.id, where: one.nodes.map(node => node.target.join(' '))})))"""
#: Answers that are no pages, and one that ends the walk.
NO_PAGE = re.compile(
    r"/(static|logout|download|extract|original|derivative|rendition|progress|state|table)\b"
)
OF_EACH = 2  # pages of one shape: one item is like another
PHONE, DESK, ENLARGED = 390, 1280, 640  # the last is 1280 at 200 %
FADED = 300  # ms; colours change slowly
LEAST = 38  # pages; fewer and the walk has lost its way
LINKS = "all => all.map(one => new URL(one.getAttribute('href'), document.baseURI).href)"
SETTLED = "() => Promise.allSettled(document.getAnimations().map((one) => one.finished))"
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def shape_of(url: str) -> str:
    """Return an address without the numbers of what it is about."""
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<=/)[0-9]+(?=/)", "*", url)


def pages(page: Any, site: Site, *begin: str) -> Iterator[tuple[str, int]]:
    """Open each page that can be come to, two of each shape, and give its shape and status."""
    waiting = deque(site.url + path for path in begin)
    known, shapes = set(waiting), Counter[str]()
    while waiting:
        url = waiting.popleft()
        shape = shape_of(url.removeprefix(site.url))
        shapes[shape] += 1
        if shapes[shape] > OF_EACH:
            continue
        answer = page.goto(url)
        links = page.eval_on_selector_all("a[href]", LINKS)
        yield shape, answer.status
        for link in links:
            address = link.split("#")[0].split("?")[0]
            is_page = address.startswith(site.url) and not NO_PAGE.search(address)
            if is_page and address not in known:
                known.add(address)
                waiting.append(address)


def faults_of(page: Any) -> Iterator[str]:
    """Look at a page in its three looks, and name what is wrong in each."""
    page.evaluate(AXE)
    for one in page.evaluate(RUN, {"runOnly": STANDARD}):
        yield f"light: {one['id']} {one['where'][:3]}"
    yield from _width(page, DESK)
    page.set_viewport_size({"width": ENLARGED, "height": 450})
    yield from _width(page, ENLARGED)
    page.set_viewport_size({"width": PHONE, "height": 844})
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(FADED)
    page.evaluate(SETTLED)  # on a busy machine colours are still on their way
    yield from _width(page, PHONE)
    for one in page.evaluate(RUN, {"runOnly": {"type": "rule", "values": LOOK}}):
        yield f"dark: {one['id']} {one['where'][:3]}"
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": DESK, "height": 900})


def _width(page: Any, width: int) -> Iterator[str]:
    over = page.evaluate(TOO_WIDE)
    if over > 0:
        yield f"{width} wide: {over} pixels too wide"


@pytest.fixture
def watched(browser: Any, site: Site) -> Iterator[tuple[Any, list[str]]]:
    """A signed-in page, and what the browser complained of or asked elsewhere for."""
    context = browser.new_context(viewport={"width": DESK, "height": 900}, color_scheme="light")
    page = context.new_page()
    said: list[str] = []
    own = (site.url, "data:", "blob:")
    page.on("console", lambda one: said.append(one.text) if one.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda one: None if one.url.startswith(own) else said.append(one.url))
    sign_in(page, site)
    yield page, said
    context.close()


def test_nothing_is_wrong_with_any_page(watched: tuple[Any, list[str]], site: Site) -> None:
    page, said = watched
    site.manage(
        "export_bundle", "--case", "KUR-2025-001", "--user", "admin", "--profile", "custody_only",
        "--recipient", "A court", "--purpose", "A test", "--out", str(site.folder / "walked.zip"),
        "KUR-2025-001-0010",
    )  # fmt: skip
    page.goto(f"{site.url}/admin/archive/entry/")
    page.click("text=Verify now")
    page.wait_for_url("**/ledger/reports/**")
    report = page.url.removeprefix(site.url)
    wrong: dict[str, list[str]] = {}
    shapes = Counter[str]()
    said.clear()
    for shape, status in pages(page, site, "/admin/", report):
        shapes[shape] += 1
        found = [*([] if status == 200 else [f"status {status}"]), *said]
        found += faults_of(page)  # last: the content policy stops what axe itself tries
        said.clear()
        if found:
            wrong.setdefault(shape, []).extend(found)

    assert wrong == {}
    assert len(shapes) >= LEAST, sorted(shapes)
    assert {"/exports/*/", "/cases/*/map/", "/ledger/reports/*/"} <= shapes.keys()


def test_nothing_is_wrong_with_the_pages_of_refusal(browser: Any, site: Site) -> None:
    page = browser.new_page(viewport={"width": DESK, "height": 900}, color_scheme="light")
    wrong = {}
    for path, status in (("/admin/login/", 200), ("/no/such/page/", 404)):
        assert page.goto(site.url + path).status == status
        wrong[path] = list(faults_of(page))
    page.close()
    assert not any(wrong.values()), wrong
