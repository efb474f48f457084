"""The rows of the list of items, drawn from what the admin's columns say.

The stock list asks every cell again which field or method it is, and renders a form's widget for
each row's box: half of the time that a list of fifty took.
"""

from collections.abc import Iterator
from typing import Any

from django import template
from django.contrib.admin.templatetags.admin_list import result_headers
from django.contrib.admin.views.main import ChangeList
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from evidence.models.item import EvidenceItem

register = template.Library()
LIST = "admin:evidence_evidenceitem_changelist"
BOX = "action_checkbox"


@register.inclusion_tag("admin/evidence/evidenceitem/rows.html")
def item_rows(cl: ChangeList) -> dict[str, Any]:
    """Gather the headers and the rows of a page of the list."""
    headers = list(result_headers(cl))
    words, there = _("Select this object for an action - {}"), reverse(LIST)
    return {
        "headers": headers,
        "sorted_by": sum(1 for one in headers if one["sortable"] and one["sorted"]),
        "rows": [list(_cells(cl, item, there, words)) for item in cl.result_list],
    }


def _cells(cl: ChangeList, item: EvidenceItem, there: str, words: str) -> Iterator[SafeString]:
    """Yield a row's cells; the first of those that lead to the item is the row's header."""
    is_first = True
    for name in cl.list_display:
        if name == BOX:
            box = (
                '<td class="action-checkbox"><input type="checkbox" name="_selected_action"'
                ' value="{}" class="action-select" aria-label="{}"></td>'
            )
            yield format_html(box, item.pk, words.format(item))
            continue
        shown = getattr(cl.model_admin, str(name), None)
        value = shown(item) if shown else getattr(item, str(name))
        if name not in cl.list_display_links:
            yield format_html('<td class="field-{}">{}</td>', name, value)
            continue
        cell = ("td", "th")[is_first]
        link = '<{} class="field-{}"><a href="{}{}/change/">{}</a></{}>'
        yield format_html(link, cell, name, there, item.pk, value, cell)
        is_first = False
