"""Registers the project's own commands (`manage.py up`) and checks."""

from django.apps import AppConfig


class ProjectConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        # The tables can be imported only when the registry is filled.
        from config import checks  # noqa: F401, PLC0415
