"""What every figure shares: one look, clean SVG, a table and words for those who cannot see it.

An SVG leaves here fit for a page and for a paper: no background, lines and text in the colour of
the surrounding text (black where there is none), marks in mid-tones that stand out at 3:1 on white
and on near-black; attributes instead of style sheets, so that a strict Content-Security-Policy lets
it through; identifiers that begin with the figure's name, so that several fit on one page; every
link with a name. Text stays text.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as Xml

import numpy as np

from reliability.expressions import N_EXPRESSIONS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Url = Callable[[int], str]
"""The address behind a person or an image, by index."""

INK = "#010203"
"""Stands for the colour of the surrounding text until the SVG is cleaned."""
BLUE, RED, ORANGE = "#3b7fd1", "#d6404a", "#cf6f0a"
COLOURS = ("#a87900", "#8e5bd0", "#2e8b57", ORANGE, BLUE, RED, "#808080")
"""One for each expression in the paper's order; further classes begin again."""
MARKERS = ("^", "v", "s", "o", "D", "P", "X")
"""Colour is never the only sign: each class has its shape too."""
WIDTH_IN = 7.2
"""Two columns of a paper, or the width of a page's text."""

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "{http://www.w3.org/1999/xlink}href"
_LOOK: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a person may be called $x$
    "font.family": ["DejaVu Sans"],
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": INK,
    "grid.alpha": 0.12,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.6,
    "path.simplify": True,
}


@dataclass(frozen=True)
class Table:
    """A figure's numbers: what it shows, in full, for a page or as CSV."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def csv(self) -> str:
        """The table as text; words that a spreadsheet would run as a formula are quoted."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([_cell(value) for value in row] for row in self.rows)
        return out.getvalue()


@dataclass(frozen=True)
class Figure:
    """One figure, ready for a page, a folder or a paper."""

    name: str
    """A file name without ending, such as ``reliability``."""
    title: str
    alt: str
    """What the figure says, in one or two sentences with its main numbers."""
    svg: str
    table: Table

    def save(self, folder: Path) -> None:
        """Write ``NAME.svg`` and ``NAME.csv``."""
        (folder / f"{self.name}.svg").write_text(self.svg, encoding="utf-8")
        (folder / f"{self.name}.csv").write_text(self.table.csv(), encoding="utf-8")


class Sheet:
    """A figure being drawn: its axes, and the names of what its links lead to."""

    def __init__(self, name: str, height_in: float, n_rows: int = 1, n_columns: int = 1) -> None:
        from matplotlib.figure import Figure as Drawing

        self.name = name
        self._drawing = Drawing(figsize=(WIDTH_IN, height_in), layout="constrained")
        self.grid = np.atleast_1d(self._drawing.subplots(n_rows, n_columns)).ravel()
        self._link_names: dict[str, str] = {}

    @property
    def axes(self) -> "Axes":
        """The first axes, the only one of most figures."""
        axes: Axes = self.grid[0]
        return axes

    def link(self, artist: Any, url: str, words: str) -> None:
        """Make one bar or cell a link with a name."""
        self._link_names[url] = words
        artist.set_url(url)

    def link_points(self, points: Any, urls: Sequence[str], words: Sequence[str]) -> None:
        """Make each point of a scatter a link with a name."""
        self._link_names.update(zip(urls, words, strict=True))
        points.set_urls(list(urls))

    def legend_above(self, n_columns: int) -> None:
        """The legend of the first axes in one line over the figure."""
        handles, words = self.axes.get_legend_handles_labels()
        self._drawing.legend(handles, words, loc="outside upper center", ncols=n_columns)

    def finish(self, title: str, alt: str, table: Table) -> Figure:
        """The figure with its SVG cleaned."""
        out = io.StringIO()
        self._drawing.savefig(out, format="svg", transparent=True, metadata={"Date": None})
        svg = _clean(out.getvalue(), self.name, f"{title}. {alt}", self._link_names)
        return Figure(self.name, title, alt, svg, table)


@contextmanager
def sheet(name: str, height_in: float, n_rows: int = 1, n_columns: int = 1) -> Iterator[Sheet]:
    """A sheet in Rafter's look; the same drawing gives the same bytes."""
    import matplotlib as mpl

    with mpl.rc_context({**_LOOK, "svg.hashsalt": name}):
        yield Sheet(name, height_in, n_rows, n_columns)


def colours(n_classes: int) -> list[str]:
    """A colour for each class."""
    return [COLOURS[k % N_EXPRESSIONS] for k in range(n_classes)]


def thin(n: int, most: int, weight: Any = None) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """At most ``most`` of ``n`` indices, the same each time, so that dense figures stay small.

    Half are those with the largest ``weight`` if one is given, the rest are spread evenly.
    """
    if n <= most:
        return np.arange(n)
    chosen = np.random.default_rng(0).permutation(n)[: most if weight is None else most // 2]
    if weight is not None:
        chosen = np.union1d(chosen, np.argsort(-np.asarray(weight), kind="stable")[: most // 2])
    return np.sort(chosen)


def plain(name: str, most: int = 24) -> str:
    """A name fit to be drawn: printable, at most so many characters."""
    printable = "".join(letter if letter.isprintable() else "·" for letter in name)
    return printable if len(printable) <= most else printable[: most - 1] + "…"


def whole_numbers(axes: "Axes") -> None:
    """Ticks of the horizontal axis at whole numbers only."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def percent(share: float) -> str:
    """A share as words, ``12 %`` or ``0.4 %``."""
    return f"{100 * share:.0f} %" if share == 0 or share >= 0.0995 else f"{100 * share:.1f} %"


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    if isinstance(value, float | np.floating):
        return f"{value:.6g}"
    return "" if value is None else value


def _clean(svg: str, name: str, words: str, link_names: dict[str, str]) -> str:
    Xml.register_namespace("", _SVG)
    root = Xml.fromstring(svg)  # noqa: S314, it is what matplotlib has just written
    for child in list(root):
        if child.tag == f"{{{_SVG}}}metadata" or child.find(f"{{{_SVG}}}style") is not None:
            root.remove(child)
    for element in root.iter():
        _clean_element(element, name, link_names)
    root.attrib.update(
        {
            "role": "group" if link_names else "img",
            "aria-label": words,
            "font-family": "system-ui, 'DejaVu Sans', Arial, sans-serif",
            "stroke-linejoin": "round",
            "stroke-linecap": "butt",
            "width": root.attrib["width"].removesuffix("pt"),
            "height": root.attrib["height"].removesuffix("pt"),
        }
    )
    text = Xml.tostring(root, encoding="unicode")
    text = re.sub(r">\s+<", "><", text).replace(INK, "currentColor")
    return re.sub(r"(?<=[\d.]) ?\n", " ", text) + "\n"


def _clean_element(element: "Xml.Element", name: str, link_names: dict[str, str]) -> None:
    style = element.attrib.pop("style", "")
    for part in filter(None, (part.strip() for part in style.split(";"))):
        key, value = (half.strip() for half in part.split(":", 1))
        if key != "font-family":
            element.set(key, value)
    url = element.attrib.pop(_XLINK, None)
    element.attrib.pop("target", None)
    if url is not None and url.startswith("#"):
        element.set("href", f"#{name}-{url[1:]}")
    elif url is not None:
        element.set("href", url)
        element.set("aria-label", link_names[url])
    for key, value in element.attrib.items():
        if key == "id":
            element.set(key, f"{name}-{value}")
        elif value.startswith("url(#"):
            element.set(key, f"url(#{name}-{value[5:]}")
        elif key == "transform" and value.startswith("rotate(-0 "):
            element.set(key, "")
    if element.get("transform") == "":
        del element.attrib["transform"]
