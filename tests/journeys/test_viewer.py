"""Looking closely at a preview, by hand and by the keyboard alone."""

from __future__ import annotations

import pytest
from PIL import Image

pytestmark = pytest.mark.processes


def opened(page, site, words: str) -> None:
    page.goto(f"{site.url}/admin/evidence/evidenceitem/?q={words}")
    page.locator("#result_list .field-title a").first.click()
    veil = page.get_by_role("button", name="Show the previews")
    if veil.count():
        if page.locator("#purpose").count():
            page.fill("#purpose", "To look closely")
        veil.click()
        page.wait_for_load_state()


def test_a_picture_is_enlarged_turned_and_shown_whole_again(page, site):
    opened(page, site, "KUR-2025-001-0005")
    stage, image = page.locator(".stage").first, page.locator(".stage img").first
    image.wait_for()
    whole = image.bounding_box()
    page.get_by_role("button", name="Larger").first.click()
    assert stage.get_attribute("data-zoom") == "1.50"
    assert image.bounding_box()["width"] > whole["width"]
    page.get_by_role("button", name="Whole").first.click()
    stage.focus()
    page.keyboard.press("r")
    turned = image.bounding_box()
    assert stage.get_attribute("data-turned") == "90"
    assert abs(turned["width"] - whole["height"]) < 2
    assert abs(turned["height"] - whole["width"]) < 2
    for key in ("l", "l", "+", "+", "-"):
        page.keyboard.press(key)
    assert stage.get_attribute("data-turned") == "270"
    page.keyboard.press("0")
    again = image.bounding_box()
    assert (again["width"], again["height"]) == (whole["width"], whole["height"])


def test_a_film_is_stepped_through_by_frames_and_slowed_down(page, site):
    opened(page, site, "KUR-2025-001-0001")
    video = page.locator(".viewer video").first
    video.wait_for()
    video.evaluate("one => new Promise(done => one.readyState > 1 ? done() : one.oncanplay = done)")
    page.get_by_role("button", name="Frame on").click()
    first = video.evaluate("one => one.currentTime")
    assert 0 < first < 0.2
    page.get_by_role("button", name="Frame on").click()
    assert abs(video.evaluate("one => one.currentTime") - 2 * first) < 0.01
    page.keyboard.press(",")
    assert abs(video.evaluate("one => one.currentTime") - first) < 0.01
    page.keyboard.press("<")
    assert video.evaluate("one => one.playbackRate") == 0.5
    page.select_option(".viewer-tools select", "2")
    assert video.evaluate("one => one.playbackRate") == 2


def test_a_document_is_leafed_through_and_only_the_page_that_is_shown_is_loaded(
    page, site, tmp_path
):
    path = tmp_path / "three pages.pdf"
    first, *more = (Image.new("RGB", (300, 400), colour) for colour in ("red", "green", "blue"))
    first.save(path, format="PDF", save_all=True, append_images=more, title=str(tmp_path))
    page.goto(f"{site.url}/upload/")
    page.set_input_files("input[type=file]:not([webkitdirectory])", str(path))
    page.click("#start")
    page.locator(".row.received a").first.wait_for(timeout=90_000)
    address = page.locator(".row.received a").first.get_attribute("href")
    page.goto(site.url + address)
    page.locator("#work[data-finished=yes]").wait_for(timeout=90_000)
    asked = []
    page.on("request", lambda one: asked.append(one.url) if "/derivative/" in one.url else None)
    page.reload()
    shown = page.locator(".viewer figure[data-page]:visible")
    shown.locator("img").wait_for()
    assert shown.get_attribute("data-page") == "1"
    page.wait_for_load_state("networkidle")
    assert len(asked) == 1
    page.get_by_role("button", name="Page on").locator("visible=true").click()
    assert shown.get_attribute("data-page") == "2"
    page.keyboard.press("PageDown")
    page.keyboard.press("PageDown")  # there is no fourth
    assert shown.get_attribute("data-page") == "3"
    assert "3 of 3" in shown.inner_text()
    page.keyboard.press("PageUp")
    assert shown.get_attribute("data-page") == "2"
