"""Pages on which export profiles are compared, saved in versions and withdrawn."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from archive.models.bundle import Bundle
from evidence import answering, forms, records
from evidence import profiles as saving
from evidence.answering import page as _page
from evidence.models.export_profile import ExportProfile, Part

WRONG = (saving.ProfileError, records.SupersededError)


@staff_member_required
@require_safe
def profiles(request: HttpRequest) -> HttpResponse:
    """Show every profile that can be asked for, side by side."""
    user = answering.profile_reader(request)
    return _page(
        request,
        "admin/evidence/profiles.html",
        _("Export profiles"),
        profiles=[_shown(one) for one in saving.offered()],
        withdrawn=ExportProfile.standing().filter(withdrawn=True).order_by("-recorded_at")[:50],
        may_save=user.has_perm("evidence.export_bundle"),
    )


@staff_member_required
@require_http_methods(["GET", "HEAD", "POST"])
def new_profile(request: HttpRequest) -> HttpResponse:
    """Save a profile, begun from another one."""
    user = answering.exporter(request)
    try:
        model = saving.named(request.GET.get("like", "journalist"))
    except saving.ProfileError:
        model = saving.BUILT_IN["journalist"]
    form = forms.ProfileForm(request.POST or None, initial=dict(model.rules()))
    if request.method == "POST" and form.is_valid():
        try:
            made = saving.save(user=user, now=timezone.now(), **form.cleaned_data)
        except WRONG as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Saved. It can be asked for from now on."))
            return redirect("evidence:profile", made.pk)
    answer = _page(
        request,
        "admin/evidence/profile_new.html",
        _("Save a profile"),
        form=form,
        models=[_shown(one) for one in saving.offered()],
        model=model,
    )
    answer.status_code = 400 if form.errors else 200
    return answer


@staff_member_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest, profile: uuid.UUID) -> HttpResponse:
    """Show a profile's versions; save the next one, or withdraw it."""
    found = answering.profile(request, profile)
    history = saving.versions(found)
    newest = history[0]
    act = request.POST.get("act", "") if request.method == "POST" else ""
    begun = {"name": newest.name, **saving.read(newest).rules()}
    save_form = forms.ProfileForm(request.POST if act == "save" else None, initial=begun)
    withdraw_form = forms.WithdrawalForm(request.POST if act == "withdraw" else None)
    form = {"save": save_form, "withdraw": withdraw_form}.get(act)
    wrong = ""
    if request.method == "POST":
        by: dict[str, Any] = {"user": answering.exporter(request), "now": timezone.now()}
        wrong = _("Something is missing; it is marked below.")
        if form is not None and form.is_valid():
            try:
                return _done(request, act, found, form.cleaned_data, by)
            except WRONG as error:
                wrong = str(error)
    answer = _page(
        request,
        "admin/evidence/profile.html",
        newest.name,
        newest=newest,
        asked=found,
        is_newest=newest.pk == found.pk,
        versions=_compared(history),
        save_form=save_form,
        withdraw_form=withdraw_form,
        may_save=answering.user(request).has_perm("evidence.export_bundle"),
        wrong=wrong,
    )
    answer.status_code = 400 if wrong else 200
    return answer


def _done(
    request: HttpRequest,
    act: str,
    found: ExportProfile,
    said: dict[str, Any],
    by: dict[str, Any],
) -> HttpResponse:
    if act == "save":
        made = saving.save(instead_of=found, **said, **by)
        messages.success(request, _("Saved as version {version}.").format(version=made.version))
    else:
        made = saving.withdraw(found, **said, **by)
        messages.success(request, _("Withdrawn. Nothing leaves by it any more."))
    return redirect("evidence:profile", made.pk)


def _shown(one: saving.Profile) -> dict[str, Any]:
    """Return a profile with its words, as a row shows it."""
    return {
        "profile": one,
        "left_out": [part.label for part in Part if part in one.leaves_out],
    }


def _compared(history: list[ExportProfile]) -> list[dict[str, Any]]:
    """Return the versions, each with what it says otherwise than the one before it."""
    shown = []
    left = Bundle.objects.filter(state=Bundle.State.VERIFIED)
    for row, before in zip(history, [*history[1:], None], strict=True):
        rules, earlier = saving.read(row).rules(), saving.read(before).rules() if before else {}
        changed = {name for name, value in rules.items() if earlier and earlier[name] != value}
        shown.append(
            {
                "row": row,
                **_shown(saving.read(row)),
                "changed": changed,
                "bundles": left.filter(profile=str(row.pk)).count(),
            }
        )
    return shown
