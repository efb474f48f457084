"""A walk through every page in each language: width, axe, the console, and English that was left.

    python -m tests.walk uk ko                 as one person who may everything; some minutes
    python -m tests.walk en uk ko --roles      as somebody of each role; an hour
    python -m tests.walk ko --roles --to DIR   and a picture of each page, to be looked at

It prints what is wrong and ends with 1: a link that leads to a refusal, too.  The suite walks in
English at every run (tests/journeys/test_every_page.py); this is the long walk.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests import languages, roles
from tests.browsers import CHROMIUM, FLAGS
from tests.journeys.conftest import Site, sign_in, start, stop
from tests.journeys.test_every_page import DESK, faults_of, pages
from tests.services import free_port

#: The texts of a page that hold no letter of the language, and are nobody's data.
LATIN = """() => {
  const skip = "script,style,bdi,code,pre,.mono,time,kbd,textarea,[lang=en],svg,.timeline";
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walk.nextNode()) {
    const text = walk.currentNode.textContent.trim();
    if (walk.currentNode.parentElement?.closest(skip)) continue;
    if (/[A-Za-z]{3,}/.test(text)) found.push(text.replace(/\\s+/g, " "));
  }
  return found;
}"""


def left_in_english(page: Any, english: set[str]) -> set[str]:
    """Return the words of the catalogue that a page shows as they stand in the source."""
    return {text for text in page.evaluate(LATIN) if text in english}


def walk(
    site: Site, browser: Any, language: str, role: str = "", pictures: Path | None = None
) -> dict[str, list[str]]:
    """Walk through every page in a language; return what is wrong, by the shape of the address."""
    english = set()
    if language in languages.LANGUAGES:
        every = languages.catalogue(language)
        english = {str(one.id) for one in every if one.id and one.id != one.string}
    context = browser.new_context(
        viewport={"width": DESK, "height": 900}, color_scheme="light", locale=language
    )
    page, said = context.new_page(), []
    page.on("console", lambda one: said.append(one.text) if one.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    if role:
        sign_in(page, site, name=f"the-{role}", password=roles.PASSWORD)
    else:
        sign_in(page, site)
    wrong: dict[str, list[str]] = defaultdict(list)
    number = 0
    for shape, status in pages(page, site, "/admin/"):
        number += 1
        if status != 200:
            wrong[shape].append(f"status {status}")
        wrong[shape] += [f"in English: {one}" for one in sorted(left_in_english(page, english))]
        wrong[shape] += said  # before axe looks: it brings a style of its own
        wrong[shape] += faults_of(page)
        said.clear()
        if pictures is not None:
            name = re.sub(r"[^a-z]+", "-", f"{role}{shape}".lower()).strip("-")
            page.screenshot(path=pictures / f"{language}-{name}.png", full_page=True)
    context.close()
    print(f"{language}{f' as {role}' if role else ''}: {number} pages", flush=True)
    return {shape: found for shape, found in wrong.items() if found}


def main(asked: argparse.Namespace) -> int:
    """Walk in each of the chosen languages, or in all; return the exit code."""
    if CHROMIUM is None:
        print("There is no Chromium on this machine.", file=sys.stderr)
        return 2
    found: dict[str, dict[str, list[str]]] = {}
    everybody = (asked.role or roles.EVERYBODY) if asked.roles or asked.role else ("",)
    if asked.to is not None:
        asked.to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        site = start(Path(folder), port=free_port())
        try:
            site.manage("process")
            site.manage("shell", "-c", "from tests.furnishing import furnish; furnish()")
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
                for language in asked.languages or languages.LANGUAGES:
                    for role in everybody:
                        name = f"{language} {role}".strip()
                        found[name] = walk(site, browser, language, role, asked.to)
                browser.close()
        finally:
            stop(site)
    for language, wrong in found.items():
        for shape, faults in sorted(wrong.items()):
            for fault in faults:
                print(f"{language} {shape}: {fault}")
    return 1 if any(found.values()) else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("languages", nargs="*", choices=["en", *languages.LANGUAGES, []])
    parser.add_argument("--roles", action="store_true", help="as somebody of each role")
    parser.add_argument("--role", action="append", choices=roles.EVERYBODY, help="as this one")
    parser.add_argument("--to", type=Path, help="a folder for a picture of each page")
    sys.exit(main(parser.parse_args()))
