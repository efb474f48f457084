"""How many steps a person takes, counted: fewer than the systems that people know.

A step is what a person does deliberately: a click, a key, a box filled in, a file chosen.  Each
flow begins on the home page and ends with what was wanted on the screen or on the disk.
"""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.conftest import Site

pytestmark = [pytest.mark.browser, pytest.mark.processes]

WAIT = 90_000
#: Import Evidence > choose files > title and ID of each > category > Upload.
UPLOAD_ELSEWHERE = 5
#: Evidence > Audit Trail > choose the period > Run Audit > wait > Download PDF.
AUDIT_ELSEWHERE = 6
#: A wizard of nine pages.
EXPORT_ELSEWHERE = 9


class Counted:
    """A page on which every deliberate act is a step; waiting and reading are none."""

    def __init__(self, page: Any) -> None:
        self.page, self.steps = page, 0

    def __getattr__(self, name: str) -> Any:
        act = getattr(self.page, name)

        def counted(*given: Any, **more: Any) -> Any:
            self.steps += name in {"click", "fill", "check", "press", "select_option",
                                   "set_input_files"}  # fmt: skip
            return act(*given, **more)

        return counted if callable(act) else act


@pytest.fixture
def steps(page: Any, site: Site) -> Counted:
    page.goto(f"{site.url}/admin/")
    return Counted(page)


def to_the_list(steps: Counted, number: str) -> None:
    """Go where that item is in the list, whatever other journeys have brought."""
    address = f"/admin/evidence/evidenceitem/?q={number}"
    steps.page.goto(re.sub("/admin/.*", address, steps.page.url))


def test_a_researcher_s_files_are_sealed_in_fewer_steps(steps: Counted, tmp_path: Path) -> None:
    files = [tmp_path / f"letter {number}.txt" for number in range(2)]
    for path in files:
        path.write_text(f"{tmp_path} {path.name}", encoding="utf-8")
    steps.click("text=Upload evidence")
    steps.set_input_files("input[type=file]:not([webkitdirectory])", [str(one) for one in files])
    steps.click("button:has-text('Upload 2 files')")
    steps.page.locator(".row.received").nth(1).wait_for(timeout=WAIT)
    assert steps.page.locator("dl:not([hidden]) code").count() >= 4  # a receipt each, with digests
    assert steps.steps == 3
    assert steps.steps < UPLOAD_ELSEWHERE


def test_an_auditor_has_exactly_the_filtered_entries_on_paper_in_fewer_steps(
    steps: Counted,
) -> None:
    steps.click("nav.places >> text=Ledger")
    steps.fill("#f-exhibit", "KUR-2025-001-0009")
    steps.click("button:has-text('Show')")
    with steps.page.expect_download() as download:
        steps.click(".tools >> text=/^PDF$/")
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF")
    assert steps.steps == 4
    assert steps.steps < AUDIT_ELSEWHERE


def test_a_bundle_is_written_and_downloaded_in_four_steps_of_choice(
    steps: Counted, tmp_path: Path
) -> None:
    to_the_list(steps, "KUR-2025-001-0010")
    steps.page.locator("#result_list tr:has-text('KUR-2025-001-0010') input").wait_for()
    # 1. pick, 2. the profile and the preview, 3. for whom and why, 4. the bundle
    steps.check("#result_list tr:has-text('KUR-2025-001-0010') input")
    steps.select_option("select[name=action]", "export_selected")
    steps.click("button[name=index]")
    steps.page.locator("text=What leaves").wait_for(timeout=WAIT)
    steps.fill("[name=recipient]", "The court")
    steps.fill("[name=purpose]", "Evidence in the proceedings")
    steps.click("text=Write the bundle")
    steps.page.locator("text=Download the bundle").wait_for(timeout=WAIT)
    with steps.page.expect_download() as download:
        steps.click("text=Download the bundle")
    bundle = tmp_path / "bundle.zip"
    download.value.save_as(bundle)
    with zipfile.ZipFile(bundle) as archive:
        assert any(name.endswith("verify.html") for name in archive.namelist())
    assert steps.steps == 7
    assert steps.steps < EXPORT_ELSEWHERE


def test_a_wrong_title_is_put_right_in_five_steps_and_back_in_two(steps: Counted) -> None:
    to_the_list(steps, "KUR-2025-001-0009")
    steps.click("text=KUR-2025-001-0009")
    steps.click("text=Correct the description")
    title = steps.page.input_value("#id_title")
    steps.fill("#id_title", f"{title}, corrected")
    steps.fill("#id_reason", "a typing error")
    steps.click("button:has-text('Record the correction')")
    steps.page.locator(f"h1:has-text({json.dumps(title + ', corrected')})").wait_for()
    assert steps.steps == 5
    steps.click("text=Take it back >> nth=-1")
    steps.click("button:has-text('Record the correction')")
    steps.page.locator("text=Recorded; what stood before").wait_for()
    assert steps.page.inner_text("h1").strip() == title
    assert steps.steps == 7  # an undoing takes two


def test_a_checkpoint_that_is_dropped_on_the_ledger_s_page_is_held_against_it(
    page: Any, site: Site
) -> None:
    page.goto(f"{site.url}/admin/archive/entry/")
    page.click("text=Verify now")  # which signs the head
    page.locator(".verdict").wait_for(timeout=WAIT)
    kept = (site.folder / "signer" / "anchors.txt").read_text("utf-8").splitlines()
    note = json.loads(kept[-1])["note"]
    page.goto(f"{site.url}/admin/archive/entry/")
    dropped = page.evaluate_handle(
        """text => { const all = new DataTransfer();
                     all.items.add(new File([text], "checkpoint")); return all; }""",
        note,
    )
    page.dispatch_event("#f-kept", "drop", {"dataTransfer": dropped})
    page.wait_for_url(lambda url: "/ledger/reports/" in url or "entry" not in url, timeout=WAIT)
    assert "good" in (page.locator(".verdict").get_attribute("class") or "")
