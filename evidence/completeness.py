"""What the Berkeley Protocol asks of a collection and an item, and nobody has said.

What is missing is listed, on the item and in a bundle, never hidden and never filled in.  A thing
that nobody can know any more is said in the acquisition's known gaps; it stays on the list.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from evidence import dates, identifying, testimony
from evidence.models.acquisition import Acquisition
from evidence.models.item import EvidenceItem

Kind = EvidenceItem.Kind
Method = Acquisition.Method
#: Ways of acquiring in which an address, and what stood there, belong to the collection data.
ONLINE = frozenset({Method.DOWNLOAD, Method.SCREEN_CAPTURE, Method.WEB_ARCHIVE})
HANDED_OVER = frozenset(
    {
        Method.RECEIVED_FROM_PERSON,
        Method.RECEIVED_FROM_ORGANISATION,
        Method.TRANSFER_FROM_ARCHIVE,
    }
)
#: Kinds that are of somebody's words.
SPOKEN = frozenset({Kind.STATEMENT})


@dataclass(frozen=True)
class Missing:
    """Something that is not known: of what, and what."""

    of: str
    what: str

    def __str__(self) -> str:
        return f"{self.of}: {self.what}"


def missing(item: EvidenceItem) -> list[Missing]:
    """Return what is not said of an item that its kind and its acquisition ask for."""
    acquisitions = list(item.acquisitions.all())
    found = [Missing(_("Item"), what) for what in _of_item(item)]
    if not acquisitions:
        found.append(Missing(_("Acquisition"), _("how it came to be held")))
    for one in acquisitions:
        found += [Missing(_("Acquisition"), what) for what in _of_acquisition(one)]
    if item.kind in SPOKEN:
        found += [Missing(_("Statement"), what) for what in _of_statement(item)]
    if item.kind == Kind.IDENTITY_DOCUMENT:
        found += [Missing(_("Document"), what) for what in _of_document(item)]
    return found


def _of_item(item: EvidenceItem) -> Iterator[str]:
    if item.source is None:
        yield _("its source")
    if not item.authored_text:
        yield _("when it was made")
    elif dates.read_or_none(item.authored_text) is None:
        yield _("when it was made, as a date that can be read")
    elif item.authored_basis == EvidenceItem.TimeBasis.UNKNOWN:
        yield _("what the time of its making rests on")
    if not item.place_text and item.latitude is None:
        yield _("where it was made")
    elif item.place_basis == EvidenceItem.PlaceBasis.UNKNOWN:
        yield _("what its place rests on")
    if not item.languages:
        yield _("its languages")


def _of_acquisition(one: Acquisition) -> Iterator[str]:
    if one.method == Method.UNKNOWN:
        yield _("by which way it was acquired")
    if one.acquired_by is None:
        yield _("who acquired it")
    if not one.acquired_at_text and one.acquired_at is None:
        yield _("when it was acquired")
    elif one.tz_basis in {Acquisition.TimeZoneBasis.UNKNOWN, Acquisition.TimeZoneBasis.ASSUMED}:
        yield _("the zone of the time at which it was acquired")
    if one.clock_source == Acquisition.Clock.UNKNOWN:
        yield _("which clock told the time, and whether it was synchronised")
    if one.hash_computed_by != "collector":
        yield _("a digest made at the point of collection")
    if not one.authority:
        yield _("on which authority it was collected")
    yield from _of_its_way(one)


def _of_its_way(one: Acquisition) -> Iterator[str]:
    """Yield what its method of acquisition asks for."""
    if one.method in ONLINE and not one.url:
        yield _("the address that it came from")
    if one.method in ONLINE and not one.context_note:
        yield _("what stood around it: uploader, thread, comments")
    if one.method in HANDED_OVER and one.provided_by is None:
        yield _("who handed it over")


def _of_statement(item: EvidenceItem) -> Iterator[str]:
    said = testimony.standing(item)
    one = said.statement
    if one is None:
        yield _("its form and circumstances")
        return
    if one.declarant is None and one.declarant_agent is None:
        yield _("who stated it")
    if not one.language_original:
        yield _("the language in which it was given")
    if not one.place or not one.began_at:
        yield _("where and when it was given")
    if not one.persons_present:
        yield _("who was present")
    if one.rights_informed == "unknown":
        yield _("whether rights were told")
    if not one.signatures:
        yield _("who signed, and who did not and why")
    if not said.passages and not one.original_not_available:
        yield _("its words, or why they are not held")
    if any(step.read_back_to_declarant == "unknown" for step in said.steps):
        yield _("whether it was read back to the declarant")


def _of_document(item: EvidenceItem) -> Iterator[str]:
    found = identifying.standing(item)
    if found.said is None:
        yield _("what it says and who carried it")
        return
    if found.said.bearer is None:
        yield _("who carried it")
    if not found.said.found_where or not found.said.found_when:
        yield _("where and when it was found")
    if found.said.found_by is None:
        yield _("who found it")
    if found.authenticity == "unassessed":
        yield _("an assessment of its authenticity")
