"""REST endpoints of ``people``, below ``/api/v1/projects/{slug}/``."""

from django.urls import URLPattern

project_urls: list[URLPattern] = []
urls: list[URLPattern] = []
