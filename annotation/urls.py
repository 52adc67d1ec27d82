"""Every address of the site. Pages are in ``pages``, the API's endpoints in each app's ``api``."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path, re_path
from django.views.decorators.http import require_POST
from django.views.i18n import set_language
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView

from annotation.agreements import api as agreements
from annotation.api import not_found
from annotation.audit import api as audit
from annotation.collecting import api as collecting
from annotation.estimates import api as estimates
from annotation.faces import api as faces
from annotation.health import healthz
from annotation.images import api as images
from annotation.jobs import api as jobs
from annotation.labelling import api as labelling
from annotation.learning import api as learning
from annotation.letters import api as letters
from annotation.people import api as people
from annotation.releases import api as releases
from annotation.releases import subsets_api as subsets
from annotation.runs import api as runs
from annotation.takedowns import api as takedowns
from annotation.webhooks import api as webhooks

of_a_project = [
    path("", include(app.project_urls))
    for app in (
        people,
        images,
        collecting,
        faces,
        labelling,
        learning,
        estimates,
        agreements,
        releases,
        subsets,
        runs,
        takedowns,
        webhooks,
        jobs,
        audit,
        letters,
    )
]
v1 = [
    path("", include(people.urls)),
    path("", include(takedowns.urls)),
    path("projects/<slug:slug>/", include(of_a_project)),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularRedocView.as_view(url_name="api:schema"), name="docs"),
]
urlpatterns = [
    path("api/v1/", include((v1, "api"))),
    re_path(r"^api/", not_found),
    path("healthz", healthz),
    path("i18n/setlang/", require_POST(set_language), name="set_language"),
    path("", include("annotation.pages.urls")),
]
if settings.DEBUG:
    urlpatterns.append(path("admin/", admin.site.urls))
