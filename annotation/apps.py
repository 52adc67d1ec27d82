from django.apps import AppConfig


class RafterConfig(AppConfig):
    """The site as a whole: its system checks, and commands that belong to no single app."""

    name = "annotation"
    label = "rafter"

    def ready(self) -> None:
        from . import celery, checks, schema  # noqa: F401 - all register themselves on import
