"""The pictures in the documentation: taken of a running archive with the example case.

    python -m tests.pictures      takes all of them anew into docs/images

Each is a page as people see it, in headless Chromium, with the example's made-up media.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.browsers import CHROMIUM, FLAGS
from tests.journeys.conftest import Site, sign_in, start, stop
from tests.services import free_port

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "images"
WIDTH, HEIGHT = 1280, 860
CASE = "KUR-2025-001"


@dataclass(frozen=True)
class Picture:
    """One picture: how its page is come to, in which language and how wide the window is."""

    go: Callable[[Any, Site], None]
    language: str = "en"
    width: int = WIDTH


def _at(path: str) -> Callable[[Any, Site], None]:
    return lambda page, site: page.goto(site.url + path)


def _item(number: int) -> Callable[[Any, Site], None]:
    def go(page: Any, site: Site) -> None:
        page.goto(f"{site.url}/admin/evidence/evidenceitem/")
        page.click(f"text={CASE}-{number:04}")
        page.wait_for_load_state("networkidle")

    return go


def _from_item(number: int, link: str) -> Callable[[Any, Site], None]:
    def go(page: Any, site: Site) -> None:
        _item(number)(page, site)
        page.click(f"text={link}")
        page.wait_for_load_state("networkidle")

    return go


def _case(page_of_it: str) -> Callable[[Any, Site], None]:
    def go(page: Any, site: Site) -> None:
        page.goto(f"{site.url}/admin/")
        page.click(f".cards a:text-is({page_of_it!r}), .sheet a:text-is({page_of_it!r})")
        page.wait_for_load_state("networkidle")

    return go


#: By the name of its file.  Whoever adds one names it in the documentation, or a house rule fails.
PICTURES = {
    "item": Picture(_item(1)),
    "home": Picture(_at("/admin/")),
    "home-uk": Picture(_at("/admin/"), language="uk"),
    "home-ko": Picture(_at("/admin/"), language="ko"),
    "upload": Picture(_at("/upload/")),
    "items": Picture(_at("/admin/evidence/evidenceitem/")),
    "description": Picture(_from_item(9, "Correct the description")),
    "protection": Picture(_from_item(2, "Why, and change it")),
    "claims": Picture(_case("Claims")),
    "timeline": Picture(_case("Timeline")),
    "map": Picture(_case("Map")),
    "ledger": Picture(_at("/admin/archive/entry/")),
    "export": Picture(_from_item(10, "Export >> nth=-1")),
    "phone": Picture(_item(9), width=390),
}


def take(site: Site, browser: Any, folder: Path) -> None:
    """Take every picture into a folder."""
    for name, picture in PICTURES.items():
        context = browser.new_context(
            viewport={"width": picture.width, "height": HEIGHT},
            locale=picture.language,
            color_scheme="light",
        )
        page = context.new_page()
        sign_in(page, site)
        picture.go(page, site)
        page.screenshot(path=str(folder / f"{name}.png"))
        context.close()


def main() -> int:
    """Start an archive, take the pictures, stop it; return the exit code."""
    if CHROMIUM is None:
        print("There is no Chromium on this machine.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        site = start(Path(folder), port=free_port())
        try:
            site.manage("process")
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
                take(site, browser, FOLDER)
                browser.close()
        finally:
            stop(site)
    print(f"{len(PICTURES)} pictures in {FOLDER.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
