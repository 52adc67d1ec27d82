"""REST endpoints of releases, below ``/api/v1/projects/{slug}/``.

Researchers and curators read and download; curators publish and withdraw. ``latest`` stands for the
newest version that was not withdrawn.
"""

from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from django.http import Http404
from django.http.response import HttpResponseBase
from django.urls import path, reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.agreements.api import must_have_accepted
from annotation.api import Gone, ProjectView, StrictSerializer, TableView, unknown_parameters
from annotation.jobs.tasks import wake
from annotation.people.models import Role

from . import queries, services
from .building_api import project_urls as building_urls
from .models import Download, LayoutName, Release
from .serving import Part, bytes_to_send, etag_of, parts_of, serve_file

MIN_PART_BYTES, PART_BYTES, MAX_PART_BYTES = 2**16, 2**29, 2**40
MAX_PARTS = 9_999
LAYOUT = OpenApiParameter("layout", description="Of the release's archives; 'rafdb' if none.")
BYTES = {(200, "*/*"): OpenApiTypes.ANY}


class ArchiveRow(serializers.Serializer[Any]):
    layout = serializers.ChoiceField(choices=LayoutName.choices)
    name = serializers.CharField()
    size = serializers.IntegerField()
    sha256 = serializers.CharField()


class ReleaseRow(serializers.ModelSerializer[Release]):
    estimate = serializers.IntegerField(source="estimate.number")
    job = serializers.IntegerField(source="job_id")
    left_out = serializers.DictField(child=serializers.IntegerField())
    warnings = serializers.ListField(child=serializers.CharField())
    archives = ArchiveRow(many=True)

    class Meta:
        model = Release
        fields = [
            "version", "state", "withdrawn_reason", "estimate", "job", "seed", "code_version",
            "changelog", "counts", "left_out", "warnings", "archives", "manifest_digest",
            "archive_digest", "archive_size", "created_at",
        ]  # fmt: skip


class ReleaseRequest(StrictSerializer):
    version = serializers.CharField(max_length=20, required=False, help_text="Next minor if none.")
    estimate = serializers.IntegerField(required=False, help_text="A number; the latest if none.")
    changelog = serializers.CharField(max_length=5000, default="", allow_blank=True)
    seed = serializers.IntegerField(min_value=0, max_value=services.MAX_SEED, default=0)
    layouts = serializers.ListField(
        child=serializers.ChoiceField(choices=LayoutName.choices),
        default=lambda: [LayoutName.RAFDB.value],
        help_text="Each an archive of its own; the official tree is always among them.",
    )
    twelfth = serializers.BooleanField(
        default=False, help_text="With Fearfully Disgusted, which RAF-DB leaves out as too rare."
    )
    any_licence = serializers.BooleanField(
        default=False, help_text="With photographs whose licence forbids copies or changes."
    )
    votes = serializers.BooleanField(
        required=False, help_text="The votes under codes; where the project shares them if absent."
    )
    features = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**31 - 1),
        default=list,
        help_text="Runs whose features of every face go in, as Feature/*.mat.",
    )


class WithdrawRequest(StrictSerializer):
    reason = serializers.CharField(max_length=300)


class ReleaseJob(serializers.Serializer[Any]):
    job = serializers.IntegerField(help_text="Follow it at jobs/{id}/.")
    created = serializers.BooleanField(help_text="False where one was already under way.")


class ReleaseFileRow(serializers.Serializer[Any]):
    path = serializers.CharField()
    sha256 = serializers.CharField()


class PartRow(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    name = serializers.CharField()
    offset = serializers.IntegerField(help_text="In the archive, in bytes.")
    length = serializers.IntegerField(help_text="Bytes.")
    url = serializers.CharField()


class DownloadRow(serializers.ModelSerializer[Download]):
    version = serializers.CharField(source="release.version")
    person = serializers.CharField(source="person.__str__")

    class Meta:
        model = Download
        fields = ["version", "person", "path", "n_requests", "n_bytes", "started_at", "last_at"]


class Archive(NamedTuple):
    """An archive on the disk."""

    path: Path
    name: str
    sha256: str
    size: int


class ReleaseView(ProjectView):
    roles = (Role.CURATOR, Role.RESEARCHER)

    def release(self, version: str, *, standing: bool = False) -> Release:
        """The release; with ``standing``, 410 where it was withdrawn."""
        found = queries.find_release(self.access().project, version)
        if found is None:
            raise Http404(f"No release {version!r}.")
        if standing and found.state == Release.State.WITHDRAWN:
            raise Withdrawn(found)
        return found

    def layout(self, release: Release) -> str:
        """The layout that was asked for, the official tree if none; 400 where it was not built."""
        layout = self.request.query_params.get("layout", LayoutName.RAFDB.value)
        if queries.archive_of(release, layout) is None:
            have = ", ".join(str(a["layout"]) for a in release.archives)
            raise ValidationError({"layout": [f"{layout!r} is not one of {have}."]})
        return str(layout)


class ReleaseList(TableView, ReleaseView):
    @extend_schema(responses=ReleaseRow(many=True), operation_id="releases_list")
    def get(self, request: Request, slug: str) -> Response:
        unknown_parameters(request)
        return self.table(queries.releases_of(self.access().project), ReleaseRow)

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
        asked["site"] = request.build_absolute_uri("/")
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
    @extend_schema(
        responses=ReleaseFileRow(many=True), operation_id="releases_files", parameters=[LAYOUT]
    )
    def get(self, request: Request, slug: str, version: str) -> Response:
        """Every file of a layout with its SHA-256; the whole list, in order."""
        unknown_parameters(request, "layout")
        release = self.release(version, standing=True)
        listed = queries.files_of(release, self.layout(release))
        return Response([{"path": path, "sha256": sha256} for path, sha256 in listed])


class DownloadView(ReleaseView):
    """What hands out files: to whom accepted the agreement, of a release that stands, noted."""

    def standing_release(self, version: str) -> Release:
        must_have_accepted(self.access())
        return self.release(version, standing=True)

    def send(
        self, release: Release, noted_as: str, path: Path, sha256: str, **how: Any
    ) -> HttpResponseBase:
        """The file, and the note that this person fetched it."""
        part, inside = how.get("part"), how.get("inside")
        size = part.length if part else inside.size if inside else path.stat().st_size
        n_bytes = bytes_to_send(self.request, etag_of(sha256, part), size)
        if n_bytes:
            services.record_download(release, self.access().person, noted_as, n_bytes)
        return serve_file(self.request, path, sha256, **how)

    def archive(self, release: Release) -> Archive:
        """The archive of the layout that was asked for, the official tree's if of none."""
        layout = self.layout(release)
        found = queries.archive_of(release, layout) or {}
        path = queries.archive_path(queries.folder_of(release), layout)
        return Archive(path, str(found["name"]), str(found["sha256"]), int(found["size"]))


class ReleaseFile(DownloadView):
    @extend_schema(responses=BYTES, parameters=[LAYOUT])
    def get(self, request: Request, slug: str, version: str, file: str) -> HttpResponseBase:
        """One file; Range, strong ETag and Repr-Digest as for the archive."""
        unknown_parameters(request, "layout")
        release = self.standing_release(version)
        layout = self.layout(release)
        if layout != LayoutName.RAFDB:
            return self._from_archive(release, layout, file)
        digest = queries.digest_of(release, file)
        if digest is None:
            raise Http404(f"No file {file!r} in {release.version}.")
        return self.send(release, file, queries.folder_of(release) / file, digest)

    def _from_archive(self, release: Release, layout: str, file: str) -> HttpResponseBase:
        """A file of another layout, whose bytes lie in its archive only."""
        spot = queries.spot_of(release, layout, file)
        if spot is None:
            raise Http404(f"No file {file!r} in {release.version} as {layout}.")
        archive = queries.archive_path(queries.folder_of(release), layout)
        name = PurePosixPath(file).name
        noted = f"{layout}/{file}"
        return self.send(release, noted, archive, spot.sha256, name=name, inside=spot)

    head = get


class ReleaseArchive(DownloadView):
    @extend_schema(responses=BYTES, parameters=[LAYOUT])
    def get(self, request: Request, slug: str, version: str) -> HttpResponseBase:
        """The whole release as one uncompressed tar that resumes (`curl -C -`, `wget -c`)."""
        unknown_parameters(request, "layout")
        release = self.standing_release(version)
        found = self.archive(release)
        return self.send(
            release, found.name, found.path, found.sha256, name=found.name, is_attachment=True
        )

    head = get


class ReleaseParts(DownloadView):
    @extend_schema(
        responses=PartRow(many=True),
        operation_id="releases_parts",
        parameters=[LAYOUT, OpenApiParameter("size", int, description="Of each part, in bytes.")],
    )
    def get(self, request: Request, slug: str, version: str) -> Response:
        """The archive in parts of a size of one's choice; put together with `cat`, in order."""
        unknown_parameters(request, "layout", "size")
        release = self.standing_release(version)
        found = self.archive(release)
        size = _part_size(request.query_params.get("size", str(PART_BYTES)), found.size)
        asked = (
            f"?layout={request.query_params['layout']}" if "layout" in request.query_params else ""
        )
        rows = [
            {
                **part._asdict(),
                "name": _part_name(found.name, part),
                "url": request.build_absolute_uri(
                    reverse("api:release-part", args=[slug, release.version, size, part.number])
                )
                + asked,
            }
            for part in parts_of(found.size, size)
        ]
        return Response(rows)


class ReleasePart(DownloadView):
    @extend_schema(responses=BYTES, parameters=[LAYOUT])
    def get(
        self, request: Request, slug: str, version: str, size: int, number: int
    ) -> HttpResponseBase:
        """One part of the archive; it resumes by itself."""
        unknown_parameters(request, "layout")
        release = self.standing_release(version)
        found = self.archive(release)
        parts = parts_of(found.size, _part_size(str(size), found.size))
        if not 1 <= number <= len(parts):
            raise Http404(f"There are {len(parts)} parts of this size, from 1 on.")
        part = parts[number - 1]
        name = _part_name(found.name, part)
        return self.send(
            release, name, found.path, found.sha256, name=name, is_attachment=True, part=part
        )

    head = get


class ReleaseDownloads(TableView, ReleaseView):
    @extend_schema(responses=DownloadRow(many=True), operation_id="releases_downloads")
    def get(self, request: Request, slug: str, version: str) -> Response:
        """Who fetched what, when and how much: everybody's for curators, else one's own."""
        unknown_parameters(request)
        rows = queries.downloads_in(self.access()).filter(release=self.release(version))
        return self.table(rows, DownloadRow)


def _part_name(archive: str, part: Part) -> str:
    return f"{archive}.{part.number:04d}"


def _part_size(told: str, whole: int) -> int:
    """The size of each part in bytes; 400 where it is none, or makes too many parts."""
    least = max(MIN_PART_BYTES, -(-whole // MAX_PARTS))
    if not (told.isascii() and told.isdigit()) or not least <= int(told[:19]) <= MAX_PART_BYTES:
        raise ValidationError(
            {"size": [f"{told!r} is not a number of bytes from {least:,} to {MAX_PART_BYTES:,}."]}
        )
    return int(told)


class Withdrawn(Gone):
    """410 for a withdrawn release, with a pointer to the version that takes its place."""

    def __init__(self, release: Release) -> None:
        after = queries.successor(release)
        coming = None if after else queries.version_under_way(release.project)
        told = f"{release.version} was withdrawn: {release.withdrawn_reason}"
        if after:
            told += f" Take {after.version} instead."
            address = reverse("api:release-detail", args=[release.project.slug, after.version])
            self.extra = {"successor": after.version, "successor_url": address}
        elif coming:
            told += f" {coming} takes its place; it is being built."
            self.extra = {"successor": coming}
        super().__init__(told)


project_urls = [
    *building_urls,
    path("releases/", ReleaseList.as_view(), name="release-list"),
    path("releases/<str:version>/", ReleaseOne.as_view(), name="release-detail"),
    path("releases/<str:version>/withdraw/", ReleaseWithdraw.as_view(), name="release-withdraw"),
    path("releases/<str:version>/files/", ReleaseFiles.as_view(), name="release-files"),
    path("releases/<str:version>/files/<path:file>", ReleaseFile.as_view(), name="release-file"),
    path("releases/<str:version>/archive/", ReleaseArchive.as_view(), name="release-archive"),
    path("releases/<str:version>/archive/parts/", ReleaseParts.as_view(), name="release-parts"),
    path(
        "releases/<str:version>/archive/parts/<int:size>/<int:number>/",
        ReleasePart.as_view(),
        name="release-part",
    ),
    path("releases/<str:version>/downloads/", ReleaseDownloads.as_view(), name="release-downloads"),
]
