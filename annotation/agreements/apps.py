from django.apps import AppConfig


class AgreementsConfig(AppConfig):
    name = "annotation.agreements"
    label = "agreements"
