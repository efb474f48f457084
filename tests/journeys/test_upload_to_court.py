"""The main job: from an upload to a bundle that a stranger checks."""

from __future__ import annotations

import hashlib
import io
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PIL import Image

pytestmark = [pytest.mark.browser, pytest.mark.processes]

WAIT = 60_000  # milliseconds


def _photograph(path: Path) -> bytes:
    image = Image.effect_mandelbrot((640, 480), (-2, -1.5, 1, 1.5), 40)
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "JPEG", quality=90)
    path.write_bytes(buffer.getvalue())
    return buffer.getvalue()


def _stranger(bundle: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Check a bundle as a third party does, with nothing of ours but its own verifier."""
    folder = bundle.parent / "stranger"
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(bundle) as archive:
        name = next(name for name in archive.namelist() if name.endswith("verify.pyz"))
        (folder / "verify.pyz").write_bytes(archive.read(name))
    return subprocess.run(
        [sys.executable, "-I", "-S", str(folder / "verify.pyz"), *arguments, str(bundle)],
        capture_output=True, check=False, text=True, cwd=folder, timeout=120,
        env={"PATH": "/nonexistent"},
    )  # fmt: skip


def test_a_file_chosen_before_the_page_s_script_has_come_is_taken(page, site, tmp_path):
    held = []
    page.route(re.compile(r"/evidence/upload[^/]*\.js$"), lambda one: held.append(one))  # noqa: PLW0108 - it asks for its signature
    page.goto(f"{site.url}/upload/", wait_until="commit")
    (tmp_path / "early.txt").write_text(f"{tmp_path}")

    page.set_input_files("input[type=file]:not([webkitdirectory])", str(tmp_path / "early.txt"))

    assert len(held) == 1
    held[0].continue_()
    page.click("button:has-text('Upload 1 file')")
    page.locator(".row.received").wait_for(timeout=WAIT)
    assert page.locator(".row").count() == 1


def test_an_upload_becomes_a_bundle_that_a_stranger_verifies(page, site, tmp_path):
    photograph = tmp_path / "фото 사진.jpg"
    content = _photograph(photograph)
    sha256 = hashlib.sha256(content).hexdigest()

    # Upload through the page, and read the receipt.
    page.goto(f"{site.url}/upload/")
    page.set_input_files("input[type=file]:not([webkitdirectory])", str(photograph))
    start = page.locator("button:has-text('Upload'), button:has-text('Send')").first
    if start.is_visible() and start.is_enabled():
        start.click()
    page.get_by_text(sha256).first.wait_for(timeout=WAIT)
    receipt = page.content()
    reference = re.search(r"KUR-2025-001-\d{4}", receipt)
    assert reference, "the receipt names the item"

    # The item's page: live progress until everything is done, then preview, facts, custody.
    page.goto(f"{site.url}/admin/evidence/evidenceitem/?q={reference.group()}")
    page.click(f"text={reference.group()}")
    page.locator("figure img").first.wait_for(timeout=WAIT)
    page.locator("code", has_text=sha256).first.wait_for(timeout=WAIT)
    assert page.evaluate("document.querySelector('figure img').naturalWidth") > 0
    page.get_by_text("640").first.wait_for(timeout=WAIT)
    assert page.locator("text=media.ingested").count() >= 1
    item = re.search(r"evidenceitem/([0-9a-f-]{36})/", page.url).group(1)

    # The auditor verifies everything.
    page.goto(f"{site.url}/admin/archive/entry/")
    page.click("text=Verify now")
    page.locator(".verdict").wait_for(timeout=WAIT)
    assert "good" in (page.locator(".verdict").get_attribute("class") or ""), page.inner_text(
        "#content"
    )
    assert "What was not checked" in page.inner_text("#content")

    # Export and download.
    page.goto(f"{site.url}/exports/new/?items={item}")
    page.fill("[name=recipient]", "The court")
    page.fill("[name=purpose]", "Evidence in the proceedings")
    page.click("text=Write the bundle")
    page.locator("text=Download the bundle").wait_for(timeout=WAIT)
    key = page.locator("dd code").last.inner_text()
    with page.expect_download() as download:
        page.click("text=Download the bundle")
    bundle = tmp_path / "bundle.zip"
    download.value.save_as(bundle)

    # The stranger, with the key and without.
    known = _stranger(bundle, "--key", key)
    assert known.returncode == 0, known.stdout + known.stderr
    unknown = _stranger(bundle)
    assert unknown.returncode == 3, unknown.stdout + unknown.stderr
    with zipfile.ZipFile(bundle) as archive:
        originals = [name for name in archive.namelist() if "/original/" in name]
        assert [archive.read(name) for name in originals] == [content]

    # The same bytes with one changed are refused, and the file is named.
    damaged = bytearray(bundle.read_bytes())
    at = damaged.find(content[200:400])
    damaged[at] ^= 1
    other = tmp_path / "damaged.zip"
    other.write_bytes(damaged)
    refused = _stranger(other, "--key", key)
    assert refused.returncode == 1
    assert "original/" in refused.stdout


def test_the_example_case_is_there_with_every_item_processed_by_the_worker(page, site):
    page.goto(f"{site.url}/admin/evidence/evidenceitem/")
    page.locator("#result_list tbody tr").first.wait_for(timeout=WAIT)
    for _ in range(120):
        if not page.locator("#result_list progress").count():
            break
        page.wait_for_timeout(500)
        page.reload()

    assert page.locator("#result_list tbody tr").count() >= 8
    assert page.locator("#result_list progress").count() == 0
    assert "evidence.work" in site.log("worker")
    assert "succeeded" in site.log("worker")


def test_a_video_preview_can_be_sought(page, site):
    page.goto(f"{site.url}/admin/evidence/evidenceitem/?kind__exact=video")
    page.locator("#result_list tbody tr th a").first.click()
    page.get_by_label("What for").fill("To see whether it plays.")
    page.get_by_text("Show the previews", exact=True).click()
    video = page.locator("video")
    video.wait_for(timeout=WAIT)

    page.evaluate(
        """async () => { const v = document.querySelector('video'); v.currentTime = 8;
        await new Promise(r => v.addEventListener('seeked', r, {once: true})); }"""
    )

    assert abs(page.evaluate("document.querySelector('video').currentTime") - 8) < 0.5


def test_a_receipt_can_be_kept_as_json(page, site):
    page.goto(f"{site.url}/admin/evidence/evidenceitem/")
    page.locator("#result_list tbody tr th a").first.click()
    page.click("text=Receipt")
    with page.expect_download() as download:
        page.click("text=Save as JSON")

    receipt = json.loads(Path(download.value.path()).read_text())
    assert re.fullmatch(r"[0-9a-f]{64}", receipt["sha256"])
    assert re.fullmatch(r"[0-9a-f]{64}", receipt["entry_hash"])
