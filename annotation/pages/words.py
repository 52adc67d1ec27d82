"""The words that pages use for expressions and flags, ready for translation."""

from django.utils.translation import gettext_lazy as _

from annotation.labelling.models import Flag
from reliability.expressions import Expression

EXPRESSIONS = {
    Expression.SURPRISE: _("Surprise"),
    Expression.FEAR: _("Fear"),
    Expression.DISGUST: _("Disgust"),
    Expression.HAPPINESS: _("Happiness"),
    Expression.SADNESS: _("Sadness"),
    Expression.ANGER: _("Anger"),
    Expression.NEUTRAL: _("Neutral"),
}
HINTS = {
    Expression.SURPRISE: _("Raised brows, wide eyes, the jaw drops open."),
    Expression.FEAR: _("Brows raised and drawn together, wide eyes, tense or stretched mouth."),
    Expression.DISGUST: _("Wrinkled nose, raised upper lip, chin pushed up."),
    Expression.HAPPINESS: _("Corners of the mouth pulled up, raised cheeks, narrowed eyes."),
    Expression.SADNESS: _("Inner brows raised, drooping lids, corners of the mouth pulled down."),
    Expression.ANGER: _("Brows lowered and drawn together, hard stare, pressed or square mouth."),
    Expression.NEUTRAL: _("No part of the face is moved."),
}
FLAGS = {
    Flag.Reason.CANT_TELL: _("I can't tell"),
    Flag.Reason.NO_FACE: _("There is no face"),
    Flag.Reason.SEVERAL_FACES: _("Several faces, unclear which"),
    Flag.Reason.BROKEN: _("The picture is broken"),
    Flag.Reason.DISTURBING: _("It is disturbing"),
}
