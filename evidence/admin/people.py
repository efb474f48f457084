"""Accounts in the admin: administrators set groups, and make nobody more than that."""

from http import HTTPStatus
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from django.utils import timezone

from evidence import access, describing

admin.site.unregister(User)
admin.site.unregister(Group)  # the groups' rights stand in evidence.roles, not in a form


@admin.register(User)
class PersonAdmin(UserAdmin):
    """Only a superuser makes or changes one; every change of rights is an entry."""

    list_display = ("username", "first_name", "last_name", "roles", "is_active", "last_login")
    list_filter = ("is_active", "groups")
    filter_horizontal = ()
    actions = None
    show_full_result_count = False

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "groups":
            kwargs["widget"] = forms.CheckboxSelectMultiple
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("groups")

    @admin.display(description="Roles")
    def roles(self, user: User) -> str:
        return ", ".join(group.name for group in user.groups.all())

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return super().get_fieldsets(request, obj)
        rights = ["is_active", "is_staff", "groups"]
        if access.user_of(request).is_superuser:
            rights.append("is_superuser")
        return (
            (None, {"fields": ("username", "password")}),
            ("Person", {"fields": ("first_name", "last_name", "email")}),
            ("Rights", {"fields": rights}),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        giver = access.user_of(request)
        if obj is not None and obj.pk == giver.pk and not giver.is_superuser:
            return ("is_active", "is_staff", "groups")
        return ()

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:  # noqa: A002 - Django's name
        answer = super().user_change_password(request, id, form_url)
        if request.method == "POST" and answer.status_code == HTTPStatus.FOUND:
            describing.record_permissions(
                User.objects.get(pk=id), user=access.user_of(request), now=timezone.now()
            )
        return answer

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and obj.is_superuser and not access.user_of(request).is_superuser:
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        describing.record_permissions(
            form.instance, user=access.user_of(request), now=timezone.now()
        )
