"""Celery, which only wakes workers: the truth about jobs is the table in ``jobs``."""

import os
from pathlib import Path
from typing import Any

from celery import Celery
from celery.signals import worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotation.settings")

app = Celery("rafter")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def prepare_broker() -> None:
    """Make the folders that the filesystem transport expects to find."""
    options = app.conf.broker_transport_options or {}
    for name in ("data_folder_in", "data_folder_out", "processed_folder", "control_folder"):
        if name in options:
            Path(options[name]).mkdir(parents=True, exist_ok=True)


@worker_init.connect
def _prepare_at_start(**_: Any) -> None:
    prepare_broker()
