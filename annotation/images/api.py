"""REST endpoints of images and imports, below ``/api/v1/projects/{slug}/``."""

import uuid
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError as Invalid
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpResponse, HttpResponseNotModified
from django.http.response import HttpResponseBase
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api import (
    Conflict,
    ProjectView,
    StrictSerializer,
    TableView,
    unknown_parameters,
)
from annotation.jobs.models import Job
from annotation.jobs.tasks import wake
from annotation.people.models import Person, Project, Role

from . import queries, services, uploads
from .models import Image, Import, Size

READERS = (Role.CURATOR, Role.CODER, Role.RESEARCHER)
BYTES = {(200, "image/*"): OpenApiTypes.BINARY}


class ImageRow(serializers.ModelSerializer[Image]):
    near_copy_of = serializers.UUIDField(source="near_copy_of.uid", default=None, allow_null=True)

    class Meta:
        model = Image
        fields = [
            "uid", "file_name", "state", "state_reason", "format", "width", "height", "box",
            "landmarks", "gender", "race", "age", "provenance", "digest", "near_copy_of",
            "created_at",
        ]  # fmt: skip


class ImageChange(StrictSerializer):
    state = serializers.ChoiceField(choices=["active", "excluded"])
    reason = serializers.CharField(max_length=300, required=False, default="", allow_blank=True)


class ImportRow(serializers.ModelSerializer[Import]):
    job = serializers.IntegerField(source="job_id")

    class Meta:
        model = Import
        fields = [
            "id", "source", "job", "created_at", "n_seen", "n_imported", "n_refused", "n_flagged",
        ]  # fmt: skip


class ImportDetail(ImportRow):
    report = serializers.ListField(child=serializers.DictField())

    class Meta(ImportRow.Meta):
        fields = [*ImportRow.Meta.fields, "report"]


class ImportRequest(StrictSerializer):
    upload = serializers.UUIDField(required=False, help_text="A complete upload.")
    path = serializers.CharField(required=False, help_text="Below the server's IMPORT_ROOT.")
    bucket = serializers.CharField(
        required=False, allow_blank=True, help_text="Below the server's IMPORT_BUCKET."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 1:
            raise ValidationError("Give one of upload, path and bucket.")
        return attrs


class JobOfImport(serializers.Serializer[Any]):
    job = serializers.IntegerField(help_text="Follow it at jobs/{id}/.")


class UploadRequest(StrictSerializer):
    name = serializers.CharField(max_length=300)
    size = serializers.IntegerField(min_value=1)


class UploadRow(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    size = serializers.IntegerField()
    offset = serializers.IntegerField()


class ImageView(ProjectView):
    roles = READERS

    def image(self, uid: uuid.UUID) -> Image:
        rows = queries.images_of(self.access().project).select_related("near_copy_of", "project")
        image = rows.filter(uid=uid).first()
        if image is None:
            raise Http404("No such image.")
        return image


class ImageList(TableView, ImageView):
    @extend_schema(
        operation_id="image_list",
        parameters=[
            OpenApiParameter("state", enum=["active", "excluded"]),
            OpenApiParameter("keyword"),
            OpenApiParameter("near_copies", bool),
            OpenApiParameter("cursor"),
            OpenApiParameter("page_size", int),
        ],
        responses=ImageRow(many=True),
    )
    def get(self, request: Request, slug: str) -> Response:
        unknown_parameters(request, "state", "keyword", "near_copies")
        chosen = {name: request.query_params.get(name, "") for name in ("state", "keyword")}
        if chosen["state"] not in ("", "active", "excluded"):
            raise ValidationError({"state": ["One of active, excluded."]})
        only_copies = request.query_params.get("near_copies", "false")
        if only_copies not in ("true", "false"):
            raise ValidationError({"near_copies": ["true or false."]})
        rows = queries.filtered(
            queries.images_of(self.access().project), **chosen, near_copies=only_copies == "true"
        )
        return self.table(rows.select_related("near_copy_of"), ImageRow)


class ImageDetail(ImageView):
    @extend_schema(operation_id="image_detail", responses=ImageRow)
    def get(self, request: Request, slug: str, uid: uuid.UUID) -> Response:
        return Response(ImageRow(self.image(uid)).data)

    @extend_schema(operation_id="image_change", request=ImageChange, responses=ImageRow)
    def patch(self, request: Request, slug: str, uid: uuid.UUID) -> Response:
        """Exclude an image with a reason, or restore it."""
        self.access(Role.CURATOR)
        image = self.image(uid)
        asked = ImageChange(data=request.data)
        asked.is_valid(raise_exception=True)
        if asked.validated_data["state"] != image.state:
            if asked.validated_data["state"] == Image.State.EXCLUDED:
                services.exclude(image, asked.validated_data["reason"])
            else:
                services.restore(image)
        return Response(ImageRow(image).data)


class ImageFile(ProjectView):
    """Display and thumbnail for every member, the original for who works with the files."""

    @extend_schema(
        operation_id="image_file",
        parameters=[OpenApiParameter("size", enum=list(Size.values), default="original")],
        responses=BYTES,
    )
    def get(self, request: Request, slug: str, uid: uuid.UUID) -> HttpResponseBase:
        unknown_parameters(request, "size")
        size = request.query_params.get("size", Size.ORIGINAL)
        if size not in Size.values:
            raise ValidationError({"size": [f"One of {', '.join(Size.values)}."]})
        found = self.access(*READERS) if size == Size.ORIGINAL else self.access()
        image = queries.images_of(found.project).filter(uid=uid).only(*FILE_FIELDS).first()
        if image is None:
            raise Http404("No such image.")
        return _served(request, image, size)


FILE_FIELDS = ("uid", "format", "has_display")


def _served(request: Request, image: Image, size: str) -> HttpResponseBase:
    """The file itself. It never changes under its name, so a browser may keep it for good."""
    etag = f'"{image.uid}-{size}"'
    response: HttpResponseBase
    if request.headers.get("If-None-Match") == etag:
        response = HttpResponseNotModified()
    elif settings.BEHIND_NGINX:
        response = HttpResponse(content_type=f"image/{image.format_of(size)}")
        response["X-Accel-Redirect"] = f"/protected/media/{image.stored_as(size)}"
    else:
        try:
            file = default_storage.open(image.stored_as(size))
        except FileNotFoundError:
            raise Http404("The file of this image is no longer in the storage.") from None
        response = FileResponse(file, content_type=f"image/{image.format_of(size)}")
    response["ETag"] = etag
    response["Cache-Control"] = "private, max-age=31536000, immutable"
    response["X-Content-Type-Options"] = "nosniff"
    return response


class ImportList(TableView):
    roles = (Role.CURATOR,)

    @extend_schema(operation_id="import_list", responses=ImportRow(many=True))
    def get(self, request: Request, slug: str) -> Response:
        unknown_parameters(request)
        return self.table(queries.imports_of(self.access().project).defer("report"), ImportRow)

    @extend_schema(
        operation_id="import_create", request=ImportRequest, responses={202: JobOfImport}
    )
    def post(self, request: Request, slug: str) -> Response:
        """Import a complete upload, a folder or zip on the server, or a part of its bucket."""
        found = self.access()
        asked = ImportRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        if "upload" in asked.validated_data:
            upload = _upload(found.project.pk, asked.validated_data["upload"])
            if not upload.is_complete:
                raise Conflict(f"{upload.offset:,} of {upload.size:,} bytes have arrived.")
            job, is_new = services.request_upload_import(
                found.project, upload.id, upload.name, found.person
            )
        elif "bucket" in asked.validated_data:
            job, is_new = _of_bucket(found.project, asked.validated_data["bucket"], found.person)
        else:
            place = _below_root(asked.validated_data["path"])
            job, is_new = services.request_import(found.project, place, found.person)
        if not is_new:
            raise Conflict(f"Job {job.pk} is importing into this project; wait for its end.")
        wake(job)
        return Response({"job": job.pk}, status=status.HTTP_202_ACCEPTED)


def _of_bucket(project: Project, prefix: str, person: Person) -> tuple[Job, bool]:
    try:
        return services.request_bucket_import(project, prefix, person)
    except Invalid as error:
        raise ValidationError(error.message_dict) from None


def _below_root(told: str) -> Path:
    """A path on the server, kept inside ``IMPORT_ROOT``; without that setting none is allowed."""
    root = getattr(settings, "IMPORT_ROOT", None)
    if root is None:
        raise ValidationError({"path": ["This server has no IMPORT_ROOT; upload a zip instead."]})
    place = (Path(root) / told).resolve()
    if not place.is_relative_to(Path(root).resolve()) or not place.exists():
        raise ValidationError({"path": ["There is no such file or folder below IMPORT_ROOT."]})
    return place


class ImportOne(ProjectView):
    roles = (Role.CURATOR,)

    @extend_schema(operation_id="import_detail", responses=ImportDetail)
    def get(self, request: Request, slug: str, pk: int) -> Response:
        record = queries.imports_of(self.access().project).filter(pk=pk).first()
        if record is None:
            raise Http404("No such import.")
        return Response(ImportDetail(record).data)


class UploadList(ProjectView):
    roles = (Role.CURATOR,)

    @extend_schema(operation_id="upload_list", responses=UploadRow(many=True))
    def get(self, request: Request, slug: str) -> Response:
        waiting = uploads.uploads_of(self.access().project.pk)
        return Response(UploadRow(list(waiting), many=True).data)

    @extend_schema(operation_id="upload_create", request=UploadRequest, responses={201: UploadRow})
    def post(self, request: Request, slug: str) -> Response:
        found = self.access()
        asked = UploadRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            upload = uploads.create(found.project.pk, found.person.pk, **asked.validated_data)
        except uploads.Unacceptable as error:
            raise ValidationError({"size": [str(error)]}) from None
        return Response(UploadRow(upload).data, status=status.HTTP_201_CREATED)


class UploadOne(ProjectView):
    """An upload that grows: ask for its offset, add bytes at it, throw it away."""

    roles = (Role.CURATOR,)

    @extend_schema(operation_id="upload_offset", responses=UploadRow)
    def get(self, request: Request, slug: str, pk: uuid.UUID) -> Response:
        upload = _upload(self.access().project.pk, pk)
        return Response(UploadRow(upload).data, headers={"Upload-Offset": str(upload.offset)})

    @extend_schema(
        operation_id="upload_append",
        request={"application/offset+octet-stream": OpenApiTypes.BINARY},
        parameters=[OpenApiParameter("Upload-Offset", int, OpenApiParameter.HEADER)],
        responses=UploadRow,
    )
    def patch(self, request: Request, slug: str, pk: uuid.UUID) -> Response:
        """Append the body at ``Upload-Offset``; it is written as it arrives."""
        upload = _upload(self.access().project.pk, pk)
        told = request.headers.get("Upload-Offset", "")
        if not (told.isascii() and told.isdigit()):
            raise ValidationError({"Upload-Offset": ["The number of bytes already sent."]})
        try:
            offset = uploads.append(upload, int(told), request._request)
        except uploads.Unacceptable as error:
            raise Conflict(str(error)) from None
        return Response(UploadRow(upload).data, headers={"Upload-Offset": str(offset)})

    @extend_schema(operation_id="upload_discard", responses={204: None})
    def delete(self, request: Request, slug: str, pk: uuid.UUID) -> Response:
        upload = _upload(self.access().project.pk, pk)
        uploads.discard(upload.project, upload.id)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _upload(project: int, upload_id: uuid.UUID) -> uploads.Upload:
    upload = uploads.find(project, str(upload_id))
    if upload is None:
        raise Http404("No such upload.")
    return upload


project_urls = [
    path("images/", ImageList.as_view(), name="image-list"),
    path("images/<uuid:uid>/", ImageDetail.as_view(), name="image-detail"),
    path("images/<uuid:uid>/file/", ImageFile.as_view(), name="image-file"),
    path("imports/", ImportList.as_view(), name="import-list"),
    path("imports/uploads/", UploadList.as_view(), name="upload-list"),
    path("imports/uploads/<uuid:pk>/", UploadOne.as_view(), name="upload-detail"),
    path("imports/<int:pk>/", ImportOne.as_view(), name="import-detail"),
]
