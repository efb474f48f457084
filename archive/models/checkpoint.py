"""Checkpoints: the log's head as the signer signed it, kept as the exact C2SP note."""

from __future__ import annotations

from django.db import models

from archive.models.ledger import Log
from archive.models.unchanging import Unchanging


class Checkpoint(Unchanging):
    """A signed note over the tree of ``size`` entries (C2SP tlog-checkpoint)."""

    log = models.ForeignKey(Log, on_delete=models.PROTECT, related_name="+", db_index=False)
    size = models.PositiveBigIntegerField()
    note = models.TextField()
    signed_at = models.DateTimeField(help_text="The server's clock; not covered by the signature.")

    class Meta(Unchanging.Meta):
        constraints = [
            models.UniqueConstraint(fields=["log", "size"], name="one_checkpoint_per_size"),
        ]

    def __str__(self) -> str:
        return f"checkpoint at {self.size}"
