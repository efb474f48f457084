"""Registers the archive with Django, and its guards with every migrate."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from archive import authorizing, grants, guards


def _put_guards_back(*, using: str, **_: Any) -> None:
    import_module("archive.disclosures").encipher_what_is_in_clear(connections[using])
    guards.put_back(connections[using])
    grants.put_right(connections[using])


class ArchiveConfig(AppConfig):
    name = "archive"
    verbose_name = _("Custody")

    def ready(self) -> None:
        import_module("archive.checks")  # reads the tables' classes, which are there only now
        connection_created.connect(authorizing.watch, dispatch_uid="archive.authorizing")
        # SQLite drops a table's triggers, without a word, when a migration rebuilds the table.
        post_migrate.connect(_put_guards_back, sender=self, dispatch_uid="archive.guards")
