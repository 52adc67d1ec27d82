"""The layouts of a release: the same faces under the names and tables that other tools expect.

Each layout is an archive of its own, so that nobody downloads the pictures twice. Pictures are
never copied for one: its archive takes them from the official tree under other names.
"""

import csv
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from .archive import Member
from .columns import IN_CSV, Column, Context, Kind, cells_of, header
from .folder import Entry, Folder
from .models import LayoutName
from .plan import Plan
from .split import TEST, TRAIN
from .tree import Written

IMAGES = "images.csv"


class Table(NamedTuple):
    """A table of images within a layout: its path, and whose rows it has ("" for all)."""

    path: str
    subset: str = ""
    split: str = ""


class Layout(ABC):
    """One way to lay a release out. Faces are added in the order of their names, then closed."""

    name: LayoutName
    files: str
    """What stands where, as a list in Markdown for the datasheet."""
    pictures_inside = False
    """Whether the tables hold the pictures; otherwise they lie beside them."""

    def __init__(self, own: Folder, tree: Folder, context: Context) -> None:
        self.own, self.tree, self.context = own, tree, context
        self.tables: list[Table] = []
        self._pictures: list[tuple[str, Entry]] = []
        self._open = ExitStack()

    @abstractmethod
    def add(self, written: Written) -> None:
        """Take one face in."""

    def end_tables(self) -> None:
        """No face comes any more; no table stays open, even where ending one fails."""
        self._open.close()

    def finish(self) -> None:
        """Complete the tables, which have been ended; afterwards they are files of ``own``."""
        self.finish_tables()
        for table in self.tables:
            self.own.take(table.path)

    def finish_tables(self) -> None:  # noqa: B027 - most layouts have nothing to add
        """What can only be written when all faces are known."""

    @property
    def columns(self) -> list[Column]:
        """The columns that the tables have."""
        return list(IN_CSV)

    def members(self) -> Iterator[Member]:
        """Everything in the archive: documents and tables by path, then the pictures."""
        for entry in self.own.in_order():
            yield Member(entry.path, self.own.root / entry.path, entry.size, entry.sha256)
        for path, entry in self._pictures:
            yield Member(path, self.tree.root / entry.path, entry.size, entry.sha256)

    @property
    def n_files(self) -> int:
        """How many files the archive holds."""
        return len(self.own.entries) + len(self._pictures)

    def picture_entries(self) -> Iterator[Entry]:
        """The pictures that are the official tree's, under their names here."""
        return (Entry(path, entry.sha256, entry.size) for path, entry in self._pictures)

    def front_matter(self, told: dict[str, Any]) -> str:
        """What stands before the datasheet, for the machines that look for it."""
        return ""

    def _csv(self, table: Table, columns: list[str]) -> Any:
        """A CSV table that is open until the layout is closed."""
        self.tables.append(table)
        path = self.own.place(table.path)
        file = self._open.enter_context(path.open("w", encoding="utf-8", newline=""))
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        return writer

    def _picture(self, path: str, written: Written) -> None:
        self._pictures.append((path, written.aligned))


class OfficialTree(Layout):
    """RAF-DB's tree, which is also the release's folder; one table of all images beside it."""

    name = LayoutName.RAFDB
    files = """\
- `basic/`, `compound/`: RAF-DB's tree. `Image/original/` has the photographs as they are stored,
  `Image/aligned/` the faces at 100×100, `Annotation/` points, attributes and boxes in pixels of
  the original where they are known.
- `EmoLabel/list_patition_label.txt`: file name and label; the misspelling is RAF-DB's.
  `distribution.txt`: seven shares of the weighted votes; `folds.txt`: five folds of train.
- `images.csv`: one row per image with everything that is known of it.
"""

    def __init__(self, own: Folder, tree: Folder, context: Context) -> None:
        super().__init__(own, tree, context)
        self._rows = self._csv(Table(IMAGES), header())

    def add(self, written: Written) -> None:
        self._rows.writerow(list(cells_of(written, self.context)))


class ImageFolder(Layout):
    """``basic/train/1/train_00001.jpg``: as torchvision and many others read it.

    Folders of the compounds have two digits, because such readers number the folders in the order
    of their names. A class without an image in one split has an empty folder there: without it
    the other classes would be numbered differently in train and test.
    """

    name = LayoutName.IMAGEFOLDER
    files = """\
- `basic/train/1/` … `basic/test/7/`, `compound/train/01/` …: the aligned faces, 100×100, in one
  folder for each label. Readers number the folders from 0 in this order. A class without an image
  in one split has an empty folder there (torchvision: `allow_empty=True`), so that train and test
  are numbered alike.
- `images.csv`: one row per image with everything that is known of it.
"""

    def __init__(self, own: Folder, tree: Folder, context: Context) -> None:
        super().__init__(own, tree, context)
        self._rows = self._csv(Table(IMAGES), ["path", *header()])

    def add(self, written: Written) -> None:
        place = written.face.place
        path = (
            f"{place.subset}/{place.split}/{class_folder(place.subset, place.label)}/{place.name}"
        )
        self._picture(path, written)
        self._rows.writerow([path, *cells_of(written, self.context)])

    def members(self) -> Iterator[Member]:
        yield from super().members()
        for subset, split, label in empty_classes(self.context.plan):
            yield Member(f"{subset}/{split}/{class_folder(subset, label)}/", None)


class HuggingFace(Layout):
    """``basic/train/metadata.csv`` beside its pictures, for ``load_dataset("imagefolder", …)``.

    Its reader guesses a column's type from each file alone and refuses files that differ. So a
    column means one type in all of them: whole numbers that are unknown somewhere are written as
    decimals, texts that are unknown somewhere as ``unknown``, and what is known nowhere is left
    out.
    """

    name = LayoutName.HUGGINGFACE
    files = """\
- `basic/train/`, `basic/test/`, `compound/train/` …: the aligned faces, 100×100, each folder with
  its `metadata.csv`: one row per image with everything that is known of it. Unknown texts are
  `unknown`, and what is known of no image has no column.
- `datasets.load_dataset("imagefolder", data_dir="basic")`, or `load_dataset` on this folder with
  the name `basic` or `compound`.
"""

    def __init__(self, own: Folder, tree: Folder, context: Context) -> None:
        super().__init__(own, tree, context)
        self._rows: dict[tuple[str, str], Any] = {}
        self._kinds = [Kind.TEXT, *(column.kind for column in IN_CSV for _ in column.cells)]
        self._n_known = [0] * len(self._kinds)
        self._n_rows = 0

    @property
    def columns(self) -> list[Column]:
        known = dict(zip(header(), self._n_known[1:], strict=True))
        return [column for column in IN_CSV if known[column.cells[0]]]

    def front_matter(self, told: dict[str, Any]) -> str:
        return dataset_card(told, "{subset}/{split}/*")

    def add(self, written: Written) -> None:
        place = written.face.place
        key = (place.subset, place.split)
        if key not in self._rows:
            table = Table("/".join((*key, "metadata.csv")), *key)
            self._rows[key] = self._csv(table, ["file_name", *header()])
        self._picture(f"{place.subset}/{place.split}/{place.name}", written)
        cells = [place.name, *cells_of(written, self.context)]
        self._rows[key].writerow(cells)
        self._n_rows += 1
        self._n_known = [n + (cell != "") for n, cell in zip(self._n_known, cells, strict=True)]

    def finish_tables(self) -> None:
        fills = [self._fill(kind, n) for kind, n in zip(self._kinds, self._n_known, strict=True)]
        for table in self.tables:
            path = self.own.root / table.path
            draft = path.replace(path.with_suffix(".draft"))
            with (
                draft.open(encoding="utf-8", newline="") as source,
                path.open("w", encoding="utf-8", newline="") as goal,
            ):
                rows, out = csv.reader(source), csv.writer(goal, lineterminator="\n")
                names = next(rows)
                out.writerow(name for name, fill in zip(names, fills, strict=True) if fill)
                for row in rows:
                    out.writerow(f(cell) for f, cell in zip(fills, row, strict=True) if f)
            draft.unlink()

    def _fill(self, kind: Kind, n_known: int) -> Callable[[str], str] | None:
        """How a column's cells are written so that they mean one type; None to leave it out."""
        if n_known == 0:
            return None
        if n_known == self._n_rows or kind == Kind.REAL:
            return str
        if kind == Kind.TEXT:
            return lambda cell: cell or "unknown"
        return lambda cell: cell and f"{cell}.0"


def dataset_card(told: dict[str, Any], pattern: str) -> str:
    """The head of a README that tells ``datasets`` which files are which subset and split."""
    lines = ["---", f"pretty_name: {json.dumps(told['project']['name'], ensure_ascii=False)}"]
    lines += ["task_categories:", "- image-classification", "configs:"]
    for subset, splits in told["counts"].items():
        lines += [f"- config_name: {subset}", "  data_files:"]
        for split, classes in splits.items():
            if any(classes.values()):
                path = pattern.format(subset=subset, split=split)
                lines += [f"  - split: {split}", f"    path: {path}"]
    return "\n".join([*lines, "---", "", ""])


def class_folder(subset: str, label: int) -> str:
    """The folder of a 0-based label: ``1`` … ``7``, or ``01`` … ``12``."""
    return str(label + 1) if subset == "basic" else f"{label + 1:02d}"


def empty_classes(plan: Plan) -> Iterator[tuple[str, str, int]]:
    """Subset, split and label of every class that stands in one split only, where it is absent."""
    for subset, splits in plan.counts.items():
        for label, name in enumerate(plan.class_names(subset)):
            here = {split: splits[split][name] for split in (TRAIN, TEST)}
            if any(here.values()) and any(splits[TEST].values()):
                yield from ((subset, split, label) for split, n in here.items() if n == 0)


def work_folder(aside: Path, layout: str) -> Path:
    """Where a layout's own documents and tables wait for its archive."""
    return aside / f"layout-{layout}"
