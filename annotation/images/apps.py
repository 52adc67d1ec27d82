from django.apps import AppConfig


class ImagesConfig(AppConfig):
    name = "annotation.images"
    label = "images"
