from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "annotation.people"
    label = "people"
