"""What every page needs: who asks, the item asked for, and the frame around an answer."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.admin.sites import site
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from evidence import access, claiming, observing
from evidence.models.case import Case
from evidence.models.claim import Claim
from evidence.models.export import Export
from evidence.models.export_profile import ExportProfile
from evidence.models.item import EvidenceItem


def user(request: HttpRequest) -> User:
    """Return who asks."""
    return access.user_of(request)


def item(request: HttpRequest, identifier: uuid.UUID, act: str) -> EvidenceItem:
    """Return the item, or record the refusal and raise the one 404 there is."""
    try:
        return access.item_for(user(request), identifier, act)
    except Http404:
        observing.refused(user(request), act=act, what="item", now=timezone.now())
        raise


def case(request: HttpRequest, identifier: uuid.UUID, act: str) -> Case:
    """Return the case, or record the refusal and raise the one 404 there is."""
    try:
        return access.case_for(user(request), identifier, act)
    except Http404:
        observing.refused(user(request), act=act, what="case", now=timezone.now())
        raise


def claim(request: HttpRequest, identifier: uuid.UUID, act: str = "view") -> Claim:
    """Return a claim that the asker may view, in a case where they may do ``act``."""
    asker = user(request)
    row = Claim.standing().filter(pk=identifier).select_related("case").first()
    found = None
    if row is not None and access.may(asker, "view", row.case) and access.may(asker, act, row.case):
        found = claiming.visible(row.case, user=asker).filter(pk=identifier).first()
    if found is None:
        observing.refused(asker, act=act, what="claim", now=timezone.now())
        raise Http404("No such claim.")
    return found


def export(request: HttpRequest, bundle: uuid.UUID) -> Export:
    """Return an export that the asker may see, or record the refusal and raise the one 404."""
    asker = user(request)
    found = access.exports_for(asker).filter(pk=bundle).select_related("bundle", "case").first()
    if found is None or not asker.has_perm("evidence.export_bundle"):
        observing.refused(asker, act="export", what="bundle", now=timezone.now())
        raise Http404("No such bundle.")
    return found


def exporter(request: HttpRequest) -> User:
    """Return who asks, if they may export.  Raises PermissionDenied."""
    asker = user(request)
    if not asker.has_perm("evidence.export_bundle"):
        observing.refused(asker, act="export", what="bundle", now=timezone.now())
        raise PermissionDenied
    return asker


def profile_reader(request: HttpRequest) -> User:
    """Return who asks, if they take part in releases.  Raises PermissionDenied."""
    asker = user(request)
    if not any(asker.has_perm(f"evidence.{one}") for one in ("export_bundle", "download_original")):
        observing.refused(asker, act="see", what="profile", now=timezone.now())
        raise PermissionDenied
    return asker


def profile(request: HttpRequest, identifier: uuid.UUID) -> ExportProfile:
    """Return a saved version of a profile that the asker may read."""
    asker = profile_reader(request)
    found = ExportProfile.objects.select_related("recorded_by").filter(pk=identifier).first()
    if found is None:
        observing.refused(asker, act="see", what="profile", now=timezone.now())
        raise Http404("No such profile.")
    return found


def said(request: HttpRequest, name: str) -> str:
    """Return what was written into a box, or nothing where it holds U+0000, which no text has."""
    text = request.POST.get(name, "")
    return "" if "\x00" in text else text


def page(request: HttpRequest, template: str, title: str, **context: Any) -> HttpResponse:
    """Answer with a page in the site's frame."""
    return render(request, template, {**site.each_context(request), "title": title, **context})
