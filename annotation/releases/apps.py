from django.apps import AppConfig


class ReleasesConfig(AppConfig):
    name = "annotation.releases"
    label = "releases"
