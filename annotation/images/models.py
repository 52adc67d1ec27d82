"""Images: one face each, with the photograph it came from, its geometry and attributes."""

import uuid

from django.db import models
from django.db.models.functions import Now

from annotation.jobs.models import Job
from annotation.people.models import Person, Project


class Import(models.Model):
    """One arrival of photographs: what came in, what was refused and why."""

    job = models.OneToOneField(Job, models.PROTECT, related_name="imported")
    project = models.ForeignKey(Project, models.CASCADE, related_name="imports")
    source = models.CharField(max_length=300)
    created_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    n_seen = models.PositiveIntegerField(default=0)
    n_imported = models.PositiveIntegerField(default=0)
    n_refused = models.PositiveIntegerField(default=0)
    n_flagged = models.PositiveIntegerField(default=0)
    report = models.JSONField(default=list)
    """Remarks: ``[{"file": …, "what": "refused" | "flagged" | "row", "why": …}]``."""

    def __str__(self) -> str:
        return f"{self.source} ({self.n_imported} images)"


class Size(models.TextChoices):
    """The three files of an image."""

    ORIGINAL = "original"
    DISPLAY = "display"
    THUMB = "thumb"


class Image(models.Model):
    """One face. ``uid`` names its files; ``digest`` is of the bytes as they arrived."""

    class Format(models.TextChoices):
        JPEG = "jpeg"
        PNG = "png"
        WEBP = "webp"

    class State(models.TextChoices):
        ACTIVE = "active"
        HELD = "held"
        """Nobody votes on it yet: faces are looked for first."""
        EXCLUDED = "excluded"
        TAKEN_DOWN = "taken_down"

    class Gender(models.IntegerChoices):
        MALE = 0
        FEMALE = 1
        UNSURE = 2

    class Race(models.IntegerChoices):
        CAUCASIAN = 0
        AFRICAN_AMERICAN = 1
        ASIAN = 2

    class Age(models.IntegerChoices):
        AGE_0_3 = 0, "0–3"
        AGE_4_19 = 1, "4–19"
        AGE_20_39 = 2, "20–39"
        AGE_40_69 = 3, "40–69"
        AGE_70 = 4, "70+"

    project = models.ForeignKey(Project, models.CASCADE, related_name="images")
    imported_in = models.ForeignKey(Import, models.PROTECT, related_name="images")
    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    file_name = models.CharField(max_length=300)
    state = models.CharField(max_length=12, choices=State, default=State.ACTIVE)
    state_reason = models.CharField(max_length=300, blank=True)
    digest = models.CharField(max_length=64)
    pixel_digest = models.CharField(max_length=64)
    phash = models.BigIntegerField()
    mirrored_phash = models.BigIntegerField()
    near_copy_of = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="near_copies"
    )
    format = models.CharField(max_length=4, choices=Format)
    """Of the stored picture; display and thumbnail are always JPEG."""
    has_display = models.BooleanField(default=True)
    """Whether a smaller copy was made for labelling; a small JPEG serves as its own."""
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    box = models.JSONField(null=True, blank=True)
    """``[x_min, y_min, x_max, y_max]`` in pixels of the stored picture."""
    landmarks = models.JSONField(null=True, blank=True)
    """Five ``[x, y]``: left eye, right eye, nose tip, left and right mouth corner (image sides)."""
    proposed_landmarks = models.JSONField(null=True, blank=True)
    """Five points as a detector sees them, until a coder sets ``landmarks``."""
    auto_landmarks = models.JSONField(null=True, blank=True)
    """37 ``[x, y]`` in the order of RAF-DB's automatic annotation."""
    gender = models.PositiveSmallIntegerField(null=True, blank=True, choices=Gender)
    race = models.PositiveSmallIntegerField(null=True, blank=True, choices=Race)
    age = models.PositiveSmallIntegerField(null=True, blank=True, choices=Age)
    action_units = models.JSONField(null=True, blank=True)
    """FACS codes such as ``["1C", "2", "L12D"]``; an empty list is a face that shows none."""
    provenance = models.JSONField(default=dict)
    """What is known of the photograph: ``keyword, source_url, owner, licence, title, …``."""
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "digest"], name="no_exact_copy_bytes"),
            models.UniqueConstraint(
                fields=["project", "pixel_digest"], name="no_exact_copy_pixels"
            ),
            models.CheckConstraint(
                condition=models.Q(gender__isnull=True) | models.Q(gender__lte=2),
                name="image_gender_known",
            ),
            models.CheckConstraint(
                condition=models.Q(race__isnull=True) | models.Q(race__lte=2),
                name="image_race_known",
            ),
            models.CheckConstraint(
                condition=models.Q(age__isnull=True) | models.Q(age__lte=4),
                name="image_age_known",
            ),
        ]
        indexes = [models.Index(fields=["project", "state", "id"], name="image_by_state")]

    def __str__(self) -> str:
        return self.file_name

    def stored_as(self, size: str = Size.ORIGINAL) -> str:
        """The name of one of the image's files in the default storage."""
        if size == Size.ORIGINAL or (size == Size.DISPLAY and not self.has_display):
            return stored_name(self.uid, Size.ORIGINAL, self.format)
        return stored_name(self.uid, size)

    def format_of(self, size: str) -> str:
        """``jpeg``, ``png`` or ``webp``: the format of one of the image's files."""
        is_stored = size == Size.ORIGINAL or (size == Size.DISPLAY and not self.has_display)
        return self.format if is_stored else self.Format.JPEG


class Trace(models.Model):
    """What is kept of a picture that was taken down: enough to know it again, not to see it.

    The fingerprints are ``copies.Prints``; empty where the file was lost before. The digests stay
    with the image.
    """

    image = models.OneToOneField(Image, models.PROTECT, related_name="trace")
    plain = models.BinaryField(max_length=32)
    mirrored = models.BinaryField(max_length=32)
    taken_down_at = models.DateTimeField(db_default=Now())
    erased_at = models.DateTimeField(null=True, blank=True)
    """When its files were gone from the storage."""

    def __str__(self) -> str:
        return f"trace of image {self.image_id}"


class GivenLabel(models.Model):
    """What an imported set said of an image. An estimate by the method ``given`` is made of these.

    The words are kept as they came, so that a release can give back the same bytes.
    """

    image = models.OneToOneField(Image, models.CASCADE, primary_key=True, related_name="given")
    subset = models.CharField(max_length=8, blank=True)
    label = models.PositiveSmallIntegerField(null=True)
    """0-based, within ``basic`` or ``compound``."""
    split = models.CharField(max_length=5, blank=True)
    name = models.CharField(max_length=300, blank=True)
    """The official file name, such as ``train_00001.jpg``."""
    counts = models.JSONField(null=True)
    """Raw votes for each of the seven expressions, where a set tells them."""
    distribution = models.JSONField(null=True)
    texts = models.JSONField(default=dict)
    """Annotation files word for word: ``manual``, ``auto``, ``boundingbox``."""

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(subset="", label=None, counts__isnull=False)
                | models.Q(subset="basic", label__isnull=False, label__lte=6)
                | models.Q(subset="compound", label__isnull=False, label__lte=11),
                name="given_label_known",
            ),
            models.CheckConstraint(
                condition=models.Q(split__in=["", "train", "test"]), name="given_split_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subset} {self.label}"


def stored_name(uid: uuid.UUID, size: str, image_format: str = Image.Format.JPEG) -> str:
    """Where a file of an image lies in the storage: spread over 256 folders, named by us."""
    kind = "" if size == Size.ORIGINAL else f".{size}"
    return f"images/{uid.hex[:2]}/{uid}{kind}.{'jpg' if image_format == 'jpeg' else image_format}"
