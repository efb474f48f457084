"""Mails that say that something waits, and never what: a mailbox is not ours to protect.

Only where an operator names a mail server, only to whom asked for it, at most every few hours, and
only when something waits of which the person was not told yet.
"""

from __future__ import annotations

import hashlib
import logging
import smtplib
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import EmailMessage
from django.utils import translation
from django.utils.translation import gettext as _

from evidence import desk
from evidence.models.notice import Notice

logger = logging.getLogger(__name__)
PAUSE = timedelta(hours=4)  # between two mails to one person


class MailError(Exception):
    """The mail server did not take a mail; the message says what to do."""


def is_on() -> bool:
    """Say whether an operator named a mail server."""
    return bool(settings.MAIL.host)


def want(user: User, *, address: str, language: str, now: datetime) -> Notice:
    """Tell ``user`` by mail from now on, and send the first one, which says so.

    Raises MailError when the server takes none; then nothing is kept.
    """
    if not is_on():
        raise MailError(_("No mail server is set up here; ask whoever runs this archive."))
    with translation.override(language):
        body = _("From now on you are told here when something waits for you.")
        _send(address, _("You are told here"), body)
    wanted, _made = Notice.objects.update_or_create(
        user=user,
        defaults={
            "address": address,
            "language": language,
            "told_of": _waiting(user, language, now=now),
            "told_at": now,
        },
    )
    return wanted


def end(user: User) -> None:
    """Tell ``user`` nothing more by mail, and forget the address."""
    Notice.objects.filter(user=user).delete()


def tell(*, now: datetime) -> int:
    """Write to everybody for whom something new waits; return how many mails were taken.

    A mail that is not taken is tried again the next time.
    """
    if not is_on():
        return 0
    sent = 0
    wishes = Notice.objects.select_related("user").filter(user__is_active=True, user__is_staff=True)
    for wish in wishes.exclude(told_at__gt=now - PAUSE):
        waits = _waiting(wish.user, wish.language, now=now)
        if not _is_news(waits, wish.told_of):
            # What is done may come again, and is news then.
            Notice.objects.filter(pk=wish.pk).update(told_of=waits)
            continue
        try:
            with translation.override(wish.language):
                _send(wish.address, _("Something waits for you"), _("Sign in to see what it is."))
        except MailError:
            logger.warning("A notice was not taken by the mail server; it is tried again.")
            continue
        Notice.objects.filter(pk=wish.pk).update(told_of=waits, told_at=now)
        sent += 1
    return sent


def _send(address: str, subject: str, words: str) -> None:
    lines = [
        words,
        *([settings.SITE] if settings.SITE else []),
        _("Nothing more stands in these mails. You end them where you asked for them."),
    ]
    mail = EmailMessage(
        subject,
        "\n\n".join(lines) + "\n",
        to=[address],
        headers={"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"},
    )
    try:
        mail.send()
    except (OSError, smtplib.SMTPException) as error:
        raise MailError(
            _("The mail server did not take a mail to this address: {error}").format(
                error=type(error).__name__
            )
        ) from error


def _waiting(user: User, language: str, *, now: datetime) -> dict[str, str]:
    with translation.override(language):
        return {
            hashlib.sha256((one.address or one.words).encode()).hexdigest(): one.number
            for one in desk.tasks(user, now=now)
        }


def _is_news(waits: dict[str, str], told: dict[str, str]) -> bool:
    for key, number in waits.items():
        before = told.get(key)
        if before is None:
            return True
        if number.isdigit() and before.isdigit() and int(number) > int(before):
            return True
    return False
