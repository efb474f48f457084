"""What people fill in about statements, documents, persons and claims."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from evidence import testimony
from evidence.forms import fields
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
from evidence.models.person import FactKind, ProtectedStatus
from evidence.models.statement import Answer, Form, Interest, Mode


class StatementForm(forms.Form):
    """Who stated it, in which form, under which circumstances."""

    form = fields.choice(Form, label=_("Form"), initial=Form.ORAL)
    reason_for_form = fields.area(
        label=_("Why in this form"),
        help_text=_("Such as: wrote because an injured jaw keeps him from speaking."),
    )
    declarant = fields.line(
        label=_("Who states it"),
        max_length=60,
        help_text=_("A pseudonym of this case. A new one is added to the case's persons."),
        widget=forms.TextInput(attrs={"list": "pseudonyms", "autocomplete": "off"}),
    )
    protected_status = fields.choice(
        ProtectedStatus,
        label=_("If new: protected as"),
        required=False,
        initial=ProtectedStatus.UNKNOWN,
    )
    declarant_note = fields.line(
        label=_("If it is not known who of several: who may it be"), max_length=1_000
    )
    language_original = fields.language(label=_("Language in which it was said or written"))
    in_custody = fields.choice(Answer, label=_("In custody at the time"), initial=Answer.UNKNOWN)
    detaining_authority = fields.line(
        label=_("Detaining authority"), widget=forms.TextInput(attrs={"list": "parties"})
    )
    place = fields.line(label=_("Where"))
    began_at = fields.date(label=_("Began"))
    ended_at = fields.date(label=_("Ended"))
    persons_present = fields.area(
        label=_("Persons present"),
        help_text=_("A line each: who, and after a comma in which role."),
    )
    declarant_condition = fields.area(
        label=_("Condition of the declarant"),
        help_text=_("Medical; kept enciphered and not shown again. Empty: it stays as it was."),
    )
    rights_informed = fields.choice(Answer, label=_("Told their rights"), initial=Answer.UNKNOWN)
    information_beyond_art17 = fields.choice(
        Answer,
        label=_("Says more than article 17 asks"),
        initial=Answer.UNKNOWN,
        help_text=_("Prisoners of war owe name, rank, date of birth and service number only."),
    )
    coercion_indicators = fields.area(label=_("Signs of coercion"))
    consent_to_record = fields.choice(
        Answer, label=_("Agreed to be recorded"), initial=Answer.UNKNOWN
    )
    consent_to_publish = fields.choice(
        Answer, label=_("Agreed to publication"), initial=Answer.UNKNOWN
    )
    signatures = fields.area(
        label=_("Signatures"),
        help_text=_("A line each: who, signed or refused or unable or not requested, and why."),
    )
    consistency_note = fields.area(label=_("How it fits earlier statements"))
    original_not_available = fields.area(
        label=_("If its own words are not held: why"),
        help_text=_("Such as: only retold by the press."),
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

    mode = fields.choice(Mode, label=_("How"), initial=Mode.CONSECUTIVE)
    mediator = fields.line(label=_("Who"), help_text=_("The name is kept enciphered."))
    affiliation = fields.line(
        label=_("Of which side"), widget=forms.TextInput(attrs={"list": "parties"})
    )
    affiliation_interest = fields.choice(
        Interest, label=_("Its interest"), initial=Interest.UNKNOWN
    )
    from_language = fields.language(label=_("From"))
    to_language = fields.language(label=_("To"))
    read_back_to_declarant = fields.choice(
        Answer, label=_("Read back to the declarant"), initial=Answer.UNKNOWN
    )
    qualification = fields.line(label=_("Qualification, oath"))

    def is_given(self) -> bool:
        """Say whether anything tells that there was such a step."""
        return self.has_changed()


class PassageForm(forms.Form):
    """A passage: where it is, as said, and as the last step of the chain gives it."""

    where = fields.line(label=_("Where"), max_length=60)
    original = fields.area(label=_("As said or written"))
    translated = fields.area(label=_("As mediated"))

    def clean_where(self) -> dict[str, int]:
        try:
            return testimony.place_of(self.cleaned_data["where"])
        except testimony.UnclearError as error:
            raise forms.ValidationError(str(error)) from error


class RowClaimForm(forms.Form):
    """A claim that rests on one of the passages."""

    text = fields.area(label=_("What is claimed"), max_length=2_000)
    kind = fields.choice(ClaimKind, label=_("Of what kind"), initial=ClaimKind.OTHER)
    passage = forms.IntegerField(label=_("From passage"), min_value=1, required=False)
    about = fields.line(
        label=_("About"), max_length=60, widget=forms.TextInput(attrs={"list": "pseudonyms"})
    )


StepForms = forms.formset_factory(StepForm, extra=1, max_num=20, absolute_max=20)
PassageForms = forms.formset_factory(PassageForm, extra=3, max_num=500, absolute_max=500)
RowClaimForms = forms.formset_factory(RowClaimForm, extra=3, max_num=100, absolute_max=100)


class LayerForm(forms.Form):
    """The words of one passage at one layer, written or corrected."""

    segment = forms.UUIDField(widget=forms.HiddenInput)
    layer = forms.ChoiceField(label=_("Layer"))
    language = fields.language(label=_("Language"), required=False)
    text = fields.area(label=_("Words"), required=True)

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

    document_type = fields.choice(DocumentType, label=_("What it purports to be"))
    issuing_state = fields.line(label=_("Issuing state"), max_length=60)
    issuing_authority = fields.line(label=_("Issuing authority"), max_length=200)
    inscribed_name = fields.line(label=_("Name as printed"), help_text=fields.ENCIPHERED)
    inscribed_birth = fields.line(
        label=_("Date of birth as printed"), max_length=60, help_text=fields.ENCIPHERED
    )
    inscribed_birthplace = fields.line(
        label=_("Place of birth as printed"), help_text=fields.ENCIPHERED
    )
    script = fields.line(label=_("Script"), max_length=40, help_text=_("Such as Cyrl, Hang, Latn."))
    transliteration = fields.line(label=_("Transliterated"), help_text=fields.ENCIPHERED)
    transliteration_scheme = fields.line(label=_("By which scheme"), max_length=100)
    document_number = fields.line(label=_("Number"), max_length=100, help_text=fields.ENCIPHERED)
    issue_date = fields.line(label=_("Issued"), max_length=60)
    expiry_date = fields.line(label=_("Expires"), max_length=60)
    bearer = fields.line(
        label=_("Who carried it"),
        max_length=60,
        widget=forms.TextInput(attrs={"list": "pseudonyms", "autocomplete": "off"}),
    )
    bearer_note = fields.line(
        label=_("If it is not known who of several: who may it be"), max_length=1_000
    )
    rightful_holder = fields.line(
        label=_("Whose it is rightfully"),
        max_length=60,
        widget=forms.TextInput(attrs={"list": "pseudonyms", "autocomplete": "off"}),
    )
    rightful_holder_note = fields.line(label=_("About the rightful holder"), max_length=1_000)
    found_when = fields.line(label=_("Found when"), max_length=60)
    found_where = fields.line(label=_("Found where"))
    found_by = fields.line(label=_("Found by"), widget=forms.TextInput(attrs={"list": "parties"}))
    physical_condition = fields.area(label=_("Physical condition"))


class AssessmentForm(forms.Form):
    """A judgement, on two axes that are each taken by itself."""

    status = fields.choice(
        Standing, label=_("How far it is supported"), initial=Standing.UNASSESSED
    )
    source_reliability = fields.choice(
        Reliability, label=_("Reliability of the source"), initial="F"
    )
    information_credibility = fields.choice(
        Credibility, label=_("Credibility of what it says"), initial="6"
    )
    method = fields.choice(Method, label=_("How it was assessed"))
    confidence = fields.choice(Confidence, label=_("How sure you are"), initial=Confidence.LOW)
    rationale = fields.area(label=_("Why"), required=True)


class DocumentAssessmentForm(AssessmentForm):
    """A judgement of a document: whether it is genuine, and what its bearer is to it."""

    authenticity = forms.ChoiceField(
        label=_("Authenticity"),
        required=False,
        choices=[("", _("Not judged now")), *Authenticity.choices],
    )
    holder_relation = forms.ChoiceField(
        label=_("Bearer and inscribed identity"),
        required=False,
        choices=[("", _("Not judged now")), *HolderRelation.choices],
    )
    field_order = ["authenticity", "holder_relation"]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if not said.get("authenticity") and not said.get("holder_relation"):
            raise forms.ValidationError(_("Judge the document, its bearer, or both."))
        return said


class ClaimForm(forms.Form):
    """A claim, with who makes it and who reports it."""

    text = fields.area(label=_("What is claimed"), required=True, max_length=2_000)
    kind = fields.choice(ClaimKind, label=_("Of what kind"), initial=ClaimKind.OTHER)
    item = forms.ModelChoiceField(
        label=_("Asserted in"), queryset=EvidenceItem.objects.none(), required=False
    )
    locator = fields.line(label=_("Where in it"), max_length=200)
    about = fields.line(
        label=_("About"), help_text=_("A pseudonym of the case, or in words."),
        widget=forms.TextInput(attrs={"list": "pseudonyms"}),
    )  # fmt: skip
    made_by = fields.line(
        label=_("Who claims it"), help_text=_("A pseudonym, or a party."),
        widget=forms.TextInput(attrs={"list": "everybody"}),
    )  # fmt: skip
    reported_by = fields.line(
        label=_("Who reports it"),
        help_text=_("Several with semicolons, nearest to the maker first."),
        widget=forms.TextInput(attrs={"list": "parties"}),
    )  # fmt: skip
    asserted_at = fields.date(label=_("Asserted when"))
    happened_at = fields.date(label=_("When it happened, as claimed"))
    happened_where = fields.line(label=_("Where it happened, as claimed"))
    position = fields.position(label=_("Its position on the map"))
    position_within_m = forms.IntegerField(
        label=_("Give or take, in metres"), required=False, min_value=1, max_value=20_000_000
    )
    position_basis = fields.choice_or_not(PositionBasis, label=_("What the position rests on"))

    def __init__(self, *args: Any, items: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["item"]
        if isinstance(choice, forms.ModelChoiceField):
            choice.queryset = items


class EvidenceForm(forms.Form):
    """An item that speaks for or against a claim."""

    item = forms.ModelChoiceField(label=_("Item"), queryset=EvidenceItem.objects.none())
    bearing = fields.choice(Bearing, label=_("It"))
    independence_group = fields.line(
        label=_("Origin"),
        max_length=100,
        help_text=_("Empty: its source's. Items of one origin count once."),
    )
    note = fields.area(label=_("In what respect"))

    def __init__(self, *args: Any, items: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["item"]
        if isinstance(choice, forms.ModelChoiceField):
            choice.queryset = items


class PersonForm(forms.Form):
    """Somebody, under a pseudonym."""

    pseudonym = forms.CharField(max_length=60, label=_("Pseudonym"))
    protected_status = fields.choice(ProtectedStatus, label=_("Protected as"))
    status_since = fields.line(label=_("Since"), max_length=60)
    risk_note = fields.area(label=_("What endangers them"), help_text=_("Kept enciphered."))
    note = fields.area(label=_("What is not known of them"))


class FactForm(forms.Form):
    """A fact of an identity; enciphered."""

    kind = fields.choice(FactKind, label=_("What it is"))
    value = forms.CharField(max_length=300, label=_("As asserted"))
    verification = fields.line(label=_("How it was verified"))
