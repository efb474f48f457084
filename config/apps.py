"""Registers the project's own commands (`manage.py up`)."""

from django.apps import AppConfig


class ProjectConfig(AppConfig):
    name = "config"
