"""REST endpoints of subsets, below ``/api/v1/projects/{slug}/``: images by what they show."""

import math
from typing import Any

from django.http import Http404
from django.urls import path, reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api import ProjectView, StrictSerializer, TableView
from annotation.estimates.models import Estimate
from annotation.estimates.queries import estimates_of
from annotation.people.models import Role
from reliability import Subset

from . import queries, subsets
from .models import Release

PAGING = ("cursor", "page_size", "format")


class FiniteField(serializers.FloatField):
    """A number; ``nan`` and ``inf`` are none."""

    def to_internal_value(self, data: Any) -> float:
        value = super().to_internal_value(data)
        if not math.isfinite(value):
            raise serializers.ValidationError(f"{data!r} is not a number.")
        return value


class ChoiceQuery(StrictSerializer):
    """The filters, all optional."""

    estimate = serializers.IntegerField(
        required=False, min_value=1, max_value=2**31 - 1, help_text="Else the latest."
    )
    release = serializers.CharField(
        required=False, max_length=20, help_text="A version or 'latest'; for split and fold."
    )
    subset = serializers.ChoiceField(required=False, choices=list(subsets.SUBSETS))
    label = serializers.ChoiceField(required=False, choices=list(subsets.LABELS))
    split = serializers.ChoiceField(required=False, choices=["train", "test"])
    fold = serializers.IntegerField(required=False, min_value=0, max_value=4)
    entropy_min = FiniteField(required=False, min_value=0, help_text="Nats.")
    entropy_max = FiniteField(required=False, min_value=0, help_text="Nats.")
    agreement_min = FiniteField(
        required=False, min_value=0, max_value=1, help_text="Share of the weighted votes."
    )
    agreement_max = FiniteField(required=False, min_value=0, max_value=1)
    confidence_min = FiniteField(required=False, min_value=0, max_value=1)
    n_votes_min = serializers.IntegerField(required=False, min_value=0, max_value=1_000_000)
    gender = serializers.ChoiceField(required=False, choices=list(subsets.ATTRIBUTES["gender"]))
    race = serializers.ChoiceField(required=False, choices=list(subsets.ATTRIBUTES["race"]))
    age = serializers.ChoiceField(required=False, choices=list(subsets.ATTRIBUTES["age"]))


class LabelCount(serializers.Serializer[Any]):
    label = serializers.CharField()
    n = serializers.IntegerField()


class SubsetCount(serializers.Serializer[Any]):
    subset = serializers.CharField()
    n = serializers.IntegerField()
    labels = LabelCount(many=True)


class SubsetCounts(serializers.Serializer[Any]):
    estimate = serializers.IntegerField()
    release = serializers.CharField(allow_null=True)
    n_images = serializers.IntegerField()
    subsets = SubsetCount(many=True)


class SubsetImage(serializers.Serializer[Any]):
    image = serializers.UUIDField(source="image.uid")
    thumbnail = serializers.SerializerMethodField()
    subset = serializers.SerializerMethodField()
    label = serializers.SerializerMethodField()
    split = serializers.CharField(source="place_split", default=None, allow_null=True)
    fold = serializers.IntegerField(source="place_fold", default=None, allow_null=True)
    file = serializers.CharField(source="place_name", default=None, allow_null=True)
    n_votes = serializers.IntegerField()
    agreement = serializers.SerializerMethodField()
    confidence = serializers.FloatField()
    entropy = serializers.FloatField()
    distribution = serializers.ListField(child=serializers.FloatField())
    gender = serializers.IntegerField(source="image.gender", allow_null=True)
    race = serializers.IntegerField(source="image.race", allow_null=True)
    age = serializers.IntegerField(source="image.age", allow_null=True)

    def get_thumbnail(self, row: Any) -> str:
        slug = self.context["slug"]
        return reverse("api:image-file", args=[slug, row.image.uid]) + "?size=thumb"

    def get_subset(self, row: Any) -> str:
        return Subset(row.subset).name.lower()

    def get_label(self, row: Any) -> str:
        return subsets.label_of(row.subset, row.consensus, row.compound)

    def get_agreement(self, row: Any) -> float:
        return float(row.distribution[row.consensus])


class SubsetView(ProjectView):
    roles = (Role.CURATOR, Role.RESEARCHER)

    def asked(self) -> tuple[Estimate, Release | None, subsets.Choice]:
        """What the query parameters ask for; 400 with field and value for any other."""
        given = self.request.query_params
        twice = [name for name in given if len(given.getlist(name)) > 1]
        if twice:
            raise ValidationError({name: ["Give it once."] for name in twice})
        query = ChoiceQuery(data={k: v for k, v in given.items() if k not in PAGING})
        query.is_valid(raise_exception=True)
        said = dict(query.validated_data)
        release = self._release(said.pop("release", None), said)
        return self._estimate(said.pop("estimate", None), release), release, subsets.Choice(**said)

    def _estimate(self, number: int | None, release: Release | None) -> Estimate:
        rows = estimates_of(self.access().project)
        if number is None and release is not None:
            return release.estimate
        found = rows.first() if number is None else rows.filter(number=number).first()
        if found is None:
            raise Http404("There is no estimate yet." if number is None else "No such estimate.")
        return found

    def _release(self, version: str | None, said: dict[str, Any]) -> Release | None:
        if version is None:
            if "split" in said or "fold" in said:
                raise ValidationError({"release": ["Say of which release: a version or 'latest'."]})
            return None
        found = queries.find_release(self.access().project, version)
        if found is None:
            raise ValidationError({"release": [f"There is no release {version!r}."]})
        return found


class SubsetList(SubsetView):
    @extend_schema(parameters=[ChoiceQuery], responses=SubsetCounts, operation_id="subsets_counts")
    def get(self, request: Request, slug: str) -> Response:
        """How many images each subset has, and in it each label, of those that match."""
        estimate, release, choice = self.asked()
        rows = subsets.counts(subsets.chosen(estimate, choice, release))
        told = {
            "estimate": estimate.number,
            "release": release.version if release else None,
            "n_images": sum(row["n"] for row in rows),
            "subsets": rows,
        }
        return Response(told)


class SubsetImages(TableView, SubsetView):
    @extend_schema(
        parameters=[ChoiceQuery], responses=SubsetImage(many=True), operation_id="subsets_images"
    )
    def get(self, request: Request, slug: str) -> Response:
        """The images that match, a page at a time, each with its thumbnail's address."""
        estimate, release, choice = self.asked()
        rows = subsets.chosen(estimate, choice, release)
        return self.table(rows, SubsetImage, "id", slug=slug)


project_urls = [
    path("subsets/", SubsetList.as_view(), name="subset-list"),
    path("subsets/images/", SubsetImages.as_view(), name="subset-images"),
]
