"""Single bits of a bundle of the whole example case, turned one at a time, before both verifiers.

    python -m tests.flips [FLIPS] [SEED]

Each flip is anywhere in the ZIP file, its headers too.  verify.pyz and verify.html (in a headless
Chromium, from a local file) must both refuse it and name something.  Prints what either let pass.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from archive import verify_page
from archive.proof.examination import Policy
from archive.proof.report import FAILED, UNREADABLE
from archive.proof.verify import verify
from tests.browsers import CHROMIUM, FLAGS
from tests.journeys.by_command import EXAMPLE, opened


def flips(content: bytes, number: int, seed: int) -> Iterator[tuple[int, int, bytes]]:
    """Yield so many flips of one bit: (offset, bit, the bytes afterwards)."""
    chosen = random.Random(seed)
    changed = bytearray(content)
    for _ in range(number):
        at, bit = chosen.randrange(len(content)), 1 << chosen.randrange(8)
        changed[at] ^= bit
        yield at, bit, bytes(changed)
        changed[at] ^= bit


def on_the_page(page: Any, path: Path, key: str) -> dict[str, Any]:
    """Drop a bundle on the page, and return its report."""
    page.fill("#key", key)
    page.set_input_files("#file", [])  # the same name again would be no change
    page.set_input_files("#file", path)
    page.wait_for_selector("#verdict[data-verdict]", timeout=60_000)
    report: dict[str, Any] = page.evaluate("window.lastReport")
    return report


def main(number: int = 2_000, seed: int = 1) -> int:
    """Try so many flips; return how many either verifier let pass."""
    begun, passed = time.monotonic(), 0
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        archive = opened(folder / "site", {})
        archive.manage("load_example")
        archive.manage("process")
        content, key = archive.export(EXAMPLE).read_bytes(), archive.vkey()
        (folder / "verify.html").write_bytes(verify_page.page())
        page = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS).new_page()
        page.goto((folder / "verify.html").as_uri())
        path = folder / "flipped.zip"
        for at, bit, changed in flips(content, number, seed):
            path.write_bytes(changed)
            program = verify(path, Policy(vkeys=(key,)))
            there = on_the_page(page, path, key)
            named = [one for one in program.findings if one.outcome in {FAILED, UNREADABLE}]
            shown = [one for one in there["findings"] if one["outcome"] in {FAILED, UNREADABLE}]
            if not (named and shown) or program.verdict.is_good or there["verdict"] == "verified":
                passed += 1
                print(f"byte {at}, bit {bit}: {program.verdict}, {there['verdict']}", flush=True)
    took = time.monotonic() - begun
    print(f"{number} flips of {len(content)} bytes in {took:.0f} s: {passed} passed by one or both")
    return 1 if passed else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:3])))
