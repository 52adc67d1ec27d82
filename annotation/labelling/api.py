"""REST endpoints of labelling, below ``/api/v1/projects/{slug}/``.

A vote is a ``PUT`` on its assignment; the answer brings newly drawn assignments, so that one
request per vote keeps the browser's queue full.
"""

import json
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import path, reverse
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api import Conflict, Gone, ProjectView, StrictSerializer, unknown_parameters
from annotation.images.queries import mark_of
from annotation.learning import checks
from annotation.learning.queries import may_answer, n_checks, next_step, open_checks
from annotation.people.models import Membership, Role
from reliability.expressions import NAMES

from . import booth, flags_api, queries, rules_api, services, table_api
from .booth import expression_of
from .errors import AssignmentGone, VoteConflict
from .models import Assignment, Device, Flag, Vote


@extend_schema_field({"oneOf": [{"type": "string", "enum": list(NAMES)}, {"type": "integer"}]})
class ExpressionField(serializers.Field):  # type: ignore[type-arg]
    """An expression by its name, or by its number 1–7 as in RAF-DB's files; nothing else."""

    def to_internal_value(self, data: Any) -> int:
        expression = expression_of(data)
        if expression is not None:
            return expression
        raise serializers.ValidationError(
            f"{data!r} is not an integer 1–7 or one of {', '.join(NAMES)}."
        )

    def to_representation(self, value: int) -> str:
        return NAMES[value]


class WholeNumberField(serializers.IntegerField):
    """An integer as JSON has it: not ``"3"``, ``3.0`` or ``true``."""

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int:
            raise serializers.ValidationError(f"{data!r} is not an integer.")
        return super().to_internal_value(data)


class VoteBody(StrictSerializer):
    expression = ExpressionField()
    revision = WholeNumberField(min_value=1, max_value=1000, default=1)
    response_ms = WholeNumberField(min_value=0, max_value=2**31 - 1, required=False)
    device = serializers.ChoiceField(choices=Device, required=False)
    position = WholeNumberField(min_value=0, max_value=6, required=False)


class FlagBody(StrictSerializer):
    reason = serializers.ChoiceField(choices=Flag.Reason)
    note = serializers.CharField(max_length=300, default="", allow_blank=True)


class AssignmentRow(serializers.Serializer[Assignment]):
    id = serializers.IntegerField()
    image = serializers.UUIDField(source="image.uid")
    expires_at = serializers.DateTimeField()
    mark = serializers.SerializerMethodField(
        help_text="Where the face is, if the picture may show others: x, y, width, height in "
        "shares of the picture as shown."
    )

    @extend_schema_field(
        {"type": "array", "items": {"type": "number"}, "nullable": True, "minItems": 4}
    )
    def get_mark(self, row: Assignment) -> list[float] | None:
        return mark_of(row.image)


class AssignmentPage(serializers.Serializer[Any]):
    results = AssignmentRow(many=True)
    n_answered = serializers.IntegerField()
    share = serializers.IntegerField(help_text="Images that fall to this person in all.")


class StoredVote(serializers.Serializer[Vote]):
    assignment = serializers.IntegerField(source="assignment_id")
    expression = ExpressionField()
    revision = serializers.IntegerField()


class FeedbackBody(serializers.Serializer[checks.Feedback]):
    is_right = serializers.BooleanField()
    expected = ExpressionField()
    why = serializers.CharField()


class Stored(serializers.Serializer[Any]):
    stored = StoredVote()
    next = AssignmentRow(many=True)
    feedback = FeedbackBody(required=False, help_text="Where the project tells it.")


class Flagged(serializers.Serializer[Any]):
    flagged = serializers.CharField()
    next = AssignmentRow(many=True)


class ProgressBody(serializers.Serializer[Any]):
    n_images = serializers.IntegerField()
    n_votes = serializers.IntegerField()
    n_wanted = serializers.IntegerField()
    n_complete = serializers.IntegerField()
    n_annotators = serializers.IntegerField()
    votes_per_day = serializers.FloatField()
    expected_end = serializers.DateTimeField(allow_null=True)


class NotReady(Conflict):
    """409: something comes before this person's (further) faces; ``step`` names it."""

    def __init__(self, membership: Membership, step: str) -> None:
        super().__init__(f"Before you label: {step}.")
        url = reverse(step, args=[membership.project.slug])
        self.extra = {"step": step, "url": url}


class AnnotatorView(ProjectView):
    """The caller labels in this project."""

    roles = (Role.ANNOTATOR,)

    def membership(self) -> Membership:
        found = self.access().annotator
        if found is None:
            raise Http404("No such project.")
        return found

    def answering(self) -> Membership:
        """The caller, whose answers are taken: they consented, where that is asked."""
        me = self.membership()
        if not may_answer(me):
            raise NotReady(me, "consent")
        return me


def more_for(me: Membership) -> list[Any]:
    """What this person's queue is filled up with: nothing while something else comes first."""
    if next_step(me):
        return []
    drawn = services.top_up(me, services.N_AHEAD, low=services.N_LOW)
    return [*drawn, *checks.mix_in(me, drawn)]


class AssignmentList(AnnotatorView):
    @extend_schema(responses=AssignmentPage, operation_id="assignments_mine")
    def get(self, request: Request, slug: str) -> Response:
        """My open assignments, topped up; images in the order to be shown."""
        unknown_parameters(request)
        me = self.membership()
        if step := next_step(me):
            raise NotReady(me, step)
        checks.mix_in(me, services.top_up(me, services.N_AHEAD))
        work = queries.work_of(me)
        n_done, n_drawn = n_checks(me)
        told = {
            "results": AssignmentRow(_queue(me), many=True).data,
            "n_answered": work["n_answered"] + n_done,
            "share": work["share"] + n_drawn,
        }
        return Response(told)


class AssignmentVote(AnnotatorView):
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """A plain vote goes the short way; whatever is not one, the framework's."""
        voted = booth.plain_vote_in(request, kwargs["slug"], kwargs["pk"])
        if voted is None:
            return super().dispatch(request, *args, **kwargs)
        stored, answer = voted
        drawn = more_for(stored.membership) if stored.n_open <= services.N_LOW else []
        told = {
            "stored": {
                "assignment": kwargs["pk"],
                "expression": NAMES[answer.expression],
                "revision": answer.revision,
            },
            "next": AssignmentRow(drawn, many=True).data if drawn else [],
        }
        return HttpResponse(json.dumps(told), content_type="application/json")

    @extend_schema(request=VoteBody, responses=Stored)
    def put(self, request: Request, slug: str, pk: int) -> Response:
        """Vote, resend or correct: the same revision again changes nothing, the next corrects."""
        me = self.answering()
        body = VoteBody(data=request.data)
        body.is_valid(raise_exception=True)
        answer = services.Answer(**body.validated_data)
        stored = _or_problem(checks.answer, pk, me, answer)
        drawn = more_for(me)
        told = {"stored": StoredVote(stored).data, "next": AssignmentRow(drawn, many=True).data}
        if feedback := checks.feedback(stored, me):
            told["feedback"] = FeedbackBody(feedback).data
        return Response(told)


class AssignmentFlag(AnnotatorView):
    @extend_schema(request=FlagBody, responses=Flagged)
    def put(self, request: Request, slug: str, pk: int) -> Response:
        """Say that this image cannot be labelled; not a vote, the curator sees it."""
        me = self.answering()
        body = FlagBody(data=request.data)
        body.is_valid(raise_exception=True)
        flag = _or_problem(checks.flag, pk, me, **body.validated_data)
        drawn = more_for(me)
        return Response({"flagged": flag.reason, "next": AssignmentRow(drawn, many=True).data})


class ProgressView(ProjectView):
    roles = (Role.CURATOR,)

    @extend_schema(responses=ProgressBody)
    def get(self, request: Request, slug: str) -> Response:
        """How far the labelling has come, and when it is expected to end."""
        return Response(ProgressBody(queries.progress(self.access().project)).data)


def _queue(me: Membership) -> list[Any]:
    """Open assignments with the checks among them, in the order they were drawn."""
    rows: list[Any] = [*queries.next_assignments(me, services.N_AHEAD), *open_checks(me)]
    return sorted(rows, key=lambda row: row.drawn_at)


def _or_problem(service: Any, *args: Any, **kwargs: Any) -> Any:
    try:
        return service(*args, **kwargs)
    except Assignment.DoesNotExist:
        raise Http404("No such assignment of yours.") from None
    except VoteConflict as conflict:
        raise Conflict(str(conflict)) from None
    except AssignmentGone as gone:
        raise Gone(str(gone)) from None


project_urls = [
    path("assignments/", AssignmentList.as_view(), name="assignment-list"),
    path("assignments/<int:pk>/vote/", AssignmentVote.as_view(), name="assignment-vote"),
    path("assignments/<int:pk>/flag/", AssignmentFlag.as_view(), name="assignment-flag"),
    path("progress/", ProgressView.as_view(), name="progress"),
    *rules_api.project_urls,
    *table_api.project_urls,
    *flags_api.project_urls,
]
