#!/usr/bin/env python3
"""The door for operators: `manage.py help` lists the commands."""

import importlib
import os
import sys

if sys.version_info < (3, 11):  # noqa: UP036 - told in words, not by a syntax error
    sys.exit("Muniment needs Python 3.11 or newer; this is " + sys.version.split()[0] + ".")

# Builds of Python that lack a part of the standard library exist.
for part in ("ctypes", "fcntl", "sqlite3", "ssl", "zlib"):
    try:
        importlib.import_module(part)
    except ImportError:
        sys.exit(
            f"This Python ({sys.executable}) was built without its module {part}. Use another one, "
            "for example your system's own package python3, and make the environment again."
        )
try:
    from django.core.management import execute_from_command_line
    from django.db import DatabaseError

    from config.environment import SettingError
except ImportError as error:
    sys.exit(
        f"A requirement is not installed ({error}). "
        "Run: python3 -m venv .venv && .venv/bin/pip install -r requirements.txt, "
        "then use .venv/bin/python manage.py"
    )

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        execute_from_command_line(sys.argv)
    except SettingError as error:
        sys.exit(f"Setting: {error}")
    except DatabaseError as error:
        sys.exit(f"CommandError: The database can't be used: {error}")
