"""Sets that come with labels: RAF-DB's official tree, ImageFolder, FER+ style tables of pixels.

Each wraps a plain source and is a source itself, so that they come in through the one importer
with its one report. ``recognised`` says which a source is; a folder of photographs is none.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from reliability.expressions import COMPOUNDS, N_EXPRESSIONS, Expression

from .official import MAX_TEXT, read_auto, read_box, read_manual
from .pictures import Face, Refused
from .sidecar import Given, Remark, Row, Sidecar, remark
from .sources import Archive, BadSource, Entry, Folder, Source

LABEL_FILES = ("EmoLabel/list_patition_label.txt", "EmoLabel/list_partition_label.txt")
"""The official misspelling, and the spelling of copies that mended it."""
DISTRIBUTIONS = "EmoLabel/distribution.txt"
PICTURES = (".jpg", ".jpeg", ".png", ".webp")
BASIC, COMPOUND = "basic", "compound"
N_LABELS = {BASIC: N_EXPRESSIONS, COMPOUND: len(COMPOUNDS)}
SPLITS = {"train": "train", "test": "test"} | dict.fromkeys(("val", "valid", "validation"), "train")
WORDS: dict[str, Expression] = {e.title.lower(): e for e in Expression} | {
    "surprised": Expression.SURPRISE,
    "fearful": Expression.FEAR,
    "afraid": Expression.FEAR,
    "disgusted": Expression.DISGUST,
    "happy": Expression.HAPPINESS,
    "sad": Expression.SADNESS,
    "angry": Expression.ANGER,
}
ANNOTATIONS = (
    ("manual", "manu_attri", read_manual),
    ("auto", "auto_attri", read_auto),
    ("boundingbox", "boundingbox", read_box),
)


def recognised(source: Folder | Archive) -> Source:
    """The source as the labelled set that it is, or as it was where it is none."""
    from .tables import PixelTable  # it reads pictures out of text, which few imports need

    entries = source.entries()
    names = [entry.name for entry in entries if not entry.refusal]
    roots = _official_roots(names)
    if roots:
        return OfficialTree(source, entries, roots)
    if tables := [name for name in names if name.lower().endswith(".csv")]:
        found = PixelTable.of(source, tables)
        if found is not None:
            return found
    classes = _classes(names)
    return LabelledFolders(source, entries, classes) if classes else source


class OfficialTree:
    """RAF-DB as it was distributed, or any folder in its layout, in the order of its labels.

    The originals come in, the aligned pictures only where there are no originals (then without the
    geometry, which speaks of the originals). Every annotation file is kept word for word beside
    what was read from it, so that a release gives the same bytes back.
    """

    def __init__(self, source: Source, entries: list[Entry], roots: dict[str, str]) -> None:
        """``roots`` are the subsets by the folder that holds their ``EmoLabel``."""
        self._source, self._roots = source, roots
        self._entries = {entry.name: entry for entry in entries}
        self._remarks: list[Remark] = []
        self._rows: dict[str, Row] = {}
        self._listed: list[Entry] = []
        for root, subset in roots.items():
            self._read_subset(root, subset)

    def entries(self) -> list[Entry]:
        named = {entry.name for entry in self._listed}
        rest = [
            Entry(name, entry.refusal or "the label file does not name it")
            for name, entry in self._entries.items()
            if name not in named and self._is_picture_of_its_own(name)
        ]
        return self._listed + rest

    def read(self, name: str) -> bytes:
        return self._source.read(name)

    def sidecar(self) -> Sidecar:
        return Sidecar(self._rows, self._remarks)

    def close(self) -> None:
        self._source.close()

    def _is_picture_of_its_own(self, name: str) -> bool:
        """Whether a file is a photograph, not the aligned copy of one."""
        return name.lower().endswith(PICTURES) and "/Image/aligned/" not in f"/{name}"

    def _read_subset(self, root: str, subset: str) -> None:
        label_file = next(
            f"{root}{name}" for name in LABEL_FILES if f"{root}{name}" in self._entries
        )
        shares = self._distributions(f"{root}{DISTRIBUTIONS}")
        seen: set[str] = set()
        n_labels = 0
        for number, line in enumerate(self._text(label_file).splitlines(), start=1):
            if not line.strip():
                continue
            name, label = _label_of(line, N_LABELS[subset], f"{label_file}, line {number}")
            if name in seen:
                raise BadSource(f"{label_file}, line {number}: {name} stands there twice")
            seen.add(name)
            n_labels += self._take(root, subset, name, label, shares.get(name))
        told = f"read as RAF-DB's {subset} subset: {n_labels:,} labelled pictures"
        self._remarks.insert(0, remark(label_file, told))

    def _take(
        self, root: str, subset: str, name: str, label: int, distribution: list[float] | None
    ) -> bool:
        stem = PurePosixPath(name).stem
        original, aligned = (
            f"{root}Image/original/{name}",
            f"{root}Image/aligned/{stem}_aligned.jpg",
        )
        path = original if original in self._entries else aligned
        if path not in self._entries:
            self._remarks.append(remark(name, "the label file names it, but it is not there"))
            return False
        given = Given(
            subset=subset,
            label=label,
            split="test" if name.startswith("test") else "train",
            name=name,
            distribution=distribution,
            texts=self._annotations(root, stem),
        )
        self._rows[path] = _row(given, has_geometry=path == original)
        self._listed.append(self._entries[path])
        return True

    def _annotations(self, root: str, stem: str) -> dict[str, str]:
        texts = {}
        for kind, suffix, read in ANNOTATIONS:
            path = f"{root}Annotation/{kind}/{stem}_{suffix}.txt"
            if path not in self._entries:
                continue
            try:
                text = self._text(path)
                if len(text) > MAX_TEXT:
                    raise ValueError(f"longer than {MAX_TEXT:,} signs")
                read(text)
            except (ValueError, Refused) as error:
                self._remarks.append(remark(path, f"not taken: {error}"))
            else:
                texts[kind] = text
        return texts

    def _distributions(self, path: str) -> dict[str, list[float]]:
        """Seven shares by file name; a line that is none is named in the report."""
        shares: dict[str, list[float]] = {}
        lines = self._text(path).splitlines() if path in self._entries else []
        for number, line in enumerate(lines, start=1):
            name, *cells = line.split()
            try:
                row = [float(cell) for cell in cells]
                if len(row) != N_EXPRESSIONS or min(row) < 0 or not 0 < sum(row) < float("inf"):
                    raise ValueError
            except ValueError:
                self._remarks.append(remark(path, f"line {number} is not seven probabilities"))
            else:
                shares[name] = [value / sum(row) for value in row]
        return shares

    def _text(self, path: str) -> str:
        return self._source.read(path).decode("utf-8")


class LabelledFolders:
    """``train/happiness/a.jpg``: the folder names the label, perhaps subset and split above it."""

    def __init__(self, source: Source, entries: list[Entry], classes: dict[str, Given]) -> None:
        self._source, self._entries, self._classes = source, entries, classes

    def entries(self) -> list[Entry]:
        return [entry for entry in self._entries if entry.name.lower().endswith(PICTURES)]

    def read(self, name: str) -> bytes:
        return self._source.read(name)

    def sidecar(self) -> Sidecar:
        described = self._source.sidecar()
        rows = {}
        for entry in self.entries():
            row = described.rows.get(entry.name, Row())
            given = self._classes[str(PurePosixPath(entry.name).parent)]
            rows[entry.name] = Row(row.face, row.attributes, row.provenance, given)
        return Sidecar(rows, [*self._told(), *described.remarks])

    def close(self) -> None:
        self._source.close()

    def _told(self) -> Iterator[Remark]:
        yield remark("", f"read as ImageFolder: {len(self._classes)} folders name the labels")
        joined = {p for f in self._classes for p in PurePosixPath(f).parts if p.lower() in SPLITS}
        if any(part.lower().startswith("val") for part in joined):
            yield remark("", "the validation folder joins train: a release has train and test")


def _official_roots(names: list[str]) -> dict[str, str]:
    """Subset by the folder that holds its ``EmoLabel``: ``{"basic/": "basic", …}``."""
    roots: dict[str, str] = {}
    for name in names:
        for label_file in LABEL_FILES:
            if name == label_file or name.endswith(f"/{label_file}"):
                root = name.removesuffix(label_file)
                roots[root] = COMPOUND if root.rstrip("/").endswith(COMPOUND) else BASIC
    doubled = [subset for subset, n in Counter(roots.values()).items() if n > 1]
    if doubled:
        raise BadSource(f"There are several {doubled[0]} subsets in it: import one at a time.")
    return dict(sorted(roots.items(), key=lambda item: item[1]))


def _label_of(line: str, most: int, where: str) -> tuple[str, int]:
    """File name and 0-based label of one line."""
    name, _, label = line.strip().partition(" ")
    label = label.strip()
    if not (label.isascii() and label.isdigit() and 1 <= int(label) <= most):
        raise BadSource(f"{where}: {line[:80]!r} is not a file name and a label 1–{most}")
    if not name.startswith(("train", "test")) or "/" in name:
        raise BadSource(f"{where}: {name[:80]!r} begins with neither train nor test")
    return name, int(label) - 1


def _row(given: Given, has_geometry: bool) -> Row:
    """What the annotation files of a face say, as the importer takes it."""
    texts = given.texts
    manual = read_manual(texts["manual"]) if "manual" in texts else None
    face = Face(
        box=read_box(texts["boundingbox"]) if has_geometry and "boundingbox" in texts else None,
        landmarks=manual.points if has_geometry and manual else None,
        auto_landmarks=read_auto(texts["auto"]) if has_geometry and "auto" in texts else None,
    )
    return Row(face, manual.attributes if manual else {}, {}, given)


def _classes(names: list[str]) -> dict[str, Given]:
    """What the folder of every picture says of it; empty where not every folder is a label.

    Folders with mere numbers are labels only below ``train`` and ``test``: photographs sorted into
    ``1``, ``2``, ``3`` mean something else.
    """
    folders = {str(PurePosixPath(n).parent) for n in names if n.lower().endswith(PICTURES)}
    given = {folder: _given_by(PurePosixPath(folder).parts) for folder in folders}
    if not given or any(value is None for value in given.values()):
        return {}
    told = {folder: value for folder, value in given.items() if value is not None}
    are_words = all(not PurePosixPath(folder).name.isdigit() for folder in told)
    return told if are_words or all(value.split for value in told.values()) else {}


def _given_by(parts: tuple[str, ...]) -> Given | None:
    if not parts:
        return None
    above = [part.lower() for part in parts[:-1]]
    splits = [SPLITS[part] for part in above if part in SPLITS]
    if len(splits) > 1:
        return None
    named: Any = _label_named(parts[-1], COMPOUND if COMPOUND in above else BASIC)
    if named is None:
        return None
    subset, label = named
    return Given(subset=subset, label=label, split=splits[0] if splits else "")


def _label_named(word: str, subset: str) -> tuple[str, int] | None:
    """Subset and 0-based label of a folder's name: a number, an expression or a compound."""
    plain = word.lower().replace("_", " ").replace("-", " ")
    if plain.isascii() and plain.isdigit():
        number = int(plain)
        return (subset, number - 1) if 1 <= number <= N_LABELS[subset] else None
    if plain in WORDS:
        return BASIC, int(WORDS[plain])
    compounds = [name.lower() for name, _, _ in COMPOUNDS]
    return (COMPOUND, compounds.index(plain)) if plain in compounds else None
