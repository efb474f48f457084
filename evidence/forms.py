"""What people fill in about statements, documents, persons, claims and protection."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile

from archive.proof import notes
from archive.proof.errors import MalformedError
from evidence import dates, places, releasing, selecting, testimony
from evidence.chronology import LANES
from evidence.models.assessment import (
    Confidence,
    Credibility,
    Method,
    Reliability,
    Standing,
)
from evidence.models.claim import Bearing, ClaimKind, PositionBasis
from evidence.models.identity_document import Authenticity, DocumentType, HolderRelation
from evidence.models.item import EvidenceItem
from evidence.models.levels import MARKER_MINIMA, Level
from evidence.models.person import FactKind, ProtectedStatus
from evidence.models.release import RecipientClass
from evidence.models.statement import Answer, Form, Interest, Mode

_AREA = {"rows": 2}
_NOT_SAID = ("", "Not said")
_ENCIPHERED = "Kept enciphered, not shown again. Empty: it stays as it was."
_LANGUAGES = "A tag: ko Korean, uk Ukrainian, ru Russian, en English."


def _area(**more: Any) -> forms.CharField:
    return forms.CharField(
        widget=forms.Textarea(attrs=_AREA), **{"required": False, "max_length": 20_000, **more}
    )


def _line(**more: Any) -> forms.CharField:
    return forms.CharField(**{"required": False, "max_length": 300, **more})


def _choice(choices: Any, **more: Any) -> forms.ChoiceField:
    return forms.ChoiceField(choices=choices.choices, **{"required": True, **more})


def _choice_or_not(choices: Any, **more: Any) -> forms.ChoiceField:
    return forms.ChoiceField(choices=[_NOT_SAID, *choices.choices], **{"required": False, **more})


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


def _date(**more: Any) -> forms.CharField:
    return _line(
        max_length=dates.LONGEST,
        validators=[_must_be_a_date],
        help_text="Such as 2025-01-11T18:00+02:00, 2025-01~ or 2025-01-09/2025-01-11.",
        **more,
    )


def _position(**more: Any) -> forms.CharField:
    return _line(
        max_length=places.LONGEST,
        validators=[_must_be_a_position],
        help_text="Such as 51.73 N, 36.19 E.",
        **more,
    )


def _language(**more: Any) -> forms.CharField:
    return _line(max_length=40, help_text=_LANGUAGES, **more)


class StatementForm(forms.Form):
    """Who stated it, in which form, under which circumstances."""

    form = _choice(Form, label="Form", initial=Form.ORAL)
    reason_for_form = _area(
        label="Why in this form",
        help_text="Such as: wrote because an injured jaw keeps him from speaking.",
    )
    declarant = _line(
        label="Who states it",
        max_length=60,
        help_text="A pseudonym of this case. A new one is added to the case's persons.",
        widget=forms.TextInput(attrs={"list": "pseudonyms", "autocomplete": "off"}),
    )
    protected_status = _choice(
        ProtectedStatus,
        label="If new: protected as",
        required=False,
        initial=ProtectedStatus.UNKNOWN,
    )
    declarant_note = _line(
        label="If it is not known who of several: who may it be", max_length=1_000
    )
    language_original = _language(label="Language in which it was said or written")
    in_custody = _choice(Answer, label="In custody at the time", initial=Answer.UNKNOWN)
    detaining_authority = _line(
        label="Detaining authority", widget=forms.TextInput(attrs={"list": "parties"})
    )
    place = _line(label="Where")
    began_at = _date(label="Began")
    ended_at = _date(label="Ended")
    persons_present = _area(
        label="Persons present", help_text="A line each: who, and after a comma in which role."
    )
    declarant_condition = _area(
        label="Condition of the declarant",
        help_text="Medical; kept enciphered and not shown again. Empty: it stays as it was.",
    )
    rights_informed = _choice(Answer, label="Told their rights", initial=Answer.UNKNOWN)
    information_beyond_art17 = _choice(
        Answer,
        label="Says more than article 17 asks",
        initial=Answer.UNKNOWN,
        help_text="Prisoners of war owe name, rank, date of birth and service number only.",
    )
    coercion_indicators = _area(label="Signs of coercion")
    consent_to_record = _choice(Answer, label="Agreed to be recorded", initial=Answer.UNKNOWN)
    consent_to_publish = _choice(Answer, label="Agreed to publication", initial=Answer.UNKNOWN)
    signatures = _area(
        label="Signatures",
        help_text="A line each: who, signed or refused or unable or not requested, and why.",
    )
    consistency_note = _area(label="How it fits earlier statements")
    original_not_available = _area(
        label="If its own words are not held: why", help_text="Such as: only retold by the press."
    )

    #: What is enciphered, and not shown again: left empty, it stays as it was.
    KEPT = ("declarant_condition",)
    #: What is shown at once; the rest is folded, in the order of the fields.
    FIRST = (
        "form",
        "reason_for_form",
        "declarant",
        "protected_status",
        "language_original",
        "in_custody",
        "detaining_authority",
    )

    def first(self) -> list[forms.BoundField]:
        return [self[name] for name in self.FIRST]

    def rest(self) -> list[forms.BoundField]:
        return [field for field in self if field.name not in self.FIRST]

    def rest_is_wrong(self) -> bool:
        return any(field.errors for field in self.rest())


class StepForm(forms.Form):
    """One interpreter, translator or transcriber."""

    mode = _choice(Mode, label="How", initial=Mode.CONSECUTIVE)
    mediator = _line(label="Who", help_text="The name is kept enciphered.")
    affiliation = _line(label="Of which side", widget=forms.TextInput(attrs={"list": "parties"}))
    affiliation_interest = _choice(Interest, label="Its interest", initial=Interest.UNKNOWN)
    from_language = _language(label="From")
    to_language = _language(label="To")
    read_back_to_declarant = _choice(
        Answer, label="Read back to the declarant", initial=Answer.UNKNOWN
    )
    qualification = _line(label="Qualification, oath")

    def is_given(self) -> bool:
        """Say whether anything tells that there was such a step."""
        return self.has_changed()


class PassageForm(forms.Form):
    """A passage: where it is, as said, and as the last step of the chain gives it."""

    where = _line(label="Where", max_length=60)
    original = _area(label="As said or written")
    translated = _area(label="As mediated")

    def clean_where(self) -> dict[str, int]:
        try:
            return testimony.place_of(self.cleaned_data["where"])
        except testimony.UnclearError as error:
            raise forms.ValidationError(str(error)) from error


class RowClaimForm(forms.Form):
    """A claim that rests on one of the passages."""

    text = _area(label="What is claimed", max_length=2_000)
    kind = _choice(ClaimKind, label="Of what kind", initial=ClaimKind.OTHER)
    passage = forms.IntegerField(label="From passage", min_value=1, required=False)
    about = _line(
        label="About", max_length=60, widget=forms.TextInput(attrs={"list": "pseudonyms"})
    )


StepForms = forms.formset_factory(StepForm, extra=1, max_num=20, absolute_max=20)
PassageForms = forms.formset_factory(PassageForm, extra=3, max_num=500, absolute_max=500)
RowClaimForms = forms.formset_factory(RowClaimForm, extra=3, max_num=100, absolute_max=100)


class LayerForm(forms.Form):
    """The words of one passage at one layer, written or corrected."""

    segment = forms.UUIDField(widget=forms.HiddenInput)
    layer = forms.ChoiceField(label="Layer")
    language = _language(label="Language", required=False)
    text = _area(label="Words", required=True)

    def __init__(self, *args: Any, layers: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = self.fields["layer"]
        if isinstance(chosen, forms.ChoiceField):
            chosen.choices = layers


class DocumentForm(forms.Form):
    """What a document says, who carried it, whose it is."""

    #: What is enciphered, and not shown again: left empty, it stays as it was.
    KEPT = (
        "inscribed_name",
        "inscribed_birth",
        "inscribed_birthplace",
        "transliteration",
        "document_number",
    )

    document_type = _choice(DocumentType, label="What it purports to be")
    issuing_state = _line(label="Issuing state", max_length=60)
    issuing_authority = _line(label="Issuing authority", max_length=200)
    inscribed_name = _line(label="Name as printed", help_text=_ENCIPHERED)
    inscribed_birth = _line(label="Date of birth as printed", max_length=60, help_text=_ENCIPHERED)
    inscribed_birthplace = _line(label="Place of birth as printed", help_text=_ENCIPHERED)
    script = _line(label="Script", max_length=40, help_text="Such as Cyrl, Hang, Latn.")
    transliteration = _line(label="Transliterated", help_text=_ENCIPHERED)
    transliteration_scheme = _line(label="By which scheme", max_length=100)
    document_number = _line(label="Number", max_length=100, help_text=_ENCIPHERED)
    issue_date = _line(label="Issued", max_length=60)
    expiry_date = _line(label="Expires", max_length=60)
    bearer = _line(
        label="Who carried it",
        max_length=60,
        widget=forms.TextInput(attrs={"list": "pseudonyms", "autocomplete": "off"}),
    )
    bearer_note = _line(label="If it is not known who of several: who may it be", max_length=1_000)
    rightful_holder = _line(
        label="Whose it is rightfully",
        max_length=60,
        widget=forms.TextInput(attrs={"list": "pseudonyms", "autocomplete": "off"}),
    )
    rightful_holder_note = _line(label="About the rightful holder", max_length=1_000)
    found_when = _line(label="Found when", max_length=60)
    found_where = _line(label="Found where")
    found_by = _line(label="Found by", widget=forms.TextInput(attrs={"list": "parties"}))
    physical_condition = _area(label="Physical condition")


class AssessmentForm(forms.Form):
    """A judgement, on two axes that are each taken by itself."""

    status = _choice(Standing, label="How far it is supported", initial=Standing.UNASSESSED)
    source_reliability = _choice(Reliability, label="Reliability of the source", initial="F")
    information_credibility = _choice(Credibility, label="Credibility of what it says", initial="6")
    method = _choice(Method, label="How it was assessed")
    confidence = _choice(Confidence, label="How sure you are", initial=Confidence.LOW)
    rationale = _area(label="Why", required=True)


class DocumentAssessmentForm(AssessmentForm):
    """A judgement of a document: whether it is genuine, and what its bearer is to it."""

    authenticity = forms.ChoiceField(
        label="Authenticity",
        required=False,
        choices=[("", "Not judged now"), *Authenticity.choices],
    )
    holder_relation = forms.ChoiceField(
        label="Bearer and inscribed identity",
        required=False,
        choices=[("", "Not judged now"), *HolderRelation.choices],
    )
    field_order = ["authenticity", "holder_relation"]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if not said.get("authenticity") and not said.get("holder_relation"):
            raise forms.ValidationError("Judge the document, its bearer, or both.")
        return said


class ClaimForm(forms.Form):
    """A claim, with who makes it and who reports it."""

    text = _area(label="What is claimed", required=True, max_length=2_000)
    kind = _choice(ClaimKind, label="Of what kind", initial=ClaimKind.OTHER)
    item = forms.ModelChoiceField(
        label="Asserted in", queryset=EvidenceItem.objects.none(), required=False
    )
    locator = _line(label="Where in it", max_length=200)
    about = _line(
        label="About", help_text="A pseudonym of the case, or in words.",
        widget=forms.TextInput(attrs={"list": "pseudonyms"}),
    )  # fmt: skip
    made_by = _line(
        label="Who claims it", help_text="A pseudonym, or a party.",
        widget=forms.TextInput(attrs={"list": "everybody"}),
    )  # fmt: skip
    reported_by = _line(
        label="Who reports it", help_text="Several with semicolons, nearest to the maker first.",
        widget=forms.TextInput(attrs={"list": "parties"}),
    )  # fmt: skip
    asserted_at = _date(label="Asserted when")
    happened_at = _date(label="When it happened, as claimed")
    happened_where = _line(label="Where it happened, as claimed")
    position = _position(label="Its position on the map")
    position_within_m = forms.IntegerField(
        label="Give or take, in metres", required=False, min_value=1, max_value=20_000_000
    )
    position_basis = _choice_or_not(PositionBasis, label="What the position rests on")

    def __init__(self, *args: Any, items: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["item"]
        if isinstance(choice, forms.ModelChoiceField):
            choice.queryset = items


class EvidenceForm(forms.Form):
    """An item that speaks for or against a claim."""

    item = forms.ModelChoiceField(label="Item", queryset=EvidenceItem.objects.none())
    bearing = _choice(Bearing, label="It")
    independence_group = _line(
        label="Origin",
        max_length=100,
        help_text="Empty: its source's. Items of one origin count once.",
    )
    note = _area(label="In what respect")

    def __init__(self, *args: Any, items: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["item"]
        if isinstance(choice, forms.ModelChoiceField):
            choice.queryset = items


class PersonForm(forms.Form):
    """Somebody, under a pseudonym."""

    pseudonym = forms.CharField(max_length=60, label="Pseudonym")
    protected_status = _choice(ProtectedStatus, label="Protected as")
    status_since = _line(label="Since", max_length=60)
    risk_note = _area(label="What endangers them", help_text="Kept enciphered.")
    note = _area(label="What is not known of them")


class FactForm(forms.Form):
    """A fact of an identity; enciphered."""

    kind = _choice(FactKind, label="What it is")
    value = forms.CharField(max_length=300, label="As asserted")
    verification = _line(label="How it was verified")


class ProtectionForm(forms.Form):
    """A level and markers, with a reason."""

    level = _choice(Level, label="Level of this item")
    markers = forms.MultipleChoiceField(
        label="Markers",
        required=False,
        choices=[
            (marker, f"{marker.replace('_', ' ')} (at least {least.label.lower()})")
            for marker, least in MARKER_MINIMA.items()
        ],
        widget=forms.CheckboxSelectMultiple,
    )
    reason = _area(label="Why", required=True, max_length=2_000)


class ReleaseForm(forms.Form):
    """To whom, and what for."""

    recipient = forms.CharField(max_length=300, label="To whom", help_text="Kept enciphered.")
    recipient_class = _choice(RecipientClass, label="They are")
    profile = forms.ChoiceField(
        label="How much leaves",
        required=False,
        choices=[
            ("", "As usual: redacted for media and the public, everything for the others"),
            *((one.name, one.label) for one in selecting.PROFILES.values()),
        ],
    )
    purpose = _area(label="What for", required=True, max_length=2_000)
    consent_note = _area(
        label="Consent",
        help_text="Who agreed to what. Consent given in captivity lifts no protection by itself.",
    )

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if not said.get("profile"):
            to_everybody = said.get("recipient_class") in releasing.EVERYBODY
            said["profile"] = "journalist" if to_everybody else "full"
        return said


class ReleaseDecisionForm(forms.Form):
    """Why it is authorised or refused, and under which conditions."""

    reason = _area(label="Why", required=True, max_length=2_000)
    conditions = _area(label="Conditions", help_text="Such as: faces and voices are not published.")
    public_interest = _area(
        label="Compelling public interest",
        help_text="Needed where a prisoner can be recognised (Geneva Convention III, article 13).",
    )
    authority = _line(label="Authority, with its number")
    valid_until = forms.DateTimeField(
        label="Valid until (UTC)",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )


class RevocationForm(forms.Form):
    """Why a release is taken back."""

    reason = _area(label="Why", required=True, max_length=2_000)


class ReceiptForm(forms.Form):
    """What the recipient says arrived."""

    sha256 = forms.CharField(
        label="SHA-256 that the recipient worked out", max_length=80, min_length=64
    )
    acknowledged_by = forms.CharField(label="Who says so", max_length=300)
    note = _area(label="Note")


class RedactionForm(forms.Form):
    """What is hidden in a rendition."""

    regions = forms.CharField(required=False, max_length=200_000, widget=forms.HiddenInput)
    sound = forms.ChoiceField(
        label="Sound",
        choices=[
            ("mute", "Without sound (a voice identifies)"),
            ("lower", "Voices lower"),
            ("keep", "As it is"),
        ],
        help_text="A lowered voice can be raised again: mute it where that matters.",
    )
    phrases = _area(label="Passages of a text that go", help_text="A line each.")
    reason = _area(label="What is hidden, and why", required=True, max_length=2_000)

    def clean_regions(self) -> list[dict[str, int | str]]:
        """Read the regions that were drawn: thousandths of the picture, and moments."""
        try:
            said = json.loads(self.cleaned_data["regions"] or "[]")
            return [_region(one) for one in said]
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise forms.ValidationError("The regions can't be read. Draw them anew.") from error


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
        raise ValueError("across")
    if not (0 <= int(region["top"]) < int(region["bottom"]) <= 1000):
        raise ValueError("down")
    return region


class TimelineForm(forms.Form):
    """Which stretch of time to show, and which kinds of happenings.

    Cleaned, an end is the first or the last moment that its text may mean, in UTC.
    """

    since = _date(label="From")
    until = _date(label="To")
    show = forms.MultipleChoiceField(
        label="Show",
        required=False,
        choices=list(LANES.items()),
        widget=forms.CheckboxSelectMultiple,
    )

    def clean_since(self) -> datetime | None:
        text = self.cleaned_data["since"]
        return dates.read(text).earliest if text else None

    def clean_until(self) -> datetime | None:
        text = self.cleaned_data["until"]
        return dates.read(text).latest if text else None


class ImportForm(forms.Form):
    """Another archive's bundle, and whose word counts."""

    bundle = forms.FileField(
        label="The bundle, a ZIP file",
        help_text="For one of many gigabytes: manage.py import_bundle on the server.",
    )
    keys = _area(
        label="Keys of archives you trust, one a line",
        help_text="Got on paper or in another way than the bundle. Without the signer's, it is"
        " recorded that nobody knows who made it.",
    )
    level = _choice(
        Level,
        initial=Level.INTERNAL,
        label="Least level of its items",
        help_text="An item that had a higher one keeps it.",
    )

    def clean_bundle(self) -> UploadedFile[Any]:
        """Return the file, if it is not longer than any upload may be."""
        brought: UploadedFile[Any] = self.cleaned_data["bundle"]
        if brought.size is not None and brought.size > settings.MAX_UPLOAD:
            raise ValidationError("It is longer than an upload may be; use the command.")
        return brought

    def clean_keys(self) -> tuple[str, ...]:
        """Return the keys, each a verifier key."""
        keys = tuple(line.strip() for line in self.cleaned_data["keys"].splitlines())
        for key in filter(None, keys):
            try:
                notes.parse_vkey(key)
            except MalformedError as error:
                raise ValidationError(f"{key[:80]!r} is no verifier key: {error}.") from error
        return tuple(filter(None, keys))
