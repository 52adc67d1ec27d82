"""REST endpoints of releases, below ``/api/v1/projects/{slug}/``.

Researchers and curators read and download; curators publish and withdraw. ``latest`` stands for the
newest version that was not withdrawn.
"""

from typing import Any

from django.http import Http404
from django.http.response import HttpResponseBase
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api import Gone, KeysetPagination, ProjectView, StrictSerializer, unknown_parameters
from annotation.jobs.tasks import wake
from annotation.people.models import Role

from . import queries, services
from .build import archive_path
from .models import Release
from .serving import begins, serve_file

ARCHIVE = "archive"
BYTES = {(200, "application/octet-stream"): OpenApiTypes.BINARY}


class ReleaseRow(serializers.ModelSerializer[Release]):
    estimate = serializers.IntegerField(source="estimate.number")
    job = serializers.IntegerField(source="job_id")

    class Meta:
        model = Release
        fields = [
            "version", "state", "withdrawn_reason", "estimate", "job", "seed", "code_version",
            "changelog", "counts", "manifest_digest", "archive_digest", "archive_size",
            "created_at",
        ]  # fmt: skip


class ReleaseRequest(StrictSerializer):
    version = serializers.CharField(max_length=20, required=False, help_text="Next minor if none.")
    estimate = serializers.IntegerField(required=False, help_text="A number; the latest if none.")
    changelog = serializers.CharField(max_length=5000, default="", allow_blank=True)
    seed = serializers.IntegerField(min_value=0, max_value=services.MAX_SEED, default=0)


class WithdrawRequest(StrictSerializer):
    reason = serializers.CharField(max_length=300)


class ReleaseJob(serializers.Serializer[Any]):
    job = serializers.IntegerField(help_text="Follow it at jobs/{id}/.")
    created = serializers.BooleanField(help_text="False where one was already under way.")


class ReleaseFileRow(serializers.Serializer[Any]):
    path = serializers.CharField()
    sha256 = serializers.CharField()


class ReleaseView(ProjectView):
    roles = (Role.CURATOR, Role.RESEARCHER)

    def release(self, version: str, *, standing: bool = False) -> Release:
        """The release; with ``standing``, 410 where it was withdrawn."""
        found = queries.find_release(self.access().project, version)
        if found is None:
            raise Http404(f"No release {version!r}.")
        if standing and found.state == Release.State.WITHDRAWN:
            raise Gone(_gone(found))
        return found


class ReleaseList(ReleaseView):
    @extend_schema(responses=ReleaseRow(many=True), operation_id="releases_list")
    def get(self, request: Request, slug: str) -> Response:
        unknown_parameters(request)
        paginator = KeysetPagination()
        rows = queries.releases_of(self.access().project)
        page = paginator.paginate_queryset(rows, request, view=self)
        return paginator.get_paginated_response(ReleaseRow(page, many=True).data)

    @extend_schema(request=ReleaseRequest, responses={202: ReleaseJob})
    def post(self, request: Request, slug: str) -> Response:
        who = self.access(Role.CURATOR)
        body = ReleaseRequest(data=request.data)
        body.is_valid(raise_exception=True)
        asked = dict(body.validated_data)
        number = asked.pop("estimate", None)
        estimate = None
        if number is not None:
            estimate = who.project.estimates.filter(number=number).first()
            if estimate is None:
                raise ValidationError({"estimate": [f"There is no estimate {number}."]})
        job, created = services.request_release(who.project, who.person, estimate=estimate, **asked)
        if created:
            wake(job)
        return Response({"job": job.pk, "created": created}, status=status.HTTP_202_ACCEPTED)


class ReleaseOne(ReleaseView):
    @extend_schema(responses=ReleaseRow)
    def get(self, request: Request, slug: str, version: str) -> Response:
        return Response(ReleaseRow(self.release(version)).data)


class ReleaseWithdraw(ReleaseView):
    @extend_schema(request=WithdrawRequest, responses=ReleaseRow)
    def post(self, request: Request, slug: str, version: str) -> Response:
        self.access(Role.CURATOR)
        body = WithdrawRequest(data=request.data)
        body.is_valid(raise_exception=True)
        release = self.release(version)
        services.withdraw_release(release, body.validated_data["reason"])
        return Response(ReleaseRow(release).data)


class ReleaseFiles(ReleaseView):
    @extend_schema(responses=ReleaseFileRow(many=True), operation_id="releases_files")
    def get(self, request: Request, slug: str, version: str) -> Response:
        """Every file with its SHA-256, as in SHA256SUMS; the whole list, in order."""
        unknown_parameters(request)
        folder = queries.folder_of(self.release(version, standing=True))
        rows = []
        for line in (folder / queries.SUMS).read_text(encoding="utf-8").splitlines():
            digest, _, name = line.partition("  ")
            rows.append({"path": name, "sha256": digest})
        return Response(rows)


class ReleaseFile(ReleaseView):
    @extend_schema(responses=BYTES)
    def get(self, request: Request, slug: str, version: str, file: str) -> HttpResponseBase:
        """One file; Range, strong ETag and Repr-Digest as for the archive."""
        release = self.release(version, standing=True)
        digest = queries.digest_of(release, file)
        if digest is None:
            raise Http404(f"No file {file!r} in {release.version}.")
        if begins(request):
            services.record_download(release, self.access().person, file)
        return serve_file(request, queries.folder_of(release) / file, digest)

    head = get


class ReleaseArchive(ReleaseView):
    @extend_schema(responses=BYTES)
    def get(self, request: Request, slug: str, version: str) -> HttpResponseBase:
        """The whole release as one uncompressed tar that resumes (`curl -C -`, `wget -c`)."""
        release = self.release(version, standing=True)
        found = queries.archive_of(release)
        if found is None:
            raise Http404(f"No archive of {release.version}.")
        if begins(request):
            services.record_download(release, self.access().person, ARCHIVE)
        return serve_file(
            request,
            archive_path(queries.folder_of(release), "rafdb"),
            str(found["sha256"]),
            name=str(found["name"]),
            is_attachment=True,
        )

    head = get


def _gone(release: Release) -> str:
    after = queries.successor(release)
    instead = f" Take {after.version} instead." if after else ""
    return f"{release.version} was withdrawn: {release.withdrawn_reason}.{instead}"


project_urls = [
    path("releases/", ReleaseList.as_view(), name="release-list"),
    path("releases/<str:version>/", ReleaseOne.as_view(), name="release-detail"),
    path("releases/<str:version>/withdraw/", ReleaseWithdraw.as_view(), name="release-withdraw"),
    path("releases/<str:version>/files/", ReleaseFiles.as_view(), name="release-files"),
    path("releases/<str:version>/files/<path:file>", ReleaseFile.as_view(), name="release-file"),
    path("releases/<str:version>/archive/", ReleaseArchive.as_view(), name="release-archive"),
]
