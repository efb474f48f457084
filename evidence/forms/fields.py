"""Fields that many forms share: texts, choices, dates, positions and languages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from evidence import dates, places

AREA = {"rows": 2}
NOT_SAID = ("", _("Not said"))
ALL = ("", _("All"))
ENCIPHERED = _("Kept enciphered, not shown again. Empty: it stays as it was.")
LANGUAGES = _("A tag: ko Korean, uk Ukrainian, ru Russian, en English.")


def area(**more: Any) -> forms.CharField:
    return forms.CharField(
        widget=forms.Textarea(attrs=AREA), **{"required": False, "max_length": 20_000, **more}
    )


def line(**more: Any) -> forms.CharField:
    return forms.CharField(**{"required": False, "max_length": 300, **more})


def choice(choices: Any, **more: Any) -> forms.ChoiceField:
    return forms.ChoiceField(choices=choices.choices, **{"required": True, **more})


def choice_or_not(choices: Any, **more: Any) -> forms.ChoiceField:
    return forms.ChoiceField(choices=[NOT_SAID, *choices.choices], **{"required": False, **more})


def choice_or_all(choices: Any, **more: Any) -> forms.ChoiceField:
    return forms.ChoiceField(choices=[ALL, *choices.choices], **{"required": False, **more})


def day(**more: Any) -> forms.DateField:
    return forms.DateField(
        required=False, widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"), **more
    )


def _must_be_a_date(text: str) -> None:
    try:
        dates.read(text)
    except dates.UnreadableDateError as error:
        raise ValidationError(str(error)) from error


def _must_be_a_position(text: str) -> None:
    try:
        places.read(text)
    except places.UnreadablePlaceError as error:
        raise ValidationError(str(error)) from error


def date(**more: Any) -> forms.CharField:
    return line(
        max_length=dates.LONGEST,
        validators=[_must_be_a_date],
        help_text=_("Such as 2025-01-11T18:00+02:00, 2025-01~ or 2025-01-09/2025-01-11."),
        **more,
    )


def position(**more: Any) -> forms.CharField:
    return line(
        max_length=places.LONGEST,
        validators=[_must_be_a_position],
        help_text=_("Such as 51.73 N, 36.19 E."),
        **more,
    )


def language(**more: Any) -> forms.CharField:
    return line(max_length=40, help_text=LANGUAGES, **more)
