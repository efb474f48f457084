"""What people fill in about protection, profiles, releases and renditions."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from evidence import profiles, releasing
from evidence.forms import fields
from evidence.models.export_profile import Given, Part
from evidence.models.levels import MARKER_MINIMA, MARKER_WORDS, Level
from evidence.models.release import RecipientClass


class ProtectionForm(forms.Form):
    """A level and markers, with a reason."""

    level = fields.choice(Level, label=_("Level of this item"))
    markers = forms.MultipleChoiceField(
        label=_("Markers"),
        required=False,
        choices=[
            (
                marker,
                format_lazy(_("{marker} (at least: {level})"), marker=words, level=least.label),
            )
            for marker, least, words in (
                (marker, least, MARKER_WORDS[marker]) for marker, least in MARKER_MINIMA.items()
            )
        ],
        widget=forms.CheckboxSelectMultiple,
    )
    reason = fields.area(label=_("Why"), required=True, max_length=2_000)


def _usual_or_a_profile() -> list[tuple[str, Any]]:
    usual = _("As usual: redacted for media and the public, everything for the others")
    return [("", usual), *profiles.choices()]


class EmbargoForm(forms.Form):
    """Until when nothing leaves, on whose authority, and why."""

    until = forms.DateTimeField(
        label=_("Until (UTC)"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"})
    )
    authority = forms.CharField(
        max_length=300, label=_("On whose authority"), help_text=_("To whom it was promised.")
    )
    reason = fields.area(label=_("Why"), required=True, max_length=2_000)


class ProfileForm(forms.Form):
    """A version of an export profile: how much leaves, and what is left out."""

    name = forms.CharField(
        max_length=80,
        label=_("Name"),
        help_text=_("Everybody who asks for releases reads it: name no person and no case."),
    )
    sensitive = fields.choice(
        Given, label=_("Of what is restricted, sealed or shows prisoners"), initial=Given.REDACTED
    )
    other = fields.choice(Given, label=_("Of the rest"), initial=Given.WHOLE)
    leaves_out = forms.MultipleChoiceField(
        label=_("Left out of what leaves whole"),
        required=False,
        choices=Part.choices,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("The files themselves stay as they are, with what they hold."),
    )
    discloses = forms.BooleanField(
        label=_("With the names and notes of the custody entries"),
        required=False,
        help_text=_("Only where everything leaves."),
    )
    reason = fields.area(
        label=_("What it is for, or what changed"), required=True, max_length=2_000
    )


class WithdrawalForm(forms.Form):
    """Why a profile is withdrawn."""

    reason = fields.area(label=_("Why"), required=True, max_length=2_000)


class ReleaseForm(forms.Form):
    """To whom, and what for."""

    recipient = forms.CharField(max_length=300, label=_("To whom"), help_text=_("Kept enciphered."))
    recipient_class = fields.choice(RecipientClass, label=_("They are"))
    profile = forms.ChoiceField(
        label=_("How much leaves"),
        required=False,
        choices=_usual_or_a_profile,
    )
    purpose = fields.area(label=_("What for"), required=True, max_length=2_000)
    consent_note = fields.area(
        label=_("Consent"),
        help_text=_(
            "Who agreed to what. Consent given in captivity lifts no protection by itself."
        ),
    )

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if not said.get("profile"):
            to_everybody = said.get("recipient_class") in releasing.EVERYBODY
            said["profile"] = "journalist" if to_everybody else "full"
        return said


class ReleaseDecisionForm(forms.Form):
    """Why it is authorised or refused, and under which conditions."""

    reason = fields.area(label=_("Why"), required=True, max_length=2_000)
    conditions = fields.area(
        label=_("Conditions"), help_text=_("Such as: faces and voices are not published.")
    )
    public_interest = fields.area(
        label=_("Compelling public interest"),
        help_text=_(
            "Needed where a prisoner can be recognised (Geneva Convention III, article 13)."
        ),
    )
    authority = fields.line(label=_("Authority, with its number"))
    valid_until = forms.DateTimeField(
        label=_("Valid until (UTC)"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )


class RevocationForm(forms.Form):
    """Why a release is taken back."""

    reason = fields.area(label=_("Why"), required=True, max_length=2_000)


class ReceiptForm(forms.Form):
    """What the recipient says arrived."""

    sha256 = forms.CharField(
        label=_("SHA-256 that the recipient worked out"), max_length=80, min_length=64
    )
    acknowledged_by = forms.CharField(label=_("Who says so"), max_length=300)
    note = fields.area(label=_("Note"))


class RedactionForm(forms.Form):
    """What is hidden in a rendition."""

    regions = forms.CharField(required=False, max_length=200_000, widget=forms.HiddenInput)
    sound = forms.ChoiceField(
        label=_("Sound"),
        choices=[
            ("mute", _("Without sound (a voice identifies)")),
            ("lower", _("Voices lower")),
            ("keep", _("As it is")),
        ],
        help_text=_("A lowered voice can be raised again: mute it where that matters."),
    )
    phrases = fields.area(label=_("Passages of a text that go"), help_text=_("A line each."))
    reason = fields.area(label=_("What is hidden, and why"), required=True, max_length=2_000)

    def clean_regions(self) -> list[dict[str, int | str]]:
        """Read the regions that were drawn: thousandths of the picture, and moments."""
        try:
            said = json.loads(self.cleaned_data["regions"] or "[]")
            return [_region(one) for one in said]
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise forms.ValidationError(_("The regions can't be read. Draw them anew.")) from error


def _region(said: dict[str, Any]) -> dict[str, int | str]:
    """Return a region with the members that there are, in whole numbers."""
    region: dict[str, int | str] = {
        name: int(said[name]) for name in ("left", "top", "right", "bottom")
    }
    for name in ("from_ms", "until_ms", "page"):
        if said.get(name) is not None:
            region[name] = int(said[name])
    if said.get("style", "fill") not in {"fill", "blur"}:
        raise ValueError(said["style"])
    region["style"] = str(said.get("style", "fill"))
    if not (0 <= int(region["left"]) < int(region["right"]) <= 1000):
        raise ValueError(_("across"))
    if not (0 <= int(region["top"]) < int(region["bottom"]) <= 1000):
        raise ValueError(_("down"))
    return region
