"""What people fill in about items and cases, and who works on a case."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from evidence.forms import fields
from evidence.models.case import Case, CaseMembership
from evidence.models.item import EvidenceItem


class DescriptionForm(forms.Form):
    """What is said of an item as a whole, and why it is corrected."""

    title = forms.CharField(max_length=300, label=_("Title"))
    description = fields.area(label=_("Description"))
    source = forms.ChoiceField(label=_("Source"), required=False)
    authored_text = fields.line(
        max_length=100,
        label=_("Made"),
        help_text=_("As known: 2025-01-11, 2025-01~, 2025-01-09/2025-01-11."),
    )
    authored_basis = fields.choice(EvidenceItem.TimeBasis, label=_("What the time rests on"))
    place_text = fields.line(label=_("Place"))
    place_basis = fields.choice(EvidenceItem.PlaceBasis, label=_("What the place rests on"))
    languages = fields.line(max_length=100, label=_("Languages"), help_text=fields.LANGUAGES)
    reason = fields.area(label=_("Why"), required=True, max_length=2_000)
    seen = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def __init__(self, *args: Any, sources: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["source"]
        if isinstance(choice, forms.ChoiceField):
            choice.choices = [("", _("Not known")), *sources]


class TogetherForm(forms.Form):
    """What is to stand of several items; what is left empty stays as it is."""

    source = forms.ChoiceField(label=_("Source"), required=False)
    authored_text = fields.line(max_length=100, label=_("Made"))
    authored_basis = forms.ChoiceField(
        label=_("What the time rests on"),
        required=False,
        choices=[("", _("As it is")), *EvidenceItem.TimeBasis.choices],
    )
    place_text = fields.line(label=_("Place"))
    place_basis = forms.ChoiceField(
        label=_("What the place rests on"),
        required=False,
        choices=[("", _("As it is")), *EvidenceItem.PlaceBasis.choices],
    )
    languages = fields.line(max_length=100, label=_("Languages"), help_text=fields.LANGUAGES)

    def __init__(self, *args: Any, sources: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["source"]
        if isinstance(choice, forms.ChoiceField):
            choice.choices = [("", _("As it is")), *sources]


_OF_A_CASE = (
    "reference",
    "title",
    "description",
    "status",
    "legal_basis",
    "default_level",
    "retention_rule",
    "room_gib",
)


class CaseForm(forms.ModelForm):  # type: ignore[type-arg]  # none at run time
    """A case that is opened."""

    class Meta:
        model = Case
        fields = _OF_A_CASE


class CaseChangeForm(forms.ModelForm):  # type: ignore[type-arg]  # none at run time
    """What of a case may be changed: its reference and its least level stand."""

    class Meta:
        model = Case
        fields = tuple(name for name in _OF_A_CASE if name not in {"reference", "default_level"})


class MembershipForm(forms.Form):
    """Who has which role in a case, until when."""

    username = forms.CharField(max_length=150, label=_("Username"))
    role = fields.choice(CaseMembership.Role, label=_("Role"))
    until = forms.DateTimeField(label=_("Until (UTC)"), required=False)
