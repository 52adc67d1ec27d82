"""The whole line on drawn faces and simulated people, through the doors that real data uses.

Faces go in by the importer, votes by the vote service, and the jobs are the site's own. What was
true of the drawn people and faces is kept in ``var/study/``, never in the site.
"""

import csv
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings

from annotation.images.models import Image
from annotation.labelling import services as labelling
from annotation.learning.consent import DEFAULT_TEXT, give_consent, write_consent
from annotation.people import services as people
from annotation.people.models import Membership, Person, Project, Role
from reliability import simulate
from reliability.expressions import N_EXPRESSIONS, Expression

from .logins import write_logins

SLUG = "demonstration"
BAD_SHARE = {"careless": 0.05, "one_key": 0.035, "adversarial": 0.035, "random": 0.035}
"""Of the simulated people, rounded; at least one of each where there are twenty or more."""
NAMES = ("curator", "annotator", "researcher")
GUIDELINES = """\
Choose the **one** expression that is most apparent in the face.

- Go by your first impression; most faces need a second or two.
- Label what the face *shows*, not what the person may really feel.
- If you cannot tell, or there is no face, press **0**.
"""


@dataclass(frozen=True)
class Study:
    """How large the simulated study is."""

    name: str = "Demonstration"
    n_images: int = 600
    n_fresh: int = 40
    """Further images that nobody has voted on, so that a newcomer finds work."""
    n_people: int = 60
    n_votes: int = 40
    """Votes per image."""
    seed: int = 1

    def kinds(self) -> dict[str, int]:
        """How many people of each kind are not honest."""
        least = 1 if self.n_people >= 20 else 0
        return {kind: max(least, round(s * self.n_people)) for kind, s in BAD_SHARE.items()}


def open_project(study: Study) -> tuple[Project, list[dict[str, str]]]:
    """The project and one person for each role, with passwords made at random."""
    logins = []
    persons: dict[str, Person] = {}
    for name in NAMES:
        password = people.new_password()
        persons[name] = people.create_person(
            name, password, display_name=f"Demo {name}", is_staff=name == "curator"
        )
        logins.append({"role": name, "username": name, "password": password})
    project = start_project(study, persons["curator"])
    text = write_consent(project, DEFAULT_TEXT, persons["curator"])
    for name in NAMES[1:]:
        member = people.join(project, persons[name], Role(name))
        if member.role == Role.ANNOTATOR:
            give_consent(member, text.version)
    write_logins(logins)
    return project, logins


def start_project(study: Study, curator: Person) -> Project:
    """A project with the study's target."""
    return people.create_project(
        study.name,
        curator,
        description="Drawn faces and simulated people: the whole line, for trying out.",
        guidelines=GUIDELINES,
        licence="CC BY 4.0",
        target_votes=study.n_votes,
    )


def simulated_people(project: Project, study: Study) -> list[Membership]:
    """Annotators who cannot sign in; their votes are drawn from the model."""
    return [
        people.join(project, _simulated_person(project, i), Role.ANNOTATOR)
        for i in range(study.n_people)
    ]


def simulate_votes(
    project: Project,
    study: Study,
    truth_csv: Path,
    report: Callable[[float, str], None] = lambda fraction, message: None,
) -> int:
    """Assign every voted image at random and evenly, and let the simulated people vote.

    Each vote goes through the vote service's bulk path. Returns how many were recorded.
    """
    rng = np.random.default_rng([study.seed, 2])
    members = simulated_people(project, study)
    images = list(
        project.images.filter(state=Image.State.ACTIVE)
        .order_by("pk")
        .values_list("pk", "file_name")[: study.n_images]
    )
    shown, easiness = _truth(truth_csv, [name for _, name in images])
    crowd = simulate.population(
        len(images),
        len(members),
        rng,
        truth=shown,
        confusion=simulate.CONFUSION,
        **study.kinds(),
    )
    crowd = replace(crowd, easiness=easiness / np.exp(np.log(easiness).mean()))
    item, annotator = simulate.assignments(len(images), len(members), study.n_votes, rng)
    expression = crowd.vote(annotator, item, rng)
    response_ms = crowd.response_ms(annotator, item, rng)
    n = labelling.record_votes_bulk(
        project,
        image_ids=np.array([pk for pk, _ in images])[item],
        annotator_ids=np.array([m.pk for m in members])[annotator],
        expressions=expression,
        response_ms=response_ms,
        report=report,
    )
    _keep_truth(project, members, crowd)
    return n


def _simulated_person(project: Project, index: int) -> Person:
    username = f"{project.slug}-{index + 1:03d}"[:150]
    known = Person.objects.filter(username=username).first()
    return known or people.create_person(
        username, None, display_name=f"Simulated {index + 1}", is_active=False
    )


def _truth(path: Path, file_names: list[str]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """What the faces show, ``(n, 7)`` with rows that sum to 1, and their easiness ``(n,)``."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = {row["item"]: row for row in csv.DictReader(file)}
    shown = np.zeros((len(file_names), N_EXPRESSIONS))
    easiness = np.empty(len(file_names))
    for i, name in enumerate(file_names):
        row = rows[name]
        both = [row["expression"], *([row["second"]] if row["second"] else [])]
        for word in both:
            shown[i, Expression[word.upper()]] = 1 / len(both)
        easiness[i] = float(row["easiness"])
    return shown, easiness


def _keep_truth(project: Project, members: list[Membership], crowd: simulate.Population) -> None:
    """What was true of the simulated people, for whoever wants to judge the estimate."""
    folder = settings.VAR_DIR / "study" / project.slug
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "people.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["annotator", "kind", "reliability"])
        for member, kind, alpha in zip(members, crowd.kind, crowd.reliability, strict=True):
            table.writerow([member.code, simulate.Kind(kind).name.lower(), f"{alpha:.4f}"])
