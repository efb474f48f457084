"""Addresses of the site."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

handler403 = "evidence.pages.forbidden"
urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("", include("evidence.urls")),
    path("admin/", admin.site.urls),
]
