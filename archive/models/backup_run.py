"""Backups that were made: when, and whether anything was missing."""

from __future__ import annotations

from django.db import models


class BackupRun(models.Model):
    """One run of the backup command that came to its end.  A backup has those before it."""

    made_at = models.DateTimeField()
    snapshot = models.CharField(max_length=200, help_text="The snapshot's name in the backup.")
    log_size = models.PositiveBigIntegerField(help_text="Entries under its checkpoint.")
    copied = models.PositiveBigIntegerField(help_text="Files that the backup lacked.")
    faults = models.PositiveBigIntegerField(help_text="Files that could not be copied, or differ.")

    class Meta:
        ordering = ["-made_at"]

    def __str__(self) -> str:
        return f"Backup of {self.made_at:%Y-%m-%d %H:%M}"
