"""The tables and their migrations say the same."""

import ast

from django.core.management import call_command

from config.environment import ROOT


def test_no_migration_is_missing() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


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
            name.split(".")[0] in {"archive", "evidence", "config"} for name in imported
        ):
            wrong.append(path.name)

    assert wrong == []
