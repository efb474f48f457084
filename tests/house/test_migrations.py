"""The tables and their migrations say the same."""

import ast

import pytest
from django.core.management import call_command

from config.environment import ROOT


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


#: A column type of our own must be named where the column is made; nothing else need be.
COLUMN_TYPES = {"archive.models.body", "evidence.models.protected_text"}


def test_migrations_are_named_after_what_they_do_and_import_nothing_of_ours() -> None:
    wrong = []
    for path in sorted(ROOT.glob("*/migrations/[0-9]*.py")):
        imported = {
            name
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            for name in (
                [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else []
            )
        }
        if "_auto_" in path.stem or any(
            name.split(".")[0] in {"archive", "evidence", "config"}
            for name in imported - COLUMN_TYPES
        ):
            wrong.append(path.name)

    assert wrong == []
