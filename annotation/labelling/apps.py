from django.apps import AppConfig


class LabellingConfig(AppConfig):
    name = "annotation.labelling"
    label = "labelling"
