"""What every page needs: who asks, the item asked for, and the frame around an answer."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.admin.sites import site
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from evidence import access, observing
from evidence.models.case import Case
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


def page(request: HttpRequest, template: str, title: str, **context: Any) -> HttpResponse:
    """Answer with a page in the site's frame."""
    return render(request, template, {**site.each_context(request), "title": title, **context})
