from django.apps import AppConfig


class FacesConfig(AppConfig):
    name = "annotation.faces"
    label = "faces"
