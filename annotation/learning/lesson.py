"""A tutorial as its curator writes it: Markdown with example faces and faces to try oneself on.

# Happiness                       a level-1 heading begins a step
Corners of the mouth go up …      Markdown
![Broad](happiness-1)             a line of pictures only: drawn faces, or image:FILE-NAME
```try                            one face to try oneself on
face: happiness-4
answer: happiness
why: The cheeks are raised.
```
"""

import re
from dataclasses import dataclass

from django.core.exceptions import ValidationError

from reliability.expressions import NAMES, Expression

N_EACH = 6
UNITS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 15, 17, 20, 25, 26, 27)
DRAWN = frozenset(
    [f"{name}-{n}" for name in NAMES for n in range(1, N_EACH + 1)]
    + [f"au-{unit}" for unit in UNITS]
    + ["mixed-happily-surprised", "mixed-sadly-angry", "mixed-fearfully-surprised"]
)
"""The faces that come with the product (``static/faces/NAME.webp``)."""
OF_PROJECT = "image:"
MAX_TEXT = 100_000
N_REMINDING = 3
_PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Face:
    """A picture: one of ``DRAWN``, or ``image:`` and a file name or uid of the project."""

    name: str
    caption: str = ""


@dataclass(frozen=True)
class Prose:
    text: str
    kind: str = "prose"


@dataclass(frozen=True)
class Faces:
    faces: tuple[Face, ...]
    kind: str = "faces"


@dataclass(frozen=True)
class Try:
    """A face whose expression the reader says before they are told."""

    face: Face
    answer: Expression
    why: str
    kind: str = "try"


Block = Prose | Faces | Try


@dataclass(frozen=True)
class Step:
    title: str
    blocks: tuple[Block, ...]

    @property
    def faces(self) -> list[Face]:
        """Every picture of this step."""
        found: list[Face] = []
        for block in self.blocks:
            if isinstance(block, Faces):
                found += block.faces
            elif isinstance(block, Try):
                found.append(block.face)
        return found


@dataclass(frozen=True)
class Reminder:
    """What the help of the labelling page shows of one expression: Markdown and some faces."""

    text: str
    faces: tuple[Face, ...]


def reminders(steps: list[Step]) -> dict[Expression, Reminder]:
    """First paragraph and row of faces of the step about each expression, where there is one."""
    found: dict[Expression, Reminder] = {}
    for step in steps:
        expression = about(step)
        text = next((b.text for b in step.blocks if isinstance(b, Prose)), "").split("\n\n")[0]
        faces = next((b.faces for b in step.blocks if isinstance(b, Faces)), ())
        if expression is not None and text:
            found.setdefault(expression, Reminder(text, faces[:N_REMINDING]))
    return found


def about(step: Step) -> Expression | None:
    """The one expression that a step is about: its title, or the only answer of its tries."""
    if step.title.lower() in NAMES:
        return Expression(NAMES.index(step.title.lower()))
    answers = {block.answer for block in step.blocks if isinstance(block, Try)}
    return answers.pop() if len(answers) == 1 else None


def read(text: str) -> list[Step]:
    """The steps of a tutorial. Raises ``ValidationError`` naming each line that cannot be read."""
    reader = _Reader()
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), start=1):
        reader.line(number, line)
    return reader.finished()


def names_of_project(steps: list[Step]) -> set[str]:
    """The images of the project that these steps show, without ``image:``."""
    faces = [face.name for step in steps for face in step.faces]
    return {name.removeprefix(OF_PROJECT) for name in faces if name.startswith(OF_PROJECT)}


class _Reader:
    """Takes lines one by one; remembers what is wrong, so that all of it is said at once."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, list[Block]]] = []
        self.prose: list[str] = []
        self.trying: dict[str, str] | None = None
        self.began = 0
        self.is_code = False
        self.pictures_at = 0
        self.wrong: list[str] = []

    def line(self, number: int, line: str) -> None:
        if self.trying is not None:
            self._try_line(number, line)
        elif line.strip() == "```try" and not self.is_code:
            self._flush()
            self.trying, self.began = {}, number
        elif line.startswith("# ") and not self.is_code:
            self._flush()
            self.steps.append((line[2:].strip(), []))
        elif _is_pictures(line) and not self.is_code:
            self._flush()
            faces = [Face(name, caption) for caption, name in _PICTURE.findall(line)]
            for face in faces:
                self._check(number, face)
            self._add_faces(number, faces)
        else:
            self.is_code ^= line.startswith("```")
            self.prose.append(line)
            if line.strip() and not self.steps:
                self.wrong.append(f"line {number}: a step begins with '# ' and its title.")
                self.steps.append(("", []))

    def finished(self) -> list[Step]:
        if self.trying is not None:
            self.wrong.append(f"line {self.began}: this ```try has no end.")
        self._flush()
        if not self.steps:
            self.wrong.append("A tutorial has one step at least: '# ' and its title.")
        if self.wrong:
            raise ValidationError({"text": self.wrong})
        return [Step(title, tuple(blocks)) for title, blocks in self.steps]

    def _try_line(self, number: int, line: str) -> None:
        if line.strip() == "```" or self.trying is None:
            self._end_try()
            return
        name, colon, value = line.partition(":")
        if colon and name.strip() in ("face", "answer", "why"):
            self.trying[name.strip()] = value.strip()
        elif line.strip():
            self.wrong.append(f"line {number}: expected face:, answer: or why:.")

    def _end_try(self) -> None:
        told, self.trying = self.trying or {}, None
        face = Face(told.get("face", ""))
        self._check(self.began, face)
        answer = told.get("answer", "").lower()
        if answer not in NAMES:
            said = f"line {self.began}: answer {answer!r} is not one of {', '.join(NAMES)}."
            self.wrong.append(said)
            return
        self._add(self.began, Try(face, Expression(NAMES.index(answer)), told.get("why", "")))

    def _check(self, number: int, face: Face) -> None:
        if face.name not in DRAWN and not face.name.startswith(OF_PROJECT):
            self.wrong.append(
                f"line {number}: there is no face {face.name!r}; drawn ones are like happiness-1, "
                f"au-12 or mixed-sadly-angry, one's own image:FILE-NAME."
            )

    def _add_faces(self, number: int, faces: list[Face]) -> None:
        """Lines of pictures that follow each other are one row."""
        last = self.steps[-1][1][-1:] if self.steps else []
        if last and isinstance(last[0], Faces) and self.pictures_at == number - 1:
            self.steps[-1][1][-1] = Faces((*last[0].faces, *faces))
        else:
            self._add(number, Faces(tuple(faces)))
        self.pictures_at = number

    def _flush(self) -> None:
        text = "\n".join(self.prose).strip()
        self.prose = []
        if text and self.steps:
            self.steps[-1][1].append(Prose(text))

    def _add(self, number: int, block: Block) -> None:
        if not self.steps:
            self.wrong.append(f"line {number}: a step begins with '# ' and its title.")
            self.steps.append(("", []))
        self.steps[-1][1].append(block)


def _is_pictures(line: str) -> bool:
    return bool(_PICTURE.search(line)) and not _PICTURE.sub("", line).strip()
