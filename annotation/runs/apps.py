from django.apps import AppConfig


class RunsConfig(AppConfig):
    name = "annotation.runs"
    label = "runs"
