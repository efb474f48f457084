"""Every page, wide and narrow: nothing sticks out, nothing is stopped by the content policy."""

from __future__ import annotations

import pytest

from tests.journeys.conftest import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.processes]

PAGES = {
    "home": "/admin/",
    "items": "/admin/evidence/evidenceitem/",
    "upload": "/upload/",
    "look for a file": "/similar/",
    "ledger": "/admin/archive/entry/",
    "fixity": "/admin/archive/storedobject/",
    "exports": "/exports/",
    "cases": "/admin/evidence/case/",
    "new case": "/admin/evidence/case/add/",
    "sources": "/admin/evidence/source/",
    "users": "/admin/auth/user/",
}


@pytest.mark.parametrize("width", [1280, 390])
def test_no_page_is_wider_than_its_window_or_breaks_its_own_policy(browser, site, width):
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    complaints: list[str] = []
    page.on(
        "console",
        lambda message: (
            complaints.append(f"{page.url}: {message.text}") if message.type == "error" else None
        ),
    )
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    page.goto(f"{site.url}/admin/login/")
    too_wide = []
    measure = "document.documentElement.scrollWidth - window.innerWidth"
    if page.evaluate(measure) > 0:
        too_wide.append("login")
    sign_in(page, site)
    for name, address in PAGES.items():
        answer = page.goto(site.url + address)
        assert answer.status == 200, name
        if page.evaluate(measure) > 0:
            too_wide.append(name)
    page.goto(f"{site.url}/admin/evidence/evidenceitem/")
    links = [
        link.get_attribute("href") for link in page.locator("#result_list tbody tr th a").all()
    ]
    items = [link.split("/")[-3] for link in links]
    similar = [f"/items/{item}/similar/" for item in items]
    compared = [f"/items/{items[0]}/compare/{item}/" for item in items[1:3]]
    page.goto(site.url + similar[0])
    clusters = page.get_by_text("What belongs together in this case").get_attribute("href")
    for link in [*links, *similar, clusters, *compared]:
        page.goto(site.url + link)
        if page.evaluate(measure) > 0:
            too_wide.append(link)
    for way in ("One over the other", "In turns", "Side by side"):
        page.get_by_label(way).check()
        if page.evaluate(measure) > 0:
            too_wide.append(way)
    context.close()

    assert len(links) >= 8
    assert too_wide == []
    assert complaints == []
