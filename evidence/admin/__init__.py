"""The catalogue in the admin: declarations only; acts and queries live elsewhere."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from evidence.admin import cases, items, ledger, originals, people, sources

admin.site.site_header = "Muniment"
admin.site.site_title = "Muniment"
admin.site.index_title = _("Home")
admin.site.enable_nav_sidebar = False  # the places stand in the header

__all__ = ["cases", "items", "ledger", "originals", "people", "sources"]
