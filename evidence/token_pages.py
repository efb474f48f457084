"""The page on which a person issues and revokes tokens for programs."""

from __future__ import annotations

import uuid
from datetime import timedelta

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from evidence import forms
from evidence import tokens as tokens_act
from evidence.answering import page as _page
from evidence.answering import user as _user
from evidence.models.token import ApiToken

SHOWN = 100


@staff_member_required
@reauthentication_required  # type: ignore[untyped-decorator]
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """Show one's tokens and issue one; its secret is on the answer's page and nowhere else."""
    user, now, secret = _user(request), timezone.now(), ""
    form = forms.TokenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        said = dict(form.cleaned_data)
        expires_at = now + timedelta(days=said.pop("days"))
        try:
            secret = tokens_act.issue(user, expires_at=expires_at, now=now, **said)[1]
        except tokens_act.TokenError as error:
            form.add_error(None, str(error))
        else:
            form = forms.TokenForm()
    answer = _page(
        request,
        "admin/evidence/tokens.html",
        _("Tokens for programs"),
        form=form,
        secret=secret,
        tokens=ApiToken.objects.filter(owner=user)[:SHOWN],
        now=now,
    )
    answer.status_code = 400 if form.errors else 200
    return answer


@staff_member_required
@require_POST
def revoke(request: HttpRequest, token: uuid.UUID) -> HttpResponse:
    """Take one of one's own tokens back."""
    user = _user(request)
    found = get_object_or_404(ApiToken, pk=token, owner=user)
    tokens_act.revoke(found, user=user, now=timezone.now())
    messages.success(request, _("The token is revoked; nothing is opened by it any more."))
    return redirect("evidence:tokens")
