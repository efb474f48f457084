#!/usr/bin/env python3
"""The door for operators: `manage.py help` lists the commands."""

import os
import sys

if sys.version_info < (3, 11):
    sys.exit("Muniment needs Python 3.11 or newer; this is " + sys.version.split()[0] + ".")

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
