"""Accounts in the admin: administrators set groups, and make nobody more than that."""

from http import HTTPStatus
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, AdminUserCreationForm
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _lazy

from evidence import access, describing, roles
from evidence.admin.titles import PlainTitles

admin.site.unregister(User)
admin.site.unregister(Group)  # the groups' rights stand in evidence.roles, not in a form


def _words(group: Group) -> str:
    return str(roles.WORDS.get(group.name, group.name))


class GroupFilter(admin.SimpleListFilter):
    """Accounts of one group, by what it is called in the reader's language."""

    title = _lazy("role")
    parameter_name = "group"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(group.pk), _words(group)) for group in Group.objects.order_by("name")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        known = {key for key, _name in self.lookup_choices}
        return queryset.filter(groups=self.value()) if self.value() in known else queryset


class Groups(forms.ModelMultipleChoiceField):
    """Groups by what they are called in the reader's language."""

    def label_from_instance(self, obj: Any) -> str:
        return _words(obj)


class NewAccount(AdminUserCreationForm):
    """An account has a password: there is no other way to sign in, and an account can be closed."""

    usable_password = None  # type: ignore[assignment]  # leaves the field out


class NewPassword(AdminPasswordChangeForm):
    """A new password; taking it away would be closing the account, which has a box of its own."""

    usable_password = None


@admin.register(User)
class PersonAdmin(PlainTitles, UserAdmin):
    """Only a superuser makes or changes one; every change of rights is an entry."""

    add_form = NewAccount
    change_password_form = NewPassword
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("username", "password1", "password2")}),
    )
    list_display = ("username", "first_name", "last_name", "roles", "is_active", "last_login")
    list_filter = ("is_active", GroupFilter)
    filter_horizontal = ()
    actions = None
    show_full_result_count = False

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "groups":
            kwargs["form_class"] = Groups
            kwargs["widget"] = forms.CheckboxSelectMultiple
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("groups")

    @admin.display(description=_lazy("Roles"))
    def roles(self, user: User) -> str:
        return ", ".join(_words(group) for group in user.groups.all())

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return super().get_fieldsets(request, obj)
        rights = ["is_active", "is_staff", "groups"]
        if access.user_of(request).is_superuser:
            rights.append("is_superuser")
        # Who may only look at an account is offered no way to its password.
        own = (
            ("username", "password") if self.has_change_permission(request, obj) else ("username",)
        )
        return (
            (None, {"fields": own}),
            (_lazy("Person"), {"fields": ("first_name", "last_name", "email")}),
            (_lazy("Rights"), {"fields": rights}),
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
