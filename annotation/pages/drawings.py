"""Figures that workers wrote as SVG, made fit to stand inside a page.

The policy for content allows no ``style``, so matplotlib's styles become attributes; ids get a
prefix so that two figures on a page do not share clip paths; only elements and attributes that a
figure needs are kept, and links must stay on the site.
"""

import re
from xml.etree import ElementTree as Plain

from defusedxml import ElementTree

SVG = "http://www.w3.org/2000/svg"
XLINK = "{http://www.w3.org/1999/xlink}href"
ELEMENTS = {
    *("svg", "g", "defs", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon"),
    *("text", "tspan", "title", "desc", "use", "clipPath", "a", "image", "symbol"),
    *("linearGradient", "radialGradient", "stop", "marker", "pattern", "mask"),
}
FORBIDDEN = re.compile(r"^(on|style$|xml)", re.IGNORECASE)
REFERENCE = re.compile(r"url\(['\"]?#([^'\")]+)['\"]?\)")
HREFS = ("href", XLINK)
Plain.register_namespace("", SVG)


def inline(svg: str, prefix: str, alt: str) -> str:
    """The drawing as an ``<svg>`` element for HTML, named ``alt`` for who cannot see it.

    Raises ``ValueError`` where it is no SVG.
    """
    try:
        root = ElementTree.fromstring(svg)
    except Plain.ParseError as error:
        raise ValueError(f"svg: not well-formed ({error})") from error
    if root.tag != f"{{{SVG}}}svg":
        raise ValueError("svg: its outermost element is not <svg>")
    _clean(root, prefix)
    for name in ("width", "height"):  # the page decides how wide; the view box keeps the shape
        root.attrib.pop(name, None)
    root.set("role", "group" if root.find(f".//{{{SVG}}}a") is not None else "img")
    root.set("aria-label", alt)
    return Plain.tostring(root, encoding="unicode", short_empty_elements=True)


def _clean(element: Plain.Element, prefix: str) -> None:
    for child in list(element):
        if not isinstance(child.tag, str) or _name(child) not in ELEMENTS:
            element.remove(child)
        else:
            _clean(child, prefix)
    styles = _styles(element.get("style", ""))
    old = {**element.attrib, **styles}
    element.attrib.clear()
    for key, value in old.items():
        if FORBIDDEN.match(key) or (key.startswith("{") and key != XLINK):
            continue
        kept = _value(element, key, value, prefix)
        if kept is not None:
            element.set("href" if key == XLINK else key, kept)


def _value(element: Plain.Element, key: str, value: str, prefix: str) -> str | None:
    if key == "id":
        return f"{prefix}-{value}"
    if key in HREFS:
        if value.startswith("#"):
            return f"#{prefix}-{value[1:]}"
        is_raster = _name(element) == "image" and value.startswith("data:image/png;base64,")
        is_of_site = _name(element) == "a" and re.match(r"/(?!/)", value)
        return value if is_raster or is_of_site else None
    return REFERENCE.sub(rf"url(#{prefix}-\1)", value)


def _styles(style: str) -> dict[str, str]:
    pairs = (part.split(":", 1) for part in style.split(";") if ":" in part)
    styles = {name.strip(): value.strip() for name, value in pairs}
    font = styles.pop("font", None)  # the shorthand is no attribute: "bold 10px 'Noto Sans', …"
    if font and (found := re.match(r"(.*?)([\d.]+(?:px|pt))\s+(.+)", font)):
        words, size, family = found.groups()
        styles |= {"font-size": size, "font-family": family}
        weight = next((w for w in words.split() if w == "bold" or w.isdigit()), None)
        if weight:
            styles["font-weight"] = weight
        if "italic" in words:
            styles["font-style"] = "italic"
    return styles


def _name(element: Plain.Element) -> str:
    namespace, _, name = element.tag.rpartition("}")
    return name if namespace == f"{{{SVG}" else ""
