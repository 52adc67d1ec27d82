from django.apps import AppConfig


class EstimatesConfig(AppConfig):
    name = "annotation.estimates"
    label = "estimates"
