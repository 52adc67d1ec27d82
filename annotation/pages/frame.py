"""The frame around every page: who may open it, what the beam at the top shows, how it is rendered.

A page of a project is a function ``view(request, access, …)`` under ``@project_page(*roles)``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render as django_render
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from annotation.people.models import Role
from annotation.people.queries import Access, access

View = Callable[..., HttpResponse]


@dataclass(frozen=True)
class Station:
    """One stop of the line in the beam: a url name, its word, and who sees it."""

    name: str
    word: str | Promise
    roles: tuple[str, ...]
    covers: tuple[str, ...] = ()
    """Other pages, by url name, on which one is at this station too."""


CURATOR = (Role.CURATOR,)
READERS = (Role.CURATOR, Role.RESEARCHER)
CURATING = (
    "progress", "flags", "letters", "assignment", "learning", "edit-consent", "edit-tutorial",
    "checks", "votes", "audit",
)  # fmt: skip
LINE = (
    Station("images", _("Images"), (Role.CURATOR, Role.CODER, Role.RESEARCHER)),
    Station("code", _("Coding"), (Role.CODER, Role.CURATOR)),
    Station("label", _("Labelling"), (Role.ANNOTATOR,)),
    Station("people", _("People"), CURATOR, CURATING),
    Station("estimates", _("Estimates"), READERS),
    Station("releases", _("Releases"), READERS),
    Station("runs", _("Runs"), READERS),
    Station("jobs", _("Jobs"), CURATOR),
)


def project_page(*roles: str, methods: tuple[str, ...] = ("GET", "HEAD")) -> Callable[[View], View]:
    """A page of a project for members in one of ``roles`` (any member if empty).

    Strangers are sent to sign in; outsiders and other roles get 404, as if it were not there.
    """

    def decorate(view: View) -> View:
        @require_http_methods(list(methods))
        @wraps(view)
        def page(request: HttpRequest, slug: str, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return _sign_in(request)
            found = access(request.user, slug, *roles)
            return _private(view(request, found, *args, **kwargs))

        return page

    return decorate


def person_page(
    *, staff: bool = False, methods: tuple[str, ...] = ("GET", "HEAD")
) -> Callable[[View], View]:
    """A page for whoever is signed in; with ``staff``, a 404 for everybody else."""

    def decorate(view: View) -> View:
        @require_http_methods(list(methods))
        @wraps(view)
        def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return _sign_in(request)
            if staff and not request.user.is_staff:
                raise Http404("No such page.")
            return _private(view(request, *args, **kwargs))

        return page

    return decorate


def render(
    request: HttpRequest,
    template: str,
    access: Access | None = None,
    status: int = 200,
    **context: Any,
) -> HttpResponse:
    """The template with ``access``, ``project`` and the stations of the line this person sees."""
    if access is not None:
        context |= {"access": access, "project": access.project, "line": _line(request, access)}
    return django_render(request, template, context, status=status)


def _line(request: HttpRequest, access: Access) -> list[dict[str, Any]]:
    stations = []
    for station in LINE:
        if not access.has(*station.roles):
            continue
        url = reverse(station.name, args=[access.project.slug])
        here = request.resolver_match.url_name if request.resolver_match else ""
        is_here = request.path.startswith(url) or here in station.covers
        stations.append({"word": station.word, "url": url, "is_here": is_here})
    return stations


def _sign_in(request: HttpRequest) -> HttpResponse:
    if getattr(request, "htmx", False):  # a fragment must not become a sign-in form in mid-page
        return HttpResponseClientRedirect(reverse("sign-in"))
    return redirect_to_login(request.get_full_path())


def _private(response: HttpResponse) -> HttpResponse:
    patch_cache_control(response, private=True, no_cache=True)
    return response
