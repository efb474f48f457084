"""What people fill in to take another archive's bundle in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from archive.proof import notes
from archive.proof.errors import MalformedError
from evidence.forms import fields
from evidence.models.levels import Level


class ImportForm(forms.Form):
    """Another archive's bundle, and whose word counts."""

    bundle = forms.FileField(
        label=_("The bundle, a ZIP file"),
        help_text=_("For one of many gigabytes: manage.py import_bundle on the server."),
    )
    keys = fields.area(
        label=_("Keys of archives you trust, one a line"),
        help_text=_(
            "Got on paper or in another way than the bundle. Without the signer's, it is"
            " recorded that nobody knows who made it."
        ),
    )
    level = fields.choice(
        Level,
        initial=Level.INTERNAL,
        label=_("Least level of its items"),
        help_text=_("An item that had a higher one keeps it."),
    )

    def clean_bundle(self) -> UploadedFile[Any]:
        """Return the file, if it is not longer than any upload may be."""
        brought: UploadedFile[Any] = self.cleaned_data["bundle"]
        if brought.size is not None and brought.size > settings.MAX_UPLOAD:
            raise ValidationError(_("It is longer than an upload may be; use the command."))
        return brought

    def clean_keys(self) -> tuple[str, ...]:
        """Return the keys, each a verifier key."""
        keys = tuple(line.strip() for line in self.cleaned_data["keys"].splitlines())
        for key in filter(None, keys):
            try:
                notes.parse_vkey(key)
            except MalformedError as error:
                raise ValidationError(
                    _("{value!r} is no verifier key: {error}.").format(value=key[:80], error=error)
                ) from error
        return tuple(filter(None, keys))
