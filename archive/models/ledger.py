"""The custody ledger's tables: one log, its entries, its tree and the heads of its chains.

Only archive.custody writes them.  An entry is the exact bytes in ``body``; ``leaf`` is their RFC
9162 leaf hash; every other column of Entry is generated from ``body`` by the database, so that it
can't be edited apart from it.  Nothing here has a foreign key to a subject: items, cases and actors
are named by text, and their history outlives them.  archive.guards holds the triggers.
"""

from __future__ import annotations

import json
from typing import Any

from django.db import models
from django.db.models.functions import Length
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _

from archive.models.body import (
    ActorInBody,
    CaseInBody,
    ItemInBody,
    ItemSeqInBody,
    KindInBody,
    TimeInBody,
)
from archive.models.unchanging import Unchanging

HASH_BYTES = 32  # SHA-256


class Log(Unchanging):
    """One log per archive; its origin is never used again, also after a loss."""

    origin = models.CharField(max_length=255, unique=True)

    class Meta(Unchanging.Meta):
        verbose_name = "custody log"

    def __str__(self) -> str:
        return self.origin


class LogHead(Unchanging):
    """The tree's size and its perfect subtrees' roots, largest first: the row writers lock."""

    log = models.OneToOneField(Log, on_delete=models.PROTECT, primary_key=True, related_name="head")
    size = models.PositiveBigIntegerField()
    peaks = models.BinaryField()

    class Meta(Unchanging.Meta):
        verbose_name = "log head"

    def __str__(self) -> str:
        return f"{self.log_id}: {self.size} entries"


class Entry(Unchanging):
    """One thing that happened, as it was written down."""

    log = models.ForeignKey(Log, on_delete=models.PROTECT, related_name="+", db_index=False)
    seq = models.PositiveBigIntegerField(help_text="Place in the log, from 0; the leaf's index.")
    leaf = models.BinaryField()
    body = models.TextField()
    kind = models.GeneratedField(
        expression=KindInBody("body"),
        output_field=models.CharField(max_length=64),
        db_persist=True,
    )
    item = models.GeneratedField(
        expression=ItemInBody("body"),
        output_field=models.CharField(max_length=64, null=True),
        db_persist=True,
    )
    item_seq = models.GeneratedField(
        expression=ItemSeqInBody("body"),
        output_field=models.BigIntegerField(null=True),
        db_persist=True,
    )
    time = models.GeneratedField(
        expression=TimeInBody("body"), output_field=models.DateTimeField(), db_persist=True
    )
    actor = models.GeneratedField(
        expression=ActorInBody("body"),
        output_field=models.CharField(max_length=64),
        db_persist=True,
    )
    case = models.GeneratedField(
        expression=CaseInBody("body"),
        output_field=models.CharField(max_length=64, null=True),
        db_persist=True,
    )

    class Meta(Unchanging.Meta):
        verbose_name = _("custody entry")
        verbose_name_plural = _("custody entries")
        constraints = [
            models.UniqueConstraint(fields=["log", "seq"], name="one_entry_per_place_in_the_log"),
            models.UniqueConstraint(
                fields=["item", "item_seq"], name="one_entry_per_place_in_an_items_chain"
            ),
            models.CheckConstraint(
                condition=Exact(Length("leaf"), HASH_BYTES), name="entry_leaf_is_a_sha256"
            ),
        ]
        indexes = [
            models.Index(fields=["kind", "seq"], name="entry_by_kind"),
            models.Index(fields=["actor", "seq"], name="entry_by_actor"),
            models.Index(fields=["case", "seq"], name="entry_by_case"),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.kind}"

    @property
    def data(self) -> dict[str, Any]:
        """The event's public members, as the hashed bytes hold them."""
        members: dict[str, Any] = json.loads(self.body)["data"]
        return members


class Node(Unchanging):
    """A stored root of a perfect subtree: every fourth level of the tree, from level 1."""

    log = models.ForeignKey(Log, on_delete=models.PROTECT, related_name="+", db_index=False)
    level = models.PositiveSmallIntegerField()
    index = models.PositiveBigIntegerField()
    hash = models.BinaryField()

    class Meta(Unchanging.Meta):
        verbose_name = "tree node"
        constraints = [
            models.UniqueConstraint(
                fields=["log", "level", "index"], name="one_node_per_place_in_the_tree"
            ),
            models.CheckConstraint(
                condition=Exact(Length("hash"), HASH_BYTES), name="node_hash_is_a_sha256"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.level}/{self.index}"


class ItemHead(Unchanging):
    """Where an item's chain stands: the place of its next entry and its last entry's leaf."""

    item = models.CharField(max_length=64, primary_key=True)
    log = models.ForeignKey(Log, on_delete=models.PROTECT, related_name="+", db_index=False)
    next_seq = models.PositiveBigIntegerField()
    leaf = models.BinaryField()

    class Meta(Unchanging.Meta):
        verbose_name = "item head"
        constraints = [
            models.CheckConstraint(
                condition=Exact(Length("leaf"), HASH_BYTES), name="item_head_leaf_is_a_sha256"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.item}: {self.next_seq} entries"
