from django.apps import AppConfig


class CollectingConfig(AppConfig):
    name = "annotation.collecting"
    label = "collecting"
