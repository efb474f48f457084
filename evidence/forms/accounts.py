"""What people fill in about their own account: mails and tokens."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from evidence.models.token import Scope


class NoticeForm(forms.Form):
    """Where to write to that something waits."""

    address = forms.EmailField(
        label=_("Mail address"),
        max_length=254,
        help_text=_("One whose mailbox may show that you work with this archive."),
    )


class TokenForm(forms.Form):
    """A token for a program: where it is used, what for, how long."""

    label = forms.CharField(
        max_length=100, label=_("Name"), help_text=_("Where it is used: “laptop in Sumy”.")
    )
    scopes = forms.MultipleChoiceField(
        label=_("What it is for"),
        choices=Scope.choices,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("It never opens more than your own roles do."),
    )
    days = forms.IntegerField(label=_("Days until it ends"), initial=90, min_value=1, max_value=366)
