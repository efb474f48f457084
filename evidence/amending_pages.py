"""Pages on which what is said of items is corrected: of one, of several, from a spreadsheet."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from evidence import access, amending, choosing, forms, observing
from evidence.answering import item as _item
from evidence.answering import page as _page
from evidence.answering import said as _said
from evidence.answering import user as _user
from evidence.models.item import EvidenceItem

LARGEST = 5 * 2**20  # bytes of a table that is read back


@staff_member_required
@require_http_methods(["GET", "HEAD", "POST"])
def describe(request: HttpRequest, item: uuid.UUID) -> HttpResponse:
    """Correct what is said of an item; ``undo`` names the entry whose correction is taken back."""
    found, user = _item(request, item, "describe"), _user(request)
    seen, differences = amending.mark(found), []
    initial = {**amending.stands(found), "seen": seen}
    undone = request.GET.get("undo", "")
    if undone.isdecimal() and len(undone) < 16:
        initial.update(amending.before(found, int(undone)))
        initial["reason"] = _("Takes back the correction in entry {number}.").format(number=undone)
    form = forms.DescriptionForm(
        request.POST or None, initial=initial, sources=amending.sources(user)
    )
    if request.method == "POST" and form.is_valid():
        said = dict(form.cleaned_data)
        wish = amending.Wish(found, {name: said[name] for name in amending.FIELDS}, said["seen"])
        try:
            amending.amend([wish], reason=said["reason"], user=user, now=timezone.now())
        except amending.UnclearError as error:
            form.add_error(None, str(error))
        except amending.ChangedMeanwhileError as error:
            form.add_error(None, str(error))
            differences = error.differences
            # What was written stays in the boxes, beside what stands now.
            form.data = {**request.POST.dict(), "seen": amending.mark(error.item)}
        else:
            messages.success(request, _("Recorded; what stood before is kept in the history."))
            return redirect("admin:evidence_evidenceitem_change", found.pk)
    elif request.method != "POST":
        observing.seen(user, found, rendition="description", now=timezone.now())
    answer = _page(
        request,
        "admin/evidence/describe.html",
        _("Description of {number}").format(number=found.exhibit_number),
        item=found,
        form=form,
        differences=_shown(differences, user),
    )
    answer.status_code = 400 if form.errors else 200
    return answer


@staff_member_required
@require_http_methods(["GET", "HEAD", "POST"])
def describe_several(request: HttpRequest) -> HttpResponse:
    """Correct several items: say what is to stand, or bring a table; see the preview; record it."""
    user, act = _user(request), request.POST.get("act", "")
    given, carried = choosing.brought(request)
    too_many = len(given) > amending.MOST
    items = list(_chosen(request, given)) if given and not too_many else []
    form = forms.TogetherForm(
        request.POST if act == "preview" else None, sources=amending.sources(user)
    )
    wishes: list[amending.Wish] = []
    wrong = ""
    try:
        if too_many:
            amending.must_be_few(len(given))
        if act == "preview" and form.is_valid():
            wishes = _of_all(items, form.cleaned_data)
        elif act == "table":
            wishes = _of_table(request)
        elif act == "record":
            wishes = _sent_back(request)
            number = amending.amend(
                wishes, reason=_said(request, "reason"), user=user, now=timezone.now()
            )
            messages.success(request, _("Items corrected: {number}.").format(number=number))
            return redirect("admin:evidence_evidenceitem_changelist")
        amending.must_be_right(wishes, user)
    except (amending.UnclearError, amending.ChangedMeanwhileError) as error:
        wrong = str(error)
    changing = [one for one in wishes if one.differences]
    if wishes and not changing and not wrong:
        wrong = _("Nothing would change.")
    answer = _page(
        request,
        "admin/evidence/describe_several.html",
        _("Describe several items"),
        items=items,
        carried=carried,
        form=form,
        preview=[(one.item, _shown(one.differences, user)) for one in changing],
        rows=_sent(changing),
        unchanged=len(wishes) - len(changing),
        reason=_said(request, "reason"),
        wrong=wrong,
    )
    answer.status_code = 400 if wrong or form.errors else 200
    return answer


@staff_member_required
@require_GET
def table(request: HttpRequest) -> HttpResponse:
    """Send chosen items as a table to fill in and to bring back."""
    items = _chosen(request, choosing.brought(request)[0])
    observing.all_seen(_user(request), list(items), rendition="table", now=timezone.now())
    answer = HttpResponse(amending.as_table(items), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="items-{timezone.now():%Y%m%d}.csv"'
    return answer


def _chosen(request: HttpRequest, given: Sequence[str]) -> QuerySet[EvidenceItem]:
    """Return the items of these ids that the asker may describe, or raise the one 404."""
    user = _user(request)
    try:
        ids = {uuid.UUID(one) for one in given}
    except ValueError as error:
        raise Http404("No such item.") from error
    found = access.visible_to(user, "describe").filter(pk__in=ids)
    if not ids or len(ids) > amending.MOST or found.count() != len(ids):
        observing.refused(user, act="describe", what="item", now=timezone.now())
        raise Http404("No such item.")
    return found.select_related("case").order_by("exhibit_number")


def _of_all(items: list[EvidenceItem], said: dict[str, Any]) -> list[amending.Wish]:
    wanted = {name: value for name, value in said.items() if value}
    return [amending.Wish(one, wanted, amending.mark(one)) for one in items]


def _of_table(request: HttpRequest) -> list[amending.Wish]:
    brought = request.FILES.get("table")
    if brought is None:
        raise amending.UnclearError(_("Choose a file first."))
    if (brought.size or 0) > LARGEST:
        raise amending.UnclearError(_("The table is too long."))
    try:
        text = brought.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise amending.UnclearError(_("Save the table as CSV in UTF-8.")) from error
    return amending.from_table(text, access.visible_to(_user(request), "describe"))


def _sent(wishes: list[amending.Wish]) -> str:
    return json.dumps(
        [
            {
                "item": str(one.item.pk),
                "seen": one.seen,
                "wanted": {each.name: each.after for each in one.differences},
            }
            for one in wishes
        ],
        ensure_ascii=False,
    )


def _sent_back(request: HttpRequest) -> list[amending.Wish]:
    """Read the preview's rows again; every item and every value is looked at anew."""
    try:
        rows = json.loads(request.POST.get("rows", ""))
        found = {str(one.pk): one for one in _chosen(request, [row["item"] for row in rows])}
        wishes = [
            amending.Wish(
                found[str(uuid.UUID(row["item"]))],
                {
                    name: str(row["wanted"][name])
                    for name in amending.FIELDS
                    if name in row["wanted"]
                },
                str(row["seen"]),
            )
            for row in rows
        ]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Http404("No such preview.") from error
    amending.must_be_right(wishes, _user(request))
    return wishes


def _shown(differences: list[amending.Difference], user: Any) -> list[dict[str, str]]:
    """Return differences as people read them: sources by name, choices in words."""
    named = dict(amending.sources(user))

    def words(name: str, value: str) -> str:
        if name == "source":
            return named.get(value, "…") if value else ""
        if name in amending.CHOICES and value in amending.CHOICES[name].values:
            return str(amending.CHOICES[name](value).label)
        return value

    return [
        {
            "label": one.label,
            "before": words(one.name, one.before),
            "after": words(one.name, one.after),
        }
        for one in differences
    ]
