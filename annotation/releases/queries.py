"""What may be read of releases."""

import hashlib
from pathlib import Path

from django.conf import settings
from django.db.models import QuerySet

from annotation.jobs.models import Job
from annotation.people.models import Person, Project
from annotation.people.queries import Access

from .folder import INDEX_WIDTH, SUMS, Spot, digest_in, lines_of, spot_in
from .models import Download, LayoutName, Notice, Release

LATEST = "latest"
README = "README.md"


def releases_of(project: Project) -> QuerySet[Release]:
    """The project's releases, newest first, withdrawn ones too."""
    return Release.objects.filter(project=project).select_related("estimate", "parent", "job")


def latest_release(project: Project) -> Release | None:
    """The newest version that stands."""
    return releases_of(project).filter(state=Release.State.PUBLISHED).first()


def find_release(project: Project, version: str) -> Release | None:
    """The release of a version, or the newest that stands for ``latest``."""
    if version == LATEST:
        return latest_release(project)
    return releases_of(project).filter(version=version).first()


def successor(release: Release) -> Release | None:
    """The version to take instead of a withdrawn one: the newest standing one after it."""
    after = releases_of(release.project).filter(pk__gt=release.pk)
    return after.filter(state=Release.State.PUBLISHED).first()


def version_under_way(project: Project) -> str | None:
    """The version that a release job of the project is building or waits to build."""
    live = Job.objects.filter(project=project, kind="release", state__in=["queued", "running"])
    return live.values_list("parameters__version", flat=True).first()


def next_version(last: Release | None) -> str:
    """The next minor version; 1.0.0 where there is none."""
    if last is None:
        return "1.0.0"
    major, minor, _ = numbers(last.version)
    return f"{major}.{minor + 1}.0"


def next_patch(last: Release) -> str:
    major, minor, patch = numbers(last.version)
    return f"{major}.{minor}.{patch + 1}"


def numbers(version: str) -> tuple[int, ...]:
    """A version's three numbers, which compare as versions do."""
    return tuple(int(n) for n in version.split("."))


def folder_of(release: Release) -> Path:
    folder: Path = settings.RELEASES_ROOT / release.folder
    return folder


def archive_of(release: Release, layout: str = LayoutName.RAFDB) -> dict[str, str | int] | None:
    """Name, size and digest of one archive; None where this layout was not chosen."""
    return next((a for a in release.archives if a["layout"] == layout), None)


def archive_name(project: Project, version: str, layout: str) -> str:
    """The file name a download gets."""
    return f"{project.slug}-{version}{'' if layout == LayoutName.RAFDB else f'-{layout}'}.tar"


def archive_path(folder: Path, layout: str) -> Path:
    """Beside the folder: ``1.0.0.tar`` for the official tree, ``1.0.0.parquet.tar`` …"""
    return folder.with_name(
        f"{folder.name}{'' if layout == LayoutName.RAFDB else f'.{layout}'}.tar"
    )


def index_path(folder: Path, layout: str) -> Path:
    """Where each file begins in the archive of a layout other than the official tree."""
    return archive_path(folder, layout).with_suffix(".index")


def spot_of(release: Release, layout: str, path: str) -> Spot | None:
    """Where a file of another layout is in its archive; None for what is not listed there."""
    index = index_path(folder_of(release), layout)
    return spot_in(index, path) if index.is_file() else None


def files_of(release: Release, layout: str = LayoutName.RAFDB) -> list[tuple[str, str]]:
    """Path and SHA-256 of every file of a layout, in order."""
    if layout == LayoutName.RAFDB:
        return list(lines_of(folder_of(release) / SUMS))
    index = index_path(folder_of(release), layout)
    return list(lines_of(index, INDEX_WIDTH)) if index.is_file() else []


def digest_of(release: Release, path: str) -> str | None:
    """The SHA-256 of one file of the release; None for anything that is not listed in it."""
    if path == SUMS:
        return hashlib.sha256((folder_of(release) / SUMS).read_bytes()).hexdigest()
    return digest_in(folder_of(release) / SUMS, path)


def datasheet_of(release: Release) -> str:
    """The README of a release, in Markdown; empty where it is no longer on the disk."""
    path = folder_of(release) / README
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def downloads_in(who: Access) -> QuerySet[Download]:
    """What was fetched in a project, newest first: by anybody for curators, else by oneself."""
    rows = Download.objects.filter(release__project=who.project)
    rows = rows if who.is_curator else rows.filter(person=who.person)
    return rows.select_related("person", "release").order_by("-last_at", "-id")


def unread_notices(person: Person) -> list[Notice]:
    """What a person who downloaded a withdrawn version has not read yet, newest first."""
    rows = Notice.objects.filter(person=person, read_at=None)
    return list(rows.select_related("release__project")[:5])
