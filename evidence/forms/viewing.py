"""What people choose to see of a case."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

from django import forms
from django.utils.translation import gettext_lazy as _

from evidence import dates, presenting, searching
from evidence.chronology import LANES
from evidence.forms import fields
from evidence.models.item import EvidenceItem
from evidence.models.levels import Level
from evidence.narrowing import Narrowing
from evidence.relating import Link


class NarrowingForm(forms.Form):
    """Which items of a case to look at; every view of a case has these filters in its address."""

    q = fields.line(label=_("Words"), max_length=300)
    kind = fields.choice_or_all(EvidenceItem.Kind, label=_("Kind"))
    level = fields.choice_or_all(Level, label=_("Level"))
    received_since = fields.day(label=_("Received from (UTC)"))
    received_until = fields.day(label=_("Received to (UTC)"))

    @property
    def shared(self) -> list[forms.BoundField]:
        """Return the fields that every view has."""
        return [self[name] for name in NarrowingForm.base_fields]

    def narrowing(self) -> Narrowing:
        """Return what is asked for; of what can't be read, nothing."""
        said = self.cleaned_data if self.is_valid() else {}
        since, until = (said.get(f"received_{end}") for end in ("since", "until"))
        return Narrowing(
            q=said.get("q", ""),
            kind=said.get("kind", ""),
            level=said.get("level", ""),
            received_since=presenting.midnight(since.isoformat()) if since else None,
            received_until=presenting.midnight(until.isoformat(), after=1) if until else None,
        )

    @property
    def most_found(self) -> str:
        """Return how many items words find at most; nothing where no words are given."""
        return f"{searching.MOST:,}" if self.narrowing().q.strip() else ""

    @property
    def query(self) -> str:
        """Return the shared filters as they stand in an address, to go from view to view."""
        return self._query({})

    @property
    def list_query(self) -> str:
        """Return them as the list of items has them in its address."""
        return self._query({"kind": "kind__exact", "level": "effective_level__exact"})

    def _query(self, names: dict[str, str]) -> str:
        given = {name: self.data.get(name, "") for name in NarrowingForm.base_fields}
        if not self.is_valid():
            return ""
        return urlencode({names.get(name, name): text for name, text in given.items() if text})


class RelationsForm(NarrowingForm):
    """Whose relations to show, and of which kinds."""

    who = forms.UUIDField(required=False, widget=forms.HiddenInput)
    link = forms.MultipleChoiceField(
        label=_("Show"),
        required=False,
        choices=Link.choices,
        widget=forms.CheckboxSelectMultiple,
    )


class TimelineForm(NarrowingForm):
    """Which stretch of time to show, and which kinds of happenings.

    Cleaned, an end is the first or the last moment that its text may mean, in UTC.
    """

    since = fields.date(label=_("From"))
    until = fields.date(label=_("To"))
    show = forms.MultipleChoiceField(
        label=_("Show"),
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
