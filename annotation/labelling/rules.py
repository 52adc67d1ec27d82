"""How a project's images are assigned: its rules, and what follows from an estimate under them."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.forms.models import model_to_dict

from annotation.audit.models import Kind
from annotation.audit.services import difference, tell
from annotation.people.models import Project

from .models import Coverage, Rules
from .room import forget_room, rules_of

NAMES = ("share", "share_size", "spread_sources", "certainty", "least_votes")


def change_rules(project: Project, **values: Any) -> Rules:
    """Set some of the rules; they hold from the next draw on.

    Where images no longer stop early, those that did ask for the project's target again. Raises
    ``ValidationError`` that names the field.
    """
    unknown = values.keys() - set(NAMES)
    if unknown:
        raise ValidationError(dict.fromkeys(sorted(unknown), "No such rule."))
    rules = rules_of(project.pk)
    before = model_to_dict(rules, NAMES)
    for name, value in values.items():
        setattr(rules, name, value)
    _check(rules, project)
    rules.settled_by = None
    with transaction.atomic():
        rules.save()
        if before["certainty"] and rules.certainty is None:
            settle(project, set())
        told = difference(before, model_to_dict(rules, NAMES))
        tell(Kind.PROJECT, "changed how images are assigned", project=project, **told)
    forget_room(project.pk)
    return rules


def settle(project: Project, certain: set[int]) -> int:
    """Let the images that are ``certain`` ask for no further votes, all others for the target.

    What is open stays due, and is counted. Returns how many open images stop short of the target.
    """
    most = project.target_votes
    least = min(rules_of(project.pk).least_votes, most)
    places = Coverage.objects.filter(project=project, is_open=True)
    known = places.order_by("pk").values_list("pk", "target")
    moved = [pk for pk, target in known if target < most or pk in certain]
    for start in range(0, len(moved), 500):
        with transaction.atomic():
            some = places.filter(pk__in=moved[start : start + 500])
            list(some.order_by("pk").select_for_update().values_list("pk"))
            stopping = certain.intersection(moved[start : start + 500])
            some.filter(pk__in=stopping).update(target=Greatest(F("n_live"), least))
            some.exclude(pk__in=stopping).update(target=Greatest(F("n_live"), most))
    return places.filter(target__lt=most).count()


def _check(rules: Rules, project: Project) -> None:
    rules.full_clean(exclude=["project"], validate_constraints=False)
    if rules.share == Rules.Share.FIXED and not rules.share_size:
        raise ValidationError({"share_size": "Say how many images a person gets."})
    if rules.certainty is not None and rules.least_votes > project.target_votes:
        said = f"At most the project's target, {project.target_votes}."
        raise ValidationError({"least_votes": said})
