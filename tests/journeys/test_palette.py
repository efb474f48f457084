"""The box that finds, by the keyboard alone; and digests that nobody marks by hand."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.processes


def test_a_few_keys_lead_to_an_item(page, site):
    page.goto(f"{site.url}/admin/")
    page.keyboard.press("Control+k")
    page.keyboard.type("KUR-2025-001-00")  # whatever other journeys have brought since
    page.locator("#palette li", has_text="KUR-2025-001-00").nth(2).wait_for()
    assert page.get_attribute("#palette-box", "aria-activedescendant") == "palette-0"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    assert page.get_attribute("#palette-box", "aria-activedescendant") == "palette-1"
    name = page.locator("#palette li[aria-selected=true] bdi").inner_text()
    page.keyboard.press("Enter")
    page.wait_for_url("**/evidenceitem/**/change/")
    assert name.startswith(page.locator(".item-head [data-copy]").inner_text())


def test_a_slash_opens_it_but_not_where_somebody_types(page, site):
    page.goto(f"{site.url}/admin/evidence/evidenceitem/")
    page.focus("#searchbar")
    page.keyboard.type("a/b")
    assert not page.locator("#palette").is_visible()
    page.locator("h1").click()
    page.keyboard.press("/")
    assert page.locator("#palette").is_visible()
    page.keyboard.type("upl")
    page.keyboard.press("Escape")
    assert not page.locator("#palette").is_visible()


def test_it_leads_to_places_and_says_when_nothing_is_found(page, site):
    page.goto(f"{site.url}/admin/")
    page.click("#palette-open")
    page.keyboard.type("ledg")
    page.keyboard.press("Enter")  # at once: nobody waits for a search to go to a place
    page.wait_for_url("**/archive/entry/")
    page.keyboard.press("Control+k")
    page.keyboard.type("no such thing anywhere")
    page.locator("#palette [role=status]", has_text="Nothing of that name").wait_for()


def test_a_digest_is_copied_whole(page, site):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{site.url}/admin/")
    page.locator(".cards a").first.click()
    page.get_by_role("link", name="Receipt").click()
    page.wait_for_url("**/receipt/")
    digest = page.locator("dd > code").first
    digest.locator("xpath=following-sibling::button").click()
    page.get_by_text("Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == digest.inner_text()
