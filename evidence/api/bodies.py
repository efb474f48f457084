"""Request bodies made from the pages' forms: the same fields, limits, words and checks.

A page and a program can't be asked different things by mistake: the body's schema is read off the
form, and what was sent goes through the form.
"""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from typing import Annotated, Any, Literal, cast

from django import forms
from ninja import Schema
from pydantic import ConfigDict, Field, create_model, field_validator

from evidence.api.doors import NotSoError


class Body(Schema):
    """A request's body; members that it does not know are refused, not passed over."""

    model_config = ConfigDict(extra="forbid")

    @field_validator("*")
    @classmethod
    def must_be_text(cls, value: Any) -> Any:
        """Refuse U+0000, which no text has and no database takes."""
        if isinstance(value, str) and "\x00" in value:
            raise ValueError("it holds U+0000")
        return value


def body_of(
    form: type[forms.Form | forms.ModelForm[Any]],
    name: str,
    *,
    leave_out: tuple[str, ...] = (),
    **more: Any,
) -> type[Body]:
    """Return the schema of a form's fields; ``more`` adds members or takes their place."""
    fields = {
        key: _member(field)
        for key, field in form.base_fields.items()
        if key not in leave_out and key not in more and not isinstance(field, forms.FileField)
    }
    about = (form.__doc__ or name).strip().splitlines()[0]
    members: dict[str, Any] = {**fields, **more}
    return create_model(name, __base__=Body, __doc__=about, **members)


def filled(
    form: type[forms.Form | forms.ModelForm[Any]], said: Body | dict[str, Any], **given: Any
) -> Any:
    """Return the form, filled and found right.  Raises NotSoError."""
    members = said if isinstance(said, dict) else said.dict()
    made = form({name: _sent(value) for name, value in members.items()}, **given)
    must_be_right(made)
    return made


def rows(formset: Any, said: list[Any]) -> Any:
    """Return a set of forms, one a row, filled and found right.  Raises NotSoError."""
    data: dict[str, Any] = {"rows-TOTAL_FORMS": len(said), "rows-INITIAL_FORMS": 0}
    for number, row in enumerate(said):
        for name, value in row.dict().items():
            data[f"rows-{number}-{name}"] = _sent(value)
    made = formset(data, prefix="rows")
    if not made.is_valid():
        wrong = {
            f"{number}.{name}": [str(one) for one in errors]
            for number, form in enumerate(made.forms)
            for name, errors in form.errors.items()
        }
        raise NotSoError("Something is wrong with these rows; nothing was recorded.", wrong)
    return made


def must_be_right(form: Any) -> None:
    """Raise NotSoError with the form's own sentences, if it is not valid."""
    if form.is_valid():
        return
    fields = {name: [str(one) for one in errors] for name, errors in form.errors.items()}
    whole = fields.pop("__all__", [])
    raise NotSoError(
        whole[0] if whole else "Something is wrong with these fields; nothing was recorded.", fields
    )


def _sent(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return json.dumps(value)
    return value


def _member(field: forms.Field) -> tuple[Any, Any]:
    """Return the type and the default of a body's member."""
    kind = _kind(field)
    about = str(field.help_text or field.label or "") or None
    if field.required and field.initial is None:
        return kind, Field(..., description=about)
    default = field.initial if field.initial is not None else _empty(field)
    return (kind if default is not None else kind | None), Field(default, description=about)


def _kind(field: forms.Field) -> Any:
    if isinstance(field, forms.ModelChoiceField):
        return uuid.UUID
    if isinstance(field, forms.MultipleChoiceField):
        return list[Literal[_words(field)]]  # type: ignore[misc]  # a list of the form's own words
    if isinstance(field, forms.ChoiceField):
        return Literal[_words(field)]
    return _plain_kind(field)


def _plain_kind(field: forms.Field) -> Any:
    if isinstance(field, forms.IntegerField):
        return Annotated[
            int, Field(ge=cast("int", field.min_value), le=cast("int", field.max_value))
        ]
    if isinstance(field, forms.BooleanField):
        return bool
    if isinstance(field, forms.DateTimeField):
        return datetime
    if isinstance(field, forms.UUIDField):
        return uuid.UUID
    if isinstance(field, forms.CharField):
        least = max(int(field.required), field.min_length or 0)
        return Annotated[str, Field(min_length=least, max_length=field.max_length)]
    raise TypeError(f"no member of a body stands for a {type(field).__name__}")


def _words(field: forms.ChoiceField) -> tuple[str, ...]:
    words = [str(value) for value, _ in cast("Any", field.choices)]
    return tuple(words if field.required or "" in words else [*words, ""])


def _empty(field: forms.Field) -> Any:
    if isinstance(field, forms.MultipleChoiceField):
        return []
    if isinstance(field, forms.BooleanField):
        return False
    if isinstance(field, (forms.ChoiceField, forms.CharField)) and not isinstance(
        field, forms.ModelChoiceField
    ):
        return ""
    return None
