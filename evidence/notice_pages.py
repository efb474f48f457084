"""The page on which a person asks to be told by mail, or ends that."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from evidence import forms, notifying
from evidence.answering import page as _page
from evidence.answering import user as _user
from evidence.models.notice import Notice


@staff_member_required
@require_http_methods(["GET", "HEAD", "POST"])
def notices(request: HttpRequest) -> HttpResponse:
    """Show what one is told by mail; change it."""
    user = _user(request)
    wanted = Notice.objects.filter(user=user).first()
    asked = request.POST.get("act") == "want"
    begun = {"address": wanted.address if wanted else user.email}
    form = forms.NoticeForm(request.POST if asked else None, initial=begun)
    if request.POST.get("act") == "end":
        notifying.end(user)
        messages.success(request, _("You get no more mails, and your address is forgotten."))
        return redirect("evidence:notices")
    if asked and form.is_valid():
        language = translation.get_language() or "en"
        try:
            notifying.want(user, language=language, now=timezone.now(), **form.cleaned_data)
        except notifying.MailError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("A first mail is on its way to you."))
            return redirect("evidence:notices")
    answer = _page(
        request,
        "admin/evidence/notices.html",
        _("Notices by mail"),
        form=form,
        wanted=wanted,
        is_on=notifying.is_on(),
    )
    answer.status_code = 400 if form.errors else 200
    return answer
