"""Addresses of the site."""

from allauth.account import views as account
from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from django.views.i18n import set_language

from evidence.api.whole import api

# One door to sign in by: it counts attempts and asks for the second factor.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.site_url = None  # there is no other site to view
# Nobody sees another person's second factor; `manage.py reset_second_factor` takes it away.
admin.site.unregister([EmailAddress, Authenticator])

handler403 = "evidence.pages.forbidden"
urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("", include("evidence.urls")),
    path("api/v1/", api.urls),
    path("accounts/login/", account.login, name="account_login"),
    path("accounts/logout/", account.logout, name="account_logout"),
    path("accounts/reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("language/", set_language, name="set_language"),
    path("admin/", admin.site.urls),
]
