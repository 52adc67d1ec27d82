"""REST endpoints of faces, below ``/api/v1/projects/{slug}/``: searching, and coders' work."""

import uuid
from typing import Any

from django.core.exceptions import ValidationError as Invalid
from django.http import Http404
from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api import Conflict, ProjectView, StrictSerializer, unknown_parameters
from annotation.images.models import Image
from annotation.images.queries import images_of
from annotation.jobs.tasks import wake
from annotation.labelling.api import WholeNumberField
from annotation.people.models import Membership, Role

from . import coders, coding, pose, queries, services
from .models import Coding, Part

MOST = 50
READERS = (Role.CURATOR, Role.CODER, Role.RESEARCHER)


class SearchRequest(StrictSerializer):
    again = serializers.BooleanField(required=False, default=False)


class JobOfSearch(serializers.Serializer[Any]):
    job = serializers.IntegerField(help_text="Follow it at jobs/{id}/.")


class FacesFound(serializers.Serializer[Any]):
    counts = serializers.DictField(child=serializers.IntegerField())
    undecided = serializers.IntegerField()


class FaceSearch(ProjectView):
    roles = (Role.CURATOR,)

    @extend_schema(responses=FacesFound, operation_id="faces_found")
    def get(self, request: Request, slug: str) -> Response:
        project = self.access().project
        counts = queries.counts_of(project)
        return Response({"counts": counts, "undecided": queries.doubtful(project).count()})

    @extend_schema(request=SearchRequest, responses={202: JobOfSearch}, operation_id="faces_search")
    def post(self, request: Request, slug: str) -> Response:
        """Look for faces in every image that has no box."""
        found = self.access()
        asked = SearchRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            job, is_new = services.request_faces(
                found.project, found.person, again=asked.validated_data["again"]
            )
        except Invalid as error:
            raise Conflict(" ".join(error.messages)) from None
        if not is_new:
            raise Conflict(f"Job {job.pk} is looking for faces; wait for its end.")
        wake(job)
        return Response({"job": job.pk}, status=status.HTTP_202_ACCEPTED)


class PoseOfFace(serializers.Serializer[Any]):
    pitch = serializers.FloatField(help_text="Degrees, up.")
    yaw = serializers.FloatField(help_text="Degrees, to the image's right.")
    roll = serializers.FloatField(help_text="Degrees, clockwise.")
    pitch_sd = serializers.FloatField()
    yaw_sd = serializers.FloatField()
    roll_sd = serializers.FloatField()
    residual = serializers.FloatField(help_text="In distances between the eyes.")
    by = serializers.ChoiceField(choices=["coders", "detector"])


class FacePose(ProjectView):
    roles = READERS

    @extend_schema(responses=PoseOfFace, operation_id="image_pose")
    def get(self, request: Request, slug: str, uid: uuid.UUID) -> Response:
        """Pitch, yaw and roll from the five landmarks; 404 where there are none."""
        image = images_of(self.access().project).filter(uid=uid).first()
        points = image and (image.landmarks or image.proposed_landmarks)
        if not image or not points:
            raise Http404("No such image, or no landmarks yet.")
        by = "coders" if image.landmarks else "detector"
        noise = pose.NOISE if image.landmarks else pose.PROPOSED_NOISE
        return Response({**pose.estimate(points, noise)._asdict(), "by": by})


class FaceToCode(serializers.Serializer[Any]):
    uid = serializers.UUIDField()
    file_name = serializers.CharField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    box = serializers.ListField(child=serializers.FloatField(), allow_null=True)
    proposed = serializers.JSONField(allow_null=True, help_text="Five points to accept or move.")
    revision = serializers.IntegerField(help_text="Of this coder's own word; 0 if none.")
    said = serializers.JSONField(allow_null=True)


class CodingBody(StrictSerializer):
    revision = WholeNumberField(min_value=0, max_value=100_000)
    said = serializers.JSONField()
    seconds = serializers.FloatField(required=False, min_value=0, max_value=86_400)
    extra = serializers.BooleanField(required=False, default=False)


class CodingStored(serializers.Serializer[Any]):
    revision = serializers.IntegerField()
    said = serializers.JSONField()


class CodingView(ProjectView):
    roles = (Role.CODER,)

    def coder(self) -> Membership:
        found = coders.coder_of(self.access().memberships)
        if found is None:
            raise Http404("No such coder.")
        return found

    @staticmethod
    def known(part: str) -> str:
        if part not in Part.values:
            raise Http404(f"No such part; known are {', '.join(Part.values)}.")
        return part


class CodingQueue(CodingView):
    @extend_schema(
        responses=FaceToCode(many=True),
        operation_id="coding_queue",
        parameters=[OpenApiParameter("n", int, description="How many, up to 50.")],
    )
    def get(self, request: Request, slug: str, part: str) -> Response:
        """The next faces for this coder, disputed ones first."""
        unknown_parameters(request, "n")
        told = request.query_params.get("n", "10")
        if not (told.isascii() and told.isdigit() and 1 <= int(told) <= MOST):
            raise serializers.ValidationError({"n": [f"A whole number from 1 to {MOST}."]})
        rows = coders.queue(self.coder(), self.known(part), int(told))
        faces = [coders.described(image, part) for image in rows]
        return Response(FaceToCode(faces, many=True).data)


class CodingOne(CodingView):
    @extend_schema(responses=FaceToCode, operation_id="coding_detail")
    def get(self, request: Request, slug: str, part: str, uid: uuid.UUID) -> Response:
        """One face with what this coder said of it."""
        coder, part = self.coder(), self.known(part)
        image = self._image(coder, uid)
        mine = Coding.objects.filter(image=image, part=part, coder=coder).first()
        return Response(FaceToCode(coders.described(image, part, mine)).data)

    @extend_schema(request=CodingBody, responses=CodingStored, operation_id="coding_save")
    def put(self, request: Request, slug: str, part: str, uid: uuid.UUID) -> Response:
        """Store what this coder says; 409 where somebody was faster, with what to do."""
        coder, part = self.coder(), self.known(part)
        image = self._image(coder, uid)
        body = CodingBody(data=request.data)
        body.is_valid(raise_exception=True)
        told = dict(body.validated_data)
        try:
            stored = coding.save(image, coder, part, told.pop("said"), **told)
        except coding.Stale as error:
            raise Conflict(str(error)) from None
        except Invalid as error:
            raise serializers.ValidationError(error.message_dict) from None
        return Response({"revision": stored.revision, "said": stored.said})

    @staticmethod
    def _image(coder: Membership, uid: uuid.UUID) -> Image:
        image = images_of(coder.project).select_related("project").filter(uid=uid).first()
        if image is None:
            raise Http404("No such image.")
        return image


project_urls = [
    path("faces/", FaceSearch.as_view(), name="face-search"),
    path("images/<uuid:uid>/pose/", FacePose.as_view(), name="image-pose"),
    path("coding/<slug:part>/", CodingQueue.as_view(), name="coding-queue"),
    path("coding/<slug:part>/<uuid:uid>/", CodingOne.as_view(), name="coding-detail"),
]
