"""Cases and memberships in the admin; saving goes through the acts, which record it."""

from types import MappingProxyType
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import QuerySet
from django.forms import BaseInlineFormSet
from django.http import HttpRequest
from django.utils import timezone

from evidence import access, describing
from evidence.models.case import Case, CaseMembership


class MembershipForms(BaseInlineFormSet):
    """Says in the form what the act would refuse."""

    giver: Any = None

    def clean(self) -> None:
        super().clean()
        for form in self.forms:
            if form.has_changed() and form.cleaned_data.get("user") == self.giver:
                raise ValidationError("You can't give yourself a role; ask another administrator.")


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
class CaseAdmin(admin.ModelAdmin):
    list_display = ("reference", "title", "status", "default_level", "opened_at")
    list_filter = ("status",)
    search_fields = ("reference", "title")
    fields = (
        "reference",
        "title",
        "description",
        "status",
        "legal_basis",
        "default_level",
        "retention_rule",
    )
    inlines = (MembershipInline,)
    show_full_result_count = False
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Case]:
        if request.user.has_perm("evidence.change_case"):
            return Case.objects.all()
        return access.cases_for(request.user)

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if request.user.has_perm("evidence.view_casemembership") else ()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("reference", "default_level") if obj else ()

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
