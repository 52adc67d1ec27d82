"""REST endpoints of ``runs``, below ``/api/v1/projects/{slug}/``."""

from django.urls import URLPattern

project_urls: list[URLPattern] = []
