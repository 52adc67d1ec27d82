"""REST endpoints of what a release would hold, and of what changed between two of them."""

from typing import Any

from django.http import Http404
from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api import ProjectView, unknown_parameters
from annotation.people.models import Role

from . import queries, services
from .difference import Kind, difference, spots_of, told
from .models import Release
from .preview import preview

PAGE_SIZE, MAX_PAGE_SIZE = 100, 1000


class SpotRow(serializers.Serializer[Any]):
    subset = serializers.CharField()
    label = serializers.IntegerField()
    class_name = serializers.CharField()
    split = serializers.CharField()
    name = serializers.CharField()


class ChangeRow(serializers.Serializer[Any]):
    kind = serializers.ChoiceField([kind.value for kind in Kind])
    image = serializers.UUIDField()
    before = SpotRow(allow_null=True)
    after = SpotRow(allow_null=True)


class DifferenceRow(serializers.Serializer[Any]):
    version = serializers.CharField()
    since = serializers.CharField(allow_null=True, help_text="Null: nothing was before.")
    counts = serializers.DictField(child=serializers.IntegerField())
    results = ChangeRow(many=True)
    next_page = serializers.IntegerField(allow_null=True)


class PreviewRow(serializers.Serializer[Any]):
    estimate = serializers.IntegerField()
    n_images = serializers.IntegerField()
    counts = serializers.DictField(help_text="By subset, split and class.")
    left_out = serializers.DictField(child=serializers.IntegerField())
    warnings = serializers.ListField(child=serializers.CharField())
    refusal = serializers.CharField(help_text="Why it could not be built; empty where it can.")
    sizes = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="About how many bytes each layout's archive has.",
    )
    changes = serializers.DictField(
        child=serializers.IntegerField(), help_text="Against the newest version."
    )


class ReleaseDifference(ProjectView):
    roles = (Role.CURATOR, Role.RESEARCHER)

    @extend_schema(
        operation_id="releases_difference",
        responses=DifferenceRow,
        parameters=[
            OpenApiParameter("since", description="A version; the one before it if none."),
            OpenApiParameter("kind", enum=[kind.value for kind in Kind]),
            OpenApiParameter("page", int),
            OpenApiParameter("page_size", int),
        ],
    )
    def get(self, request: Request, slug: str, version: str) -> Response:
        """Images that came in, went out, were relabelled or moved between train and test.

        Versions never change, so that pages stay what they are.
        """
        unknown_parameters(request, "since", "kind", "page", "page_size")
        release = self._release(version)
        since = request.query_params.get("since")
        before = release.parent if since is None else self._release(since)
        found = difference(spots_of(before), spots_of(release))
        changes = found.of(self._kind()) if "kind" in request.query_params else found.changes
        page, size = (
            self._number("page", 1, 10**6),
            self._number("page_size", PAGE_SIZE, MAX_PAGE_SIZE),
        )
        start, stop = (page - 1) * size, page * size
        answer = {
            "version": release.version,
            "since": before.version if before else None,
            "counts": found.counts,
            "results": told(changes[start:stop]),
            "next_page": page + 1 if stop < len(changes) else None,
        }
        return Response(DifferenceRow(answer).data)

    def _release(self, version: str) -> Release:
        found = queries.find_release(self.access().project, version)
        if found is None:
            raise Http404(f"No release {version!r}.")
        return found

    def _kind(self) -> str:
        kind = self.request.query_params["kind"]
        if kind not in list(Kind):
            raise ValidationError({"kind": [f"{kind!r} is not one of {', '.join(Kind)}."]})
        return str(kind)

    def _number(self, name: str, default: int, most: int) -> int:
        return _number(self.request, name, default, 1, most)


class ReleasePreview(ProjectView):
    roles = (Role.CURATOR,)

    @extend_schema(
        operation_id="releases_preview",
        responses=PreviewRow,
        parameters=[
            OpenApiParameter("estimate", int, description="A number; the latest if none."),
            OpenApiParameter("seed", int),
            OpenApiParameter("twelfth", bool),
            OpenApiParameter("any_licence", bool),
        ],
    )
    def get(self, request: Request, slug: str) -> Response:
        """What a release with these choices would hold and weigh; nothing is built."""
        unknown_parameters(request, "estimate", "seed", "twelfth", "any_licence")
        project = self.access().project
        estimate = project.estimates.first()
        if "estimate" in request.query_params:
            number = _number(request, "estimate", 0, 1, 2**31 - 1)
            estimate = project.estimates.filter(number=number).first()
        if estimate is None:
            raise ValidationError({"estimate": ["There is no such estimate."]})
        found = preview(
            project,
            estimate,
            seed=_number(request, "seed", 0, 0, services.MAX_SEED),
            twelfth=_flag(request, "twelfth"),
            any_licence=_flag(request, "any_licence"),
        )
        answer = {
            "estimate": estimate.number,
            "n_images": len(found.plan.places),
            "counts": found.plan.counts,
            "left_out": found.plan.left_out,
            "warnings": list(found.plan.warnings),
            "refusal": found.refusal,
            "sizes": found.sizes,
            "changes": found.change.counts,
        }
        return Response(PreviewRow(answer).data)


def _number(request: Request, name: str, default: int, least: int, most: int) -> int:
    told = request.query_params.get(name, str(default))
    if not (told.isascii() and told.isdigit() and len(told) < 12 and least <= int(told) <= most):
        raise ValidationError({name: [f"{told[:40]!r} is not between {least} and {most}."]})
    return int(told)


def _flag(request: Request, name: str) -> bool:
    told = request.query_params.get(name, "false")
    if told not in ("true", "false"):
        raise ValidationError({name: ["true or false."]})
    return told == "true"


project_urls = [
    path("releases/preview/", ReleasePreview.as_view(), name="release-preview"),
    path(
        "releases/<str:version>/difference/",
        ReleaseDifference.as_view(),
        name="release-difference",
    ),
]
