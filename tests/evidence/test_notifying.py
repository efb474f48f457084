"""Mails that something waits: what stands in them, to whom they go, and that none goes unasked."""

from __future__ import annotations

import email
import email.policy
import socket
from datetime import timedelta

import pytest
from aiosmtpd.controller import Controller
from django.urls import reverse

from config import mail
from config.environment import Environment, SettingError, read
from evidence import notifying, releasing
from evidence.models.item import EvidenceItem
from evidence.models.notice import Notice
from tests import people
from tests.services import free_port

pytestmark = pytest.mark.django_db
ADDRESS = "officer@example.test"


class Mailbox:
    """What a mail server took; it takes nothing for ``closed@``."""

    def __init__(self):
        self.mails = []

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        if address.startswith("closed@"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        told = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.mails.append((envelope.rcpt_tos, told))
        return "250 taken"


@pytest.fixture
def mailbox(settings):
    """A mail server on this machine, and the settings of an operator who named it."""
    box, port = Mailbox(), free_port()
    running = Controller(box, hostname="127.0.0.1", port=port)
    running.start()
    settings.MAIL = mail.Mail("127.0.0.1", port, "none")
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", port, False
    settings.SITE = "https://archive.example.test/"
    yield box
    running.stop()


@pytest.fixture
def cast(opened_log):
    return people.make_cast()


def ask_for_a_release(cast):
    receipt = people.upload(cast.case, cast.researcher)
    item = EvidenceItem.objects.get(pk=receipt.item)
    releasing.request(
        [item], recipient="CANARY-RECIPIENT", purpose="CANARY-PURPOSE", recipient_class="court",
        user=cast.researcher, now=people.NOW,
    )  # fmt: skip
    return item


def want(cast, **more):
    said = {"address": ADDRESS, "language": "en", "now": people.NOW, **more}
    return notifying.want(cast.release_officer, **said)


def text_of(one):
    return one.get_content()


def test_a_mail_says_that_something_waits_and_nothing_of_what(mailbox, cast):
    want(cast)
    item = ask_for_a_release(cast)
    later = people.NOW + notifying.PAUSE + timedelta(minutes=1)

    assert notifying.tell(now=later) == 1

    _, (to, told) = mailbox.mails
    assert to == [ADDRESS]
    assert told["Subject"] == "Something waits for you"
    assert text_of(told).splitlines() == [
        "Sign in to see what it is.",
        "",
        "https://archive.example.test/",
        "",
        "Nothing more stands in these mails. You end them where you asked for them.",
    ]
    whole = told.as_string()
    for secret in ("CANARY", item.title, item.exhibit_number, str(item.pk), cast.case.reference,
                   cast.release_officer.username, "1"):  # fmt: skip
        assert secret not in text_of(told) + told["Subject"], secret
    assert cast.case.reference not in whole


def test_nothing_is_told_twice_and_at_most_every_few_hours(mailbox, cast):
    want(cast)
    ask_for_a_release(cast)
    assert notifying.tell(now=people.NOW + timedelta(hours=1)) == 0
    later = people.NOW + notifying.PAUSE + timedelta(minutes=1)
    assert notifying.tell(now=later) == 1
    for hours in (1, 5, 50):
        assert notifying.tell(now=later + timedelta(hours=hours)) == 0
    ask_for_a_release(cast)
    assert notifying.tell(now=later + timedelta(hours=51)) == 1
    assert len(mailbox.mails) == 3


def test_what_was_done_and_comes_again_is_told_again(mailbox, cast):
    want(cast)
    ask_for_a_release(cast)
    at = people.NOW + timedelta(days=1)
    assert notifying.tell(now=at) == 1
    (asked,) = releasing.visible(cast.release_officer)
    releasing.decide(asked, authorised=False, reason="No.", user=cast.release_officer, now=at)
    assert notifying.tell(now=at + timedelta(days=1)) == 0
    ask_for_a_release(cast)
    assert notifying.tell(now=at + timedelta(days=2)) == 1


def test_in_the_language_in_which_it_was_asked_for(mailbox, cast):
    want(cast, language="uk")
    ask_for_a_release(cast)
    notifying.tell(now=people.NOW + timedelta(days=1))
    assert [one["Subject"] for _, one in mailbox.mails] == [
        "Вам писатимуть сюди",
        "На вас чекає справа",
    ]


def test_who_may_not_sign_in_any_more_is_told_nothing(mailbox, cast):
    want(cast)
    ask_for_a_release(cast)
    cast.release_officer.is_active = False
    cast.release_officer.save()
    assert notifying.tell(now=people.NOW + timedelta(days=1)) == 0


def test_a_mail_that_is_not_taken_is_tried_again_and_stops_nobody_elses(mailbox, cast):
    want(cast)
    notifying.want(
        cast.researcher, address="researcher@example.test", language="en", now=people.NOW
    )
    Notice.objects.filter(user=cast.release_officer).update(address="closed@example.test")
    ask_for_a_release(cast)
    Notice.objects.filter(user=cast.researcher).update(told_of={})
    at = people.NOW + timedelta(days=1)
    assert notifying.tell(now=at) == 1
    assert Notice.objects.get(user=cast.release_officer).told_at == people.NOW
    Notice.objects.filter(user=cast.release_officer).update(address=ADDRESS)
    assert notifying.tell(now=at + timedelta(minutes=15)) == 1


def test_an_address_that_takes_nothing_is_said_and_not_kept(mailbox, cast, client):
    client.force_login(cast.release_officer)
    said = {"act": "want", "address": "closed@example.test"}
    answer = client.post(reverse("evidence:notices"), said)
    assert answer.status_code == 400
    assert "did not take" in answer.content.decode()
    assert not Notice.objects.exists()


def test_the_page_begins_and_ends_it(mailbox, cast, client):
    client.force_login(cast.release_officer)
    here = reverse("evidence:notices")
    client.post(here, {"act": "want", "address": ADDRESS})
    assert ADDRESS in client.get(here).content.decode()
    assert [to for to, _ in mailbox.mails] == [[ADDRESS]]
    client.post(here, {"act": "end"})
    assert not Notice.objects.exists()


def test_without_a_server_nothing_is_sent_and_the_page_says_so(cast, client, monkeypatch, settings):
    """No connection to anywhere, though somebody asked when there was a server."""
    Notice.objects.create(user=cast.release_officer, address=ADDRESS, language="en")
    ask_for_a_release(cast)
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"

    def refuse(*_, **__):
        raise AssertionError("a connection was begun")

    monkeypatch.setattr(socket, "create_connection", refuse)
    assert notifying.tell(now=people.NOW) == 0
    client.force_login(cast.release_officer)
    answer = client.post(reverse("evidence:notices"), {"act": "want", "address": ADDRESS})
    assert answer.status_code == 400
    assert "No mail server is set up here" in answer.content.decode()


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        ({}, ("", 587, "starttls")),
        ({"MUNIMENT_MAIL_SERVER": "mail.example.test"}, ("mail.example.test", 587, "starttls")),
        ({"MUNIMENT_MAIL_SERVER": "m.example.test:2525", "MUNIMENT_MAIL_SECURITY": "tls"},
         ("m.example.test", 2525, "tls")),
        ({"MUNIMENT_MAIL_SERVER": "localhost", "MUNIMENT_MAIL_SECURITY": "none"},
         ("localhost", 25, "none")),
    ],
)  # fmt: skip
def test_a_server_is_read(variables, found):
    assert mail.read(read(variables)) == mail.Mail(*found)


@pytest.mark.parametrize(
    "variables",
    [
        {"MUNIMENT_MAIL_SERVER": "mail.example.test:0"},
        {"MUNIMENT_MAIL_SERVER": ":25"},
        {"MUNIMENT_MAIL_SECURITY": "ssl"},
        {"MUNIMENT_MAIL_SERVER": "mail.example.test", "MUNIMENT_MAIL_SECURITY": "none"},
        {"MUNIMENT_MAIL_PASSWORD": "secret"},
    ],
)
def test_a_server_that_would_be_spoken_to_openly_or_not_at_all_stops_the_start(variables):
    with pytest.raises(SettingError, match="MUNIMENT_MAIL"):
        mail.read(read(variables))


def test_nobody_is_written_to_unless_a_server_is_named():
    assert not Environment().MUNIMENT_MAIL_SERVER
