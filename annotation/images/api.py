"""REST endpoints of ``images``, below ``/api/v1/projects/{slug}/``."""

from django.urls import URLPattern

project_urls: list[URLPattern] = []
