"""A form that can't be taken now keeps what was typed: nothing is lost to a login page."""

from __future__ import annotations

import re

import pytest

from tests.journeys.conftest import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.processes]
TYPED = "A person of the case, described before the session ended"


@pytest.fixture
def form(page, site):
    """The form that adds somebody to the example case, filled in."""
    page.goto(f"{site.url}/admin/evidence/evidenceitem/")
    case = re.search(r"case=([0-9a-f-]{36})", page.content())[1]
    page.goto(f"{site.url}/cases/{case}/people/")
    found = page.locator("form.plain", has=page.locator("[name=pseudonym]"))
    found.locator("[name=pseudonym]").fill("CIV-SESSION")
    found.locator("[name=note]").fill(TYPED)
    return found


def forms_sent(page):
    sent = []
    page.on("request", lambda one: sent.append(one.url) if one.method == "POST" else None)
    return sent


def send(form):
    form.locator("button.primary, button[type=submit], button").last.click()


def kept(form):
    return form.locator("[name=note]").input_value() == TYPED


def test_who_is_signed_out_signs_in_beside_it_and_sends_it_again(page, site, form):
    sent = forms_sent(page)
    page.context.clear_cookies()

    send(form)

    form.locator(".unsent", has_text="You are signed out.").wait_for()
    assert sent == []
    assert kept(form)
    with page.context.expect_page() as beside:
        form.locator(".unsent a").click()
    sign_in(beside.value, site)
    beside.value.close()
    send(form)
    page.get_by_text("The person is recorded.").wait_for()
    assert page.get_by_text("CIV-SESSION").first.is_visible()


def test_nothing_is_sent_in_the_name_of_somebody_else(page, site, form):
    site.manage("shell", "-c", (
        "from django.contrib.auth.models import User;"
        "User.objects.filter(username='other').exists() or"
        " User.objects.create_user('other', password='a long other password', is_staff=True)"
    ))  # fmt: skip
    sent = forms_sent(page)
    page.context.clear_cookies()
    beside = page.context.new_page()
    sign_in(beside, site, name="other", password="a long other password")

    send(form)

    form.locator(".unsent", has_text="Somebody else is signed in by now.").wait_for()
    assert sent == []
    assert kept(form)


def test_an_archive_that_does_not_answer_costs_nothing(page, form):
    sent = forms_sent(page)
    page.route("**/session/", lambda route: route.abort())

    send(form)

    form.locator(".unsent", has_text="The archive does not answer.").wait_for()
    assert sent == []
    assert kept(form)


def test_the_button_that_was_pressed_goes_along_and_a_form_is_sent_once(page, site):
    page.goto(f"{site.url}/admin/evidence/evidenceitem/")
    page.locator("input.action-select").first.check()
    page.select_option("select[name=action]", "describe_selected")
    sent = forms_sent(page)

    page.locator("button[name=index]").dblclick()

    page.wait_for_url("**/items/describe/**")
    assert len(sent) == 1
