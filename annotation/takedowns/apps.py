from django.apps import AppConfig


class TakedownsConfig(AppConfig):
    name = "annotation.takedowns"
    label = "takedowns"
