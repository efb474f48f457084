"""Registers the catalogue: its tasks in every process, its guards after every migrate, its ears."""

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class EvidenceConfig(AppConfig):
    name = "evidence"
    verbose_name = _("Evidence")

    def ready(self) -> None:
        # The tables and tasks can be imported only when the registry is filled.
        from archive import auditing, fixity, grants  # noqa: PLC0415
        from evidence import (  # noqa: PLC0415
            agreeing,
            guards,
            importing,
            observing,
            protecting,
            reading_back,
            searching,
            sidecars,
            tasks,  # noqa: F401
        )

        auditing.also(agreeing.findings)
        auditing.also(sidecars.findings)
        auditing.also(importing.findings)
        fixity.tell(reading_back.record_change)
        for table in guards.TABLES:
            grants.only_added_to(table)
        # Django says of logins by signal alone; nothing of the catalogue's own flow goes this way.
        user_logged_in.connect(observing.logged_in, dispatch_uid="record login")
        user_logged_out.connect(observing.logged_out, dispatch_uid="record logout")
        user_login_failed.connect(observing.login_failed, dispatch_uid="record refusal")
        # SQLite drops a table's triggers when Django remakes the table, so they are put back.
        post_migrate.connect(
            protecting.encipher_what_is_in_clear, sender=self, dispatch_uid="evidence names"
        )
        post_migrate.connect(
            searching.index_what_is_missing, sender=self, dispatch_uid="evidence search"
        )
        post_migrate.connect(guards.install, sender=self, dispatch_uid="evidence guards")
