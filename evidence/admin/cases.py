"""Cases and memberships in the admin; saving goes through the acts, which record it."""

from contextlib import suppress
from types import MappingProxyType
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import QuerySet
from django.forms import BaseInlineFormSet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from evidence import access, describing, presenting
from evidence.admin.titles import PlainTitles
from evidence.forms import CaseForm
from evidence.models.case import Case, CaseMembership


class MembershipForms(BaseInlineFormSet):
    """Says in the form what the act would refuse."""

    giver: Any = None

    def clean(self) -> None:
        super().clean()
        for form in self.forms:
            if form.has_changed() and form.cleaned_data.get("user") == self.giver:
                raise ValidationError(
                    _("You can't give yourself a role; ask another administrator.")
                )


class MembershipInline(admin.StackedInline):
    model = CaseMembership
    formset = MembershipForms
    extra = 0
    formfield_overrides = MappingProxyType(
        {
            models.DateTimeField: {
                "form_class": forms.DateTimeField,
                "widget": forms.DateTimeInput(
                    attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"
                ),
            }
        }
    )
    fields = ("user", "role", "until")
    can_delete = False

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        made = super().get_formset(request, obj, **kwargs)
        giver = None if access.user_of(request).is_superuser else request.user
        return type("MembershipForms", (made,), {"giver": giver})


@admin.register(Case)
class CaseAdmin(PlainTitles, admin.ModelAdmin):
    list_display = ("reference", "title", "status", "default_level", "opened_at")
    list_filter = ("status",)
    search_fields = ("reference", "title")
    fields = CaseForm.Meta.fields
    inlines = (MembershipInline,)
    show_full_result_count = False
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Case]:
        if request.user.has_perm("evidence.change_case"):
            return Case.objects.all()
        return access.cases_for(request.user)

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if request.user.has_perm("evidence.view_casemembership") else ()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if self.has_change_permission(request):
            return self.fields
        return [{"description": "told"}.get(name, name) for name in self.fields]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("reference", "default_level", "told") if obj else ()

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_change_permission(request):
            # Who may only read a case reads it on its own page, if that is open to them.
            with suppress(Http404):
                found = access.case_for(request.user, object_id, "view")
                return redirect("evidence:case", found.pk)
        return super().change_view(request, object_id, form_url, extra_context)

    @admin.display(description=_lazy("description"))
    def told(self, case: Case) -> str:
        return presenting.described(case)["description"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(
        self, request: HttpRequest, obj: Case, form: forms.ModelForm, change: bool
    ) -> None:
        if change:
            describing.change_case(
                obj, fields=form.changed_data, user=access.user_of(request), now=timezone.now()
            )
        else:
            describing.open_case(obj, user=access.user_of(request), now=timezone.now())

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        for membership in formset.save(commit=False):
            describing.set_membership(membership, user=access.user_of(request), now=timezone.now())
