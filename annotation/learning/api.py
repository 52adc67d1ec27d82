"""REST endpoints of learning to label, below ``/api/v1/projects/{slug}/``."""

from typing import Any
from uuid import UUID

from django.http import Http404
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api import ProjectView, StrictSerializer, unknown_parameters
from annotation.estimates.queries import latest_estimate
from annotation.images.models import Image
from annotation.images.queries import images_of
from annotation.labelling.api import ExpressionField
from annotation.people.models import AfterWithdrawal, Membership, Project, Role

from . import consent, gold, lesson, qualification, queries, rules, tutorial
from .models import AttemptFace, Gold


class ConsentBody(serializers.Serializer[Any]):
    version = serializers.IntegerField(help_text="0: no consent is asked.")
    text = serializers.CharField(help_text="Markdown.")
    warning = serializers.CharField()
    accepted_version = serializers.IntegerField(help_text="By the caller; 0: none.")
    after_withdrawal = serializers.ChoiceField(choices=AfterWithdrawal.choices)


class ConsentChange(StrictSerializer):
    text = serializers.CharField(max_length=consent.MAX_TEXT)
    warning = serializers.CharField(max_length=500, allow_blank=True, required=False)


class ConsentAnswer(StrictSerializer):
    version = serializers.IntegerField(min_value=1, help_text="The version that was read.")


class WithdrawalBody(StrictSerializer):
    withdraw = serializers.BooleanField(help_text="true, and only true.")

    def validate_withdraw(self, value: bool) -> bool:
        if not value:
            raise serializers.ValidationError("Only true withdraws.")
        return value


class Withdrawn(serializers.Serializer[Any]):
    n_places = serializers.IntegerField(help_text="Places on images that were taken back.")
    votes = serializers.ChoiceField(choices=AfterWithdrawal.choices)


class Rules(serializers.ModelSerializer[Project]):
    class Meta:
        model = Project
        fields = [
            "after_withdrawal", "asks_tutorial", "qualification_faces",
            "qualification_pass_percent", "qualification_tries", "qualification_wait_hours",
            "gold_every", "repeat_every", "repeat_distance", "gives_feedback",
            "shows_own_quality",
        ]  # fmt: skip


class RulesChange(StrictSerializer, Rules):  # type: ignore[misc]
    """The same fields, every one optional, and no other."""


class GoldBody(StrictSerializer):
    expression = ExpressionField()
    why = serializers.CharField(max_length=300, allow_blank=True, default="")
    origin = serializers.ChoiceField(choices=Gold.Origin, default=Gold.Origin.HAND)


class GoldRow(serializers.Serializer[Gold]):
    image = serializers.UUIDField(source="image.uid")
    expression = ExpressionField()
    why = serializers.CharField()
    origin = serializers.ChoiceField(choices=Gold.Origin)
    n_answers = serializers.IntegerField()
    n_right = serializers.IntegerField()
    n_flagged = serializers.IntegerField()


class Suggestion(serializers.Serializer[Any]):
    image = serializers.UUIDField(source="image.uid")
    expression = ExpressionField(source="consensus")
    confidence = serializers.FloatField()
    n_votes = serializers.IntegerField()


class ScoreBody(serializers.Serializer[Any]):
    n = serializers.IntegerField()
    n_right = serializers.IntegerField()
    low = serializers.FloatField(help_text="Of the 95 % interval of the share.")
    high = serializers.FloatField()
    chance = serializers.FloatField(help_text="What the same keys would get without looking.")
    beats_chance = serializers.BooleanField()


class ScoresRow(serializers.Serializer[Any]):
    annotator = serializers.CharField()
    gold = ScoreBody()
    repeat = ScoreBody()


class TutorialBody(serializers.Serializer[Any]):
    text = serializers.CharField(help_text="Markdown; see the documentation.")
    titles = serializers.ListField(child=serializers.CharField())
    done_at = serializers.DateTimeField(allow_null=True, help_text="By the caller.")


class TutorialChange(StrictSerializer):
    text = serializers.CharField(max_length=lesson.MAX_TEXT, trim_whitespace=False)


class AttemptAnswer(StrictSerializer):
    expression = ExpressionField()


class AttemptFaceRow(serializers.Serializer[Any]):
    position = serializers.IntegerField()
    image = serializers.UUIDField()
    answer = ExpressionField(allow_null=True)
    expected = ExpressionField(allow_null=True, help_text="Told when the try has ended.")


class QualificationBody(serializers.Serializer[Any]):
    qualified_at = serializers.DateTimeField(allow_null=True)
    n_left = serializers.IntegerField(help_text="Tries.")
    waits_until = serializers.DateTimeField(allow_null=True)
    is_open = serializers.BooleanField()
    is_passed = serializers.BooleanField()
    n_right = serializers.IntegerField(allow_null=True)
    faces = AttemptFaceRow(many=True)


class OwnView(ProjectView):
    """What an annotator does for themself."""

    roles = (Role.ANNOTATOR,)

    def membership(self) -> Membership:
        found = self.access().annotator
        if found is None:
            raise Http404("No such project.")
        return found


class ConsentView(ProjectView):
    roles = (Role.ANNOTATOR, Role.CURATOR)

    @extend_schema(responses=ConsentBody)
    def get(self, request: Request, slug: str) -> Response:
        """The text in force."""
        unknown_parameters(request)
        who = self.access()
        text = queries.consent_in_force(who.project)
        told = {
            "version": who.project.consent_version,
            "text": text.text if text else "",
            "warning": text.warning if text else "",
            "accepted_version": who.annotator.consent_version if who.annotator else 0,
            "after_withdrawal": who.project.after_withdrawal,
        }
        return Response(ConsentBody(told).data)

    @extend_schema(request=ConsentChange, responses=ConsentBody)
    def put(self, request: Request, slug: str) -> Response:
        """Put a text in force (curators): a new version, unless the words are the same."""
        who = self.access(Role.CURATOR)
        body = ConsentChange(data=request.data)
        body.is_valid(raise_exception=True)
        consent.write_consent(who.project, by=who.person, **body.validated_data)
        return self.get(request, slug)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, slug: str) -> Response:
        """Ask for no consent any more (curators); what was given stays on record."""
        consent.ask_no_consent(self.access(Role.CURATOR).project)
        return Response(status=204)


class ConsentMine(OwnView):
    @extend_schema(request=ConsentAnswer, responses=ConsentAnswer)
    def put(self, request: Request, slug: str) -> Response:
        """Accept the version in force; accepting again changes nothing."""
        me = self.membership()
        body = ConsentAnswer(data=request.data)
        body.is_valid(raise_exception=True)
        given = consent.give_consent(me, body.validated_data["version"])
        return Response({"version": given.text.version})


class Withdrawal(OwnView):
    @extend_schema(request=WithdrawalBody, responses=Withdrawn)
    def post(self, request: Request, slug: str) -> Response:
        """Leave the project and take the consent back; the project's rule says of the votes."""
        me = self.membership()
        body = WithdrawalBody(data=request.data)
        body.is_valid(raise_exception=True)
        n = consent.withdraw(me)
        return Response({"n_places": n, "votes": me.project.after_withdrawal})


class RulesView(ProjectView):
    roles = (Role.CURATOR,)

    @extend_schema(responses=Rules)
    def get(self, request: Request, slug: str) -> Response:
        """What comes before and beside ordinary work."""
        unknown_parameters(request)
        return Response(Rules(self.access().project).data)

    @extend_schema(request=RulesChange, responses=Rules)
    def patch(self, request: Request, slug: str) -> Response:
        """Change some of it; 0 turns a thing off."""
        body = RulesChange(self.access().project, data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        return Response(Rules(rules.change(body.instance, **body.validated_data)).data)


class GoldList(ProjectView):
    roles = (Role.CURATOR,)

    @extend_schema(responses=GoldRow(many=True), operation_id="gold_list")
    def get(self, request: Request, slug: str) -> Response:
        """The faces with known answers, and how they were answered."""
        unknown_parameters(request)
        return Response(GoldRow(queries.gold_of(self.access().project), many=True).data)


class GoldSuggestions(ProjectView):
    roles = (Role.CURATOR,)

    @extend_schema(responses=Suggestion(many=True), operation_id="gold_suggestions")
    def get(self, request: Request, slug: str) -> Response:
        """Clear faces of the last estimate that might become known ones."""
        unknown_parameters(request)
        last = latest_estimate(self.access().project)
        found = queries.suggestions(last) if last else []
        return Response(Suggestion(found, many=True).data)


class GoldOne(ProjectView):
    roles = (Role.CURATOR,)

    def image(self, uid: UUID) -> Image:
        found = images_of(self.access().project).filter(uid=uid).select_related("project").first()
        if found is None:
            raise Http404("No such image.")
        return found

    @extend_schema(request=GoldBody, responses=GoldRow)
    def put(self, request: Request, slug: str, uid: UUID) -> Response:
        """Say what this image shows; the same again changes nothing."""
        image = self.image(uid)
        body = GoldBody(data=request.data)
        body.is_valid(raise_exception=True)
        gold.mark(image, by=request.user, **body.validated_data)
        return Response(GoldRow(queries.gold_of(image.project).get(image=image)).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, slug: str, uid: UUID) -> Response:
        """Show it as a check no more."""
        gold.unmark(self.image(uid))
        return Response(status=204)


class CheckResults(ProjectView):
    roles = (Role.CURATOR,)

    @extend_schema(responses=ScoresRow(many=True), operation_id="checks_results")
    def get(self, request: Request, slug: str) -> Response:
        """Everybody's results on known faces and repeats, beside what chance would give."""
        unknown_parameters(request)
        project = self.access().project
        codes = dict(project.memberships.values_list("pk", "code"))
        rows = [
            {"annotator": codes[pk], "gold": scores.gold, "repeat": scores.repeat}
            for pk, scores in queries.scores_in(project).items()
        ]
        rows.sort(key=lambda row: str(row["annotator"]))
        return Response(ScoresRow(rows, many=True).data)


class TutorialView(ProjectView):
    roles = (Role.ANNOTATOR, Role.CURATOR, Role.CODER)

    @extend_schema(responses=TutorialBody)
    def get(self, request: Request, slug: str) -> Response:
        """The tutorial as it is written, and the titles of its steps."""
        unknown_parameters(request)
        who = self.access()
        steps = tutorial.steps_of(who.project)
        told = {
            "text": tutorial.text_of(who.project),
            "titles": [step.title for step in steps],
            "done_at": who.annotator.tutorial_done_at if who.annotator else None,
        }
        return Response(TutorialBody(told).data)

    @extend_schema(request=TutorialChange, responses=TutorialBody)
    def put(self, request: Request, slug: str) -> Response:
        """Write it (curators); what cannot be read is named with its line."""
        who = self.access(Role.CURATOR)
        body = TutorialChange(data=request.data)
        body.is_valid(raise_exception=True)
        tutorial.write_tutorial(who.project, body.validated_data["text"], who.person)
        return self.get(request, slug)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, slug: str) -> Response:
        """Put the default text back (curators)."""
        tutorial.restore_default(self.access(Role.CURATOR).project)
        return Response(status=204)


class TutorialDone(OwnView):
    @extend_schema(request=None, responses={204: None})
    def put(self, request: Request, slug: str) -> Response:
        """The caller has read the tutorial; the first time is kept."""
        tutorial.finish(self.membership())
        return Response(status=204)


class Qualification(OwnView):
    @extend_schema(responses=QualificationBody)
    def get(self, request: Request, slug: str) -> Response:
        """Where the caller stands; of an open try the faces, of an ended one how it went."""
        unknown_parameters(request)
        return Response(_standing(self.membership()))

    @extend_schema(request=None, responses=QualificationBody)
    def post(self, request: Request, slug: str) -> Response:
        """Begin a try, or go on with the open one."""
        me = self.membership()
        qualification.begin(me)
        return Response(_standing(me))


class QualificationFace(OwnView):
    @extend_schema(request=AttemptAnswer, responses=QualificationBody)
    def put(self, request: Request, slug: str, position: int) -> Response:
        """Answer one face of the open try; the last answer ends it."""
        me = self.membership()
        body = AttemptAnswer(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            qualification.answer(me, position, body.validated_data["expression"])
        except AttemptFace.DoesNotExist:
            raise Http404("No such open face.") from None
        me.refresh_from_db()
        return Response(_standing(me))


def _standing(me: Membership) -> Any:
    now = qualification.standing(me)
    faces = list(now.attempt.faces.select_related("image")) if now.attempt else []
    told = {
        "qualified_at": me.qualified_at,
        "n_left": now.n_left,
        "waits_until": now.waits_until,
        "is_open": now.is_open,
        "is_passed": bool(now.attempt and now.attempt.is_passed),
        "n_right": None if now.is_open or not now.attempt else now.attempt.n_right,
        "faces": [
            {
                "position": face.position,
                "image": face.image.uid,
                "answer": face.answer,
                "expected": None if now.is_open else face.expected,
            }
            for face in faces
        ],
    }
    return QualificationBody(told).data


project_urls = [
    path("tutorial/", TutorialView.as_view(), name="tutorial"),
    path("tutorial/done/", TutorialDone.as_view(), name="tutorial-done"),
    path("qualification/", Qualification.as_view(), name="qualification"),
    path("qualification/<int:position>/", QualificationFace.as_view(), name="qualification-face"),
    path("learning/", RulesView.as_view(), name="learning"),
    path("gold/", GoldList.as_view(), name="gold-list"),
    path("gold/suggestions/", GoldSuggestions.as_view(), name="gold-suggestions"),
    path("gold/<uuid:uid>/", GoldOne.as_view(), name="gold"),
    path("checks/", CheckResults.as_view(), name="check-results"),
    path("consent/", ConsentView.as_view(), name="consent"),
    path("consent/mine/", ConsentMine.as_view(), name="consent-mine"),
    path("withdrawal/", Withdrawal.as_view(), name="withdrawal"),
]
