"""What a take-down sets off. ``strike`` marks the image; ``enforce`` makes the site follow.

``enforce`` compares what is with what should be and mends the difference, as often as it is
called: after each decision at once, and by a task every few seconds for whatever was cut short.
"""

import shutil

from django.core.files.storage import default_storage
from django.db.models import QuerySet
from django.db.models.functions import Now

from annotation.images.copies import Prints, fingerprint
from annotation.images.models import GivenLabel, Image, Size, Trace
from annotation.jobs.models import Job
from annotation.jobs.services import cancel_job
from annotation.labelling.services import close_images
from annotation.people.models import Project
from annotation.releases import queries as releases
from annotation.releases import services as releasing
from annotation.releases.models import Release
from annotation.runs.models import Run

REASON = "A person asked for a picture in it to be taken down."
CHANGELOG = "Without pictures that people asked to be taken down."
KEPT_OF_A_RELEASE = {"manifest.json", "SHA256SUMS", "README.md", "CITATION.cff"}
"""What stays of a withdrawn release's folder: what it was, without anybody's face or name."""


def strike(image: Image) -> None:
    """Take an image out of everything, within the caller's transaction; its files follow.

    What was known of the person and the photograph is forgotten; digests and fingerprints stay,
    so that it is known again.
    """
    prints = _fingerprint(image)
    Trace.objects.get_or_create(
        image=image, defaults={"plain": prints.plain, "mirrored": prints.mirrored}
    )
    Image.objects.filter(pk=image.pk).update(
        state=Image.State.TAKEN_DOWN,
        state_reason="",
        file_name="(taken down)",
        provenance={},
        box=None,
        landmarks=None,
        proposed_landmarks=None,
        auto_landmarks=None,
        action_units=None,
        gender=None,
        race=None,
        age=None,
    )
    GivenLabel.objects.filter(image=image).delete()
    close_images([image.pk])
    image.refresh_from_db()


def enforce() -> None:
    """Make everything that is served follow what was struck: files, releases, trainings."""
    erase_files()
    for release in _holding().filter(state=Release.State.PUBLISHED):
        releasing.withdraw_release(release, REASON)
    for release in _holding():
        _cancel_trainings(release)
        empty(release)


def request_patches() -> list[Job]:
    """Ask for the next versions of what was withdrawn; the jobs that a worker must be woken for."""
    projects = Project.objects.filter(releases__in=_withdrawn_here()).distinct()
    jobs = [request_patch(project) for project in projects]
    return [job for job in jobs if job is not None]


def erase_files() -> None:
    """Delete the stored files of everything that was struck."""
    for trace in Trace.objects.filter(erased_at=None).select_related("image"):
        for size in Size:
            default_storage.delete(trace.image.stored_as(size))
        Trace.objects.filter(pk=trace.pk).update(erased_at=Now())


def empty(release: Release) -> None:
    """Remove a withdrawn release's archives and pictures from the disk."""
    folder = releases.folder_of(release)
    for archive in release.archives:
        for path in (releases.archive_path, releases.index_path):
            path(folder, str(archive["layout"])).unlink(missing_ok=True)
    if not folder.is_dir():
        return
    for entry in folder.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        elif entry.name not in KEPT_OF_A_RELEASE:
            entry.unlink(missing_ok=True)


def request_patch(project: Project) -> Job | None:
    """Ask for the version that takes the place of the newest one withdrawn for a take-down.

    None where it is there or under way, or has failed and nothing was struck since.
    """
    last = _withdrawn_here().filter(project=project).first()
    if last is None or releases.successor(last) is not None:
        return None
    version = releases.next_patch(releases.releases_of(project).first() or last)
    tried = project.jobs.filter(kind="release", parameters__version=version).order_by("-pk").first()
    struck = Trace.objects.filter(image__project=project)
    if tried is not None and not struck.filter(taken_down_at__gt=tried.created_at).exists():
        return None
    job, created = releasing.request_patch(last, version, CHANGELOG)
    return job if created else None


def _holding() -> QuerySet[Release]:
    """The releases that hold a struck image, newest first."""
    struck = Image.objects.filter(state=Image.State.TAKEN_DOWN)
    rows = Release.objects.filter(images__image__in=struck).distinct()
    return rows.select_related("project", "estimate").order_by("-pk")


def _withdrawn_here() -> QuerySet[Release]:
    return _holding().filter(state=Release.State.WITHDRAWN, withdrawn_reason=REASON)


def _cancel_trainings(release: Release) -> None:
    live = [Job.State.QUEUED, Job.State.RUNNING]
    for run in Run.objects.filter(release=release, job__state__in=live).select_related("job"):
        cancel_job(run.job)


def _fingerprint(image: Image) -> Prints:
    try:
        with default_storage.open(image.stored_as()) as file:
            return fingerprint(file)
    except OSError:  # lost before: its digests alone must do
        return Prints(b"", b"")
