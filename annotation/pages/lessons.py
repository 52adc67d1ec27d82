"""The tutorial as people read it, and the qualification."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import path, reverse
from django.utils.translation import gettext as _

from annotation.learning import lesson, qualification
from annotation.learning import tutorial as tutorials
from annotation.learning.models import AttemptFace
from annotation.learning.queries import next_step
from annotation.people.models import Project, Role
from annotation.people.queries import Access
from reliability.expressions import Expression

from .frame import project_page, render
from .own import annotator
from .words import EXPRESSIONS

GET_POST = ("GET", "HEAD", "POST")
READERS = (Role.ANNOTATOR, Role.CURATOR, Role.CODER)
CHOICES = [(e.name.lower(), word, e.file_label) for e, word in EXPRESSIONS.items()]


@project_page(*READERS, methods=GET_POST)
def tutorial(request: HttpRequest, access: Access) -> HttpResponse:
    """Straight to the first step; a POST says that the last one was read."""
    if request.method == "POST" and access.annotator:
        tutorials.finish(access.annotator)
        messages.success(request, _("Well done. You can come back here at any time."))
        return redirect(next_step(access.annotator) or "label", access.project.slug)
    return redirect("tutorial-step", access.project.slug, 1)


@project_page(*READERS)
def tutorial_step(request: HttpRequest, access: Access, number: int) -> HttpResponse:
    """One step of the tutorial; ``try`` and ``answer`` say what the reader tried."""
    steps = tutorials.steps_of(access.project)
    if not 1 <= number <= len(steps):
        raise Http404("No such step.")
    return render(
        request,
        "learning/tutorial.html",
        access,
        step=shown(access.project, steps[number - 1], request.GET),
        number=number,
        titles=[(i, one.title) for i, one in enumerate(steps, start=1)],
        n_steps=len(steps),
        is_last=number == len(steps),
        me=access.annotator,
    )


@project_page(Role.ANNOTATOR, methods=GET_POST)
def qualify(request: HttpRequest, access: Access) -> HttpResponse:
    """What the qualification is; its faces one by one; how it went."""
    me = annotator(access)
    if request.method == "POST":
        try:
            if "position" in request.POST:
                ended = _answer(request, access)
                return (
                    redirect("qualification-try", access.project.slug, ended)
                    if ended
                    else _on(access)
                )
            qualification.begin(me)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        return _on(access)
    now = qualification.standing(me)
    face = (
        now.attempt.faces.filter(answer=None).select_related("image").first()
        if now.is_open and now.attempt
        else None
    )
    return render(
        request,
        "learning/qualification.html",
        access,
        me=me,
        now=now,
        face=face,
        n_faces=now.attempt.faces.count() if now.is_open and now.attempt else 0,
        choices=CHOICES,
    )


@project_page(Role.ANNOTATOR)
def qualification_try(request: HttpRequest, access: Access, number: int) -> HttpResponse:
    """A try that has ended: what was right, and what each face shows."""
    me = annotator(access)
    attempt = me.attempts.filter(number=number, ended_at__isnull=False).first()
    if attempt is None:
        raise Http404("No such try.")
    faces = list(attempt.faces.select_related("image__gold"))
    for face in faces:
        face.word = EXPRESSIONS[Expression(face.expected)]
        face.said = EXPRESSIONS[Expression(face.answer)]
    return render(
        request,
        "learning/qualification_try.html",
        access,
        attempt=attempt,
        faces=sorted(faces, key=lambda face: face.is_right),
        now=qualification.standing(me),
    )


def shown(project: Project, step: lesson.Step, tried: Any) -> dict[str, Any]:
    """A step as the template shows it, with the addresses of its pictures."""
    pictures = tutorials.pictures_of(project, [step])
    blocks = []
    for number, block in enumerate(step.blocks, start=1):
        told: dict[str, Any] = {"kind": block.kind, "number": number}
        if isinstance(block, lesson.Prose):
            told["text"] = block.text
        elif isinstance(block, lesson.Faces):
            told["faces"] = [face_shown(project, face, pictures) for face in block.faces]
        else:
            told |= _tried(block, number, tried) | {
                "face": face_shown(project, block.face, pictures)
            }
        blocks.append(told)
    return {"title": step.title, "blocks": blocks, "choices": CHOICES}


def _tried(block: lesson.Try, number: int, tried: Any) -> dict[str, Any]:
    """What is said of a try: nothing before an answer."""
    answer = tried.get("answer", "").upper() if tried.get("try") == str(number) else ""
    if answer not in Expression.__members__:
        return {"is_answered": False}
    return {
        "is_answered": True,
        "is_right": Expression[answer] is block.answer,
        "said": EXPRESSIONS[Expression[answer]],
        "word": EXPRESSIONS[block.answer],
        "why": block.why,
    }


def face_shown(project: Project, face: lesson.Face, pictures: tutorials.Pictures) -> dict[str, str]:
    """The address and caption of a picture of the tutorial; no address where it is gone."""
    if face.name in lesson.DRAWN:
        return {"url": static(f"faces/{face.name}.webp"), "caption": face.caption}
    image = pictures.get(face.name.removeprefix(lesson.OF_PROJECT))
    if image is None:  # taken down since it was written
        return {"url": "", "caption": face.caption}
    url = reverse("api:image-file", args=[project.slug, image.uid])
    return {"url": f"{url}?size=display", "caption": face.caption}


def _answer(request: HttpRequest, access: Access) -> int | None:
    """Stores one answer; the number of the try if it was the last."""
    word = request.POST.get("expression", "").upper()
    place = request.POST["position"]
    if word not in Expression.__members__ or not (place.isascii() and place.isdigit()):
        raise ValidationError(_("Choose what the face shows."))
    try:
        done = qualification.answer(annotator(access), int(place[:4]), int(Expression[word]))
    except AttemptFace.DoesNotExist:
        raise ValidationError(_("This face is answered. Here is the next.")) from None
    return done.number if done.ended_at else None


def _on(access: Access) -> HttpResponse:
    return redirect("qualification", access.project.slug)


urlpatterns = [
    path("p/<slug:slug>/tutorial/", tutorial, name="tutorial"),
    path("p/<slug:slug>/tutorial/<int:number>/", tutorial_step, name="tutorial-step"),
    path("p/<slug:slug>/qualification/", qualify, name="qualification"),
    path("p/<slug:slug>/qualification/<int:number>/", qualification_try, name="qualification-try"),
]
