"""Tables whose rows are written once: Python's refusal, in front of the database's own triggers."""

from __future__ import annotations

from typing import Any, NoReturn, TypeVar

from django.db import models

_Row = TypeVar("_Row", bound=models.Model)


class UnchangingError(TypeError):
    """Somebody tried to change or remove what is kept for ever; a mistake in the program."""


def _refuse(model: type[models.Model], act: str) -> NoReturn:
    raise UnchangingError(
        f"{model.__name__} is append-only: {act} is refused. "
        "Record a correction through archive.custody instead."
    )


class UnchangingQuerySet(models.QuerySet[_Row]):
    """Reads, and inserts without conflict handling; everything that changes a row raises."""

    def update(self, **_: Any) -> NoReturn:
        _refuse(self.model, "update")

    def delete(self) -> NoReturn:
        _refuse(self.model, "delete")

    def _raw_delete(self, *_: Any, **__: Any) -> NoReturn:
        _refuse(self.model, "delete")

    def bulk_update(self, *_: Any, **__: Any) -> NoReturn:
        _refuse(self.model, "bulk_update")

    def update_or_create(self, *_: Any, **__: Any) -> NoReturn:
        _refuse(self.model, "update_or_create")

    def bulk_create(self, *arguments: Any, **options: Any) -> list[_Row]:
        if options.get("ignore_conflicts") or options.get("update_conflicts"):
            _refuse(self.model, "bulk_create with conflicts")
        return super().bulk_create(*arguments, **options)


class Unchanging(models.Model):
    """A row that can be added and read."""

    objects = UnchangingQuerySet.as_manager()

    class Meta:
        abstract = True
        base_manager_name = "objects"

    def save(self, *arguments: Any, **options: Any) -> None:
        # A row made in Python that carries the key of a stored one must fail, not overwrite it.
        if not self._state.adding:
            _refuse(type(self), "save")
        super().save(*arguments, **{**options, "force_insert": True})

    def delete(self, *_: Any, **__: Any) -> NoReturn:
        _refuse(type(self), "delete")
