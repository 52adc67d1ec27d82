from django.apps import AppConfig


class StudyConfig(AppConfig):
    name = "annotation.study"
    label = "study"
