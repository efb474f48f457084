"""Checkpoints: the log's head as the signer signed it, and what others outside say about it."""

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


class Cosignature(Unchanging):
    """A witness's line under a checkpoint (C2SP tlog-cosignature): it saw this tree and no other.

    A witness cosigns one checkpoint again and again while the log rests; each line is kept.
    """

    checkpoint = models.ForeignKey(
        Checkpoint, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    vkey = models.CharField(max_length=4096, help_text="The witness's verifier key.")
    line = models.TextField()
    time = models.PositiveBigIntegerField(
        help_text="Seconds since 1970 by the witness's clock, which its signature covers."
    )

    class Meta(Unchanging.Meta):
        constraints = [
            models.UniqueConstraint(fields=["checkpoint", "line"], name="one_row_per_cosignature"),
        ]

    def __str__(self) -> str:
        return f"cosignature of {self.checkpoint}"


class TimestampToken(Unchanging):
    """An authority's RFC 3161 response about a checkpoint, byte for byte."""

    checkpoint = models.ForeignKey(
        Checkpoint, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    authority = models.CharField(max_length=255, help_text="Its name in the archive's settings.")
    gen_time = models.DateTimeField(help_text="The time that the token states.")
    tsr = models.BinaryField()
    entry_seq = models.PositiveBigIntegerField(
        help_text="Place in the log of the entry that records the token."
    )

    class Meta(Unchanging.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["checkpoint", "authority"], name="one_token_per_authority_and_checkpoint"
            ),
        ]

    def __str__(self) -> str:
        return f"token of {self.authority} for {self.checkpoint}"
