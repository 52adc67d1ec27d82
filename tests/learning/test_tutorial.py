"""The tutorial reads as it is written, says what cannot be read, and comes before work if asked."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from django.conf import settings
from django.core.exceptions import ValidationError

from annotation.learning import lesson, tutorial
from annotation.study import examples
from reliability.expressions import Expression
from tests.conftest import Cast

FACES = Path(settings.BASE_DIR) / "frontend" / "static" / "faces"
API = "/api/v1/projects/faces"
JSON = "application/json"
TEXT = """# First
Words.

![A](fear-1) ![B](au-12)
![C](image:0.jpg)

```try
face: happiness-2
answer: happiness
why: The cheeks: raised.
```

# Second
```
# not a step
```
"""


def test_steps_faces_and_tries_are_read() -> None:
    first, second = lesson.read(TEXT)
    assert [block.kind for block in first.blocks] == ["prose", "faces", "try"]
    assert [f.name for f in first.faces] == ["fear-1", "au-12", "image:0.jpg", "happiness-2"]
    assert first.blocks[2].answer is Expression.HAPPINESS  # type: ignore[union-attr]
    assert first.blocks[2].why == "The cheeks: raised."  # type: ignore[union-attr]
    assert "# not a step" in second.blocks[0].text  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "one step at least"),
        ("Words.", "line 1: a step begins"),
        ("# A\n![x](joy-1)", "line 2: there is no face 'joy-1'"),
        ("# A\n\n```try\nface: fear-1\nanswer: joy\n```", "line 3: answer 'joy'"),
        ("# A\n```try\nface: fear-1\n", "line 2: this ```try has no end"),
        ("# A\n```try\ncolour: red\nface: fear-1\nanswer: fear\n```", "line 3: expected face:"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(text: str, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        lesson.read(text)


def test_default_tutorial_teaches_every_expression_and_lets_one_try_it() -> None:
    steps = lesson.read(tutorial.default_text("en"))
    tried = [b.answer for s in steps for b in s.blocks if isinstance(b, lesson.Try)]
    assert set(tried) == set(Expression)
    shown = {face.name for step in steps for face in step.faces}
    assert {f"au-{unit}" for unit in lesson.UNITS} <= shown
    taught = {
        face.name
        for s in steps
        for b in s.blocks
        if isinstance(b, lesson.Faces)
        for face in b.faces
    }
    asked = {b.face.name for s in steps for b in s.blocks if isinstance(b, lesson.Try)}
    assert not taught & asked, "nobody is asked for a face they were just shown"


@pytest.mark.parametrize("language", ["de", "fr", "es", "zh-hans"])
def test_default_tutorial_is_the_same_lesson_in_every_language(language: str) -> None:
    def shape(text: str) -> list[Any]:
        return [
            [(b.kind, [f.name for f in s.faces], getattr(b, "answer", None)) for b in s.blocks]
            for s in lesson.read(text)
        ]

    said, meant = tutorial.default_text(language), tutorial.default_text("en")
    assert said != meant
    assert shape(said) == shape(meant)
    steps = lesson.reminders(lesson.read(said))
    assert set(steps) == set(Expression)
    assert {len(reminder.faces) for reminder in steps.values()} == {3}


def test_help_takes_the_step_about_an_expression() -> None:
    try_ = "```try\nface: fear-1\nanswer: fear\n```\n"
    first = lesson.read("# Sadness\nDown.\n\nMore.\n![](sadness-1)\n# La peur\nTense.\n" + try_)
    found = lesson.reminders(first)
    assert found[Expression.SADNESS] == lesson.Reminder("Down.", (lesson.Face("sadness-1"),))
    assert found[Expression.FEAR] == lesson.Reminder("Tense.", ())
    assert set(found) == {Expression.SADNESS, Expression.FEAR}


def test_every_drawn_face_is_there_and_light() -> None:
    files = {path.stem: path.stat().st_size for path in FACES.glob("*.webp")}
    assert set(files) == lesson.DRAWN
    assert sum(files.values()) < 300_000
    assert max(files.values()) < 12_000


def test_faces_are_what_the_study_draws_today() -> None:
    drawn = dict(examples.tutorial_faces())
    assert set(drawn) == lesson.DRAWN
    for name in ("fear-3", "au-12", "mixed-sadly-angry"):
        kept = cv2.imread(str(FACES / f"{name}.webp")).astype(int)
        data = np.frombuffer(examples.as_webp(drawn[name]), np.uint8)
        assert np.abs(cv2.imdecode(data, cv2.IMREAD_COLOR).astype(int) - kept).mean() < 2


@pytest.mark.django_db
def test_curator_writes_it_and_puts_the_default_back(cast: Cast, images_in: Any) -> None:
    images_in(cast.project, 1)
    client = cast.client(cast.carla)
    assert client.put(f"{API}/tutorial/", {"text": "# A\n![](x)"}, JSON).status_code == 400
    wrong = client.put(f"{API}/tutorial/", {"text": "# A\n![](image:no.jpg)"}, JSON)
    assert "no.jpg" in wrong.content.decode()
    assert client.put(f"{API}/tutorial/", {"text": TEXT}, JSON).json()["titles"] == [
        "First",
        "Second",
    ]
    page = cast.client(cast.alice).get("/p/faces/tutorial/1/").content.decode()
    assert "faces/fear-1" in page
    assert "?size=display" in page
    assert client.delete(f"{API}/tutorial/").status_code == 204
    assert client.get(f"{API}/tutorial/").json()["text"] == tutorial.default_text("en")


@pytest.mark.django_db
def test_editor_previews_without_saving(cast: Cast) -> None:
    client = cast.client(cast.carla)
    form = {"text": "# Mine\nWords **here**.", "deed": "preview"}
    told = client.post("/p/faces/learning/tutorial/", form, headers={"hx-request": "true"})
    assert "<strong>here</strong>" in told.content.decode()
    assert "<html" not in told.content.decode()
    assert tutorial.text_of(cast.project) == tutorial.default_text("en")
    client.post("/p/faces/learning/tutorial/", form | {"deed": "save"})
    assert [s.title for s in tutorial.steps_of(cast.project)] == ["Mine"]


@pytest.mark.django_db
def test_try_tells_right_from_wrong_kindly(cast: Cast) -> None:
    client = cast.client(cast.alice)
    number = next(
        i for i, s in enumerate(tutorial.steps_of(cast.project), 1) if s.title == "Happiness"
    )
    block = [b.kind for b in tutorial.steps_of(cast.project)[number - 1].blocks].index("try") + 1
    at = f"/p/faces/tutorial/{number}/?try={block}&answer="
    assert "Happiness, yes." in client.get(at + "happiness").content.decode()
    assert "You said Fear; it was drawn as Happiness." in client.get(at + "fear").content.decode()


@pytest.mark.django_db
def test_tutorial_comes_before_the_first_face_where_it_is_asked(cast: Cast, images_in: Any) -> None:
    images_in(cast.project, 1)
    curator = cast.client(cast.carla)
    curator.patch(f"{API}/learning/", {"asks_tutorial": True}, JSON)
    client = cast.client(cast.alice)
    assert client.get(f"{API}/assignments/").json()["step"] == "tutorial"
    assert client.get("/p/faces/label/")["Location"] == "/p/faces/tutorial/"
    assert client.put(f"{API}/tutorial/done/").status_code == 204
    first = cast.annotator(cast.alice).tutorial_done_at
    client.post("/p/faces/tutorial/")
    assert cast.annotator(cast.alice).tutorial_done_at == first
    assert client.get(f"{API}/assignments/").status_code == 200
