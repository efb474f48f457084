"""Text that is enciphered in the database while its row is protected."""

from __future__ import annotations

import uuid
from typing import Any, TypeVar

from django import forms
from django.db import models

from archive import data_keys

Row = TypeVar("Row", bound=models.Model)

#: What is read of a text whose key was destroyed.
ERASED = "(erased)"


class ProtectedText(models.TextField):  # type: ignore[type-arg]  # Django's takes none at run time
    """A line of text.  It is enciphered (archive.data_keys) in rows whose ``protected_by`` is true.

    Found in SQL only where it is not protected: use ``with_text``.  ``QuerySet.update()`` does not
    know whether a row is protected, and must not be used for it.
    """

    def __init__(self, *args: Any, protected_by: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.protected_by = protected_by

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "protected_by": self.protected_by}

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """Encipher; also what looks enciphered and was typed by somebody."""
        value = super().pre_save(model_instance, add)
        if not value or not (
            getattr(model_instance, self.protected_by) or value.startswith("sealed:")
        ):
            return value
        place = uuid.uuid4().hex
        return f"{data_keys.seal(value, place)}@{place}"

    def from_db_value(self, value: str | None, *_: Any) -> str | None:
        if value is None or not value.startswith("sealed:"):
            return value
        sealed, _at, place = value.rpartition("@")
        text = data_keys.opened(sealed, place)
        return ERASED if text is None else text

    def formfield(self, *_: Any, **kwargs: Any) -> Any:
        return super().formfield(**{"widget": forms.TextInput, **kwargs})


def with_text(rows: models.QuerySet[Row], field: str, text: str) -> Row | None:
    """Return the first of the rows whose field is that text, protected or not.

    Protected ones are deciphered one after another.
    """
    found = rows.filter(**{field: text}).first()
    if found is not None:
        return found
    described = rows.model._meta.get_field(field)  # noqa: SLF001  Django's own way to ask
    if not isinstance(described, ProtectedText):
        return None
    protected = rows.filter(**{described.protected_by: True}).order_by("pk")
    return next((row for row in protected.iterator() if getattr(row, field) == text), None)
