"""The visual language keeps its promises: contrast, weight, safe drawings, safe prose."""

import itertools
import re
from pathlib import Path

import pytest
from django import forms
from django.template.loader import render_to_string

from annotation.pages import drawings, prose
from annotation.pages.templatetags.rafter import field

CSS = Path(__file__).resolve().parent.parent.parent / "frontend" / "static" / "css"
GROUNDS = ("ground", "surface", "sunken")
TEXTS = ("ink", "muted", "accent", "good", "warn", "bad", "info")
PAIRS = (
    *itertools.product(TEXTS, GROUNDS),
    *((tone, f"{tone}-wash") for tone in ("good", "warn", "bad", "info")),
    *((text, "accent-wash") for text in ("ink", "muted", "accent")),
    ("beam-ink", "beam"),
    ("beam-muted", "beam"),
    ("accent-ink", "accent"),
    ("accent-ink", "accent-hover"),
    ("next-ink", "next"),
    ("next-ink", "next-hover"),
    ("bad-ink", "bad"),
)


class Choices(forms.Form):
    words = forms.MultipleChoiceField(
        choices=[("a", "First"), ("b", "Second")], widget=forms.CheckboxSelectMultiple
    )
    alone = forms.BooleanField(label="Alone")


SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">{}</svg>'


def tokens(scheme: int) -> dict[str, str]:
    """Colours by name: by day (0) or by night (1)."""
    found = re.findall(r"--([\w-]+): (#\w{3,6}|light-dark\([^)]+\));", read("tokens"))
    colours = {name: re.findall(r"#\w+", value) for name, value in found}
    return {name: pair[scheme % len(pair)] for name, pair in colours.items()}


def read(name: str) -> str:
    return (CSS / f"{name}.css").read_text(encoding="utf-8")


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(c * 2 for c in colour[1:])
    shares = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    r, g, b = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_stands_out_from_its_ground(text: str, ground: str, scheme: int) -> None:
    colours = tokens(scheme)
    assert contrast(colours[text], colours[ground]) >= 4.5


def test_black_on_white_has_the_known_contrast() -> None:
    assert contrast("#000", "#ffffff") == pytest.approx(21.0, abs=1e-9)


def test_shared_style_sheets_stay_light() -> None:
    assert sum(len(read(name).encode()) for name in ("tokens", "base", "components")) <= 30_000


def test_no_sheet_but_the_tokens_names_a_colour() -> None:
    for sheet in CSS.glob("*.css"):
        if sheet.stem in ("base", "components"):
            named = set(re.findall(r"#[0-9a-f]{3,8}\b", sheet.read_text(encoding="utf-8")))
            assert named <= {"#ffd479", "#0b100ea6"}, sheet.name  # beam's focus; backdrop


def test_drawing_turns_styles_into_attributes() -> None:
    told = drawings.inline(SVG.format('<path style="fill: none; stroke: #123456"/>'), "f", "Curve")
    assert "style" not in told
    assert 'stroke="#123456"' in told
    assert 'aria-label="Curve"' in told


def test_drawings_on_one_page_do_not_share_names() -> None:
    told = drawings.inline(
        SVG.format('<clipPath id="c"/><g clip-path="url(#c)"><use xlink:href="#c"/></g>'), "f1", ""
    )
    assert 'id="f1-c"' in told
    assert "url(#f1-c)" in told
    assert 'href="#f1-c"' in told


@pytest.mark.parametrize(
    "bad",
    [
        "<script>alert(1)</script>",
        '<g onclick="alert(1)"/>',
        '<a xlink:href="javascript:alert(1)"/>',
        '<a xlink:href="//elsewhere.example/"/>',
        '<image xlink:href="https://elsewhere.example/x.png"/>',
        "<foreignObject><p>hello</p></foreignObject>",
    ],
)
def test_drawing_brings_nothing_that_acts_or_calls_outside(bad: str) -> None:
    told = drawings.inline(SVG.format(bad), "f", "")
    for word in ("alert", "elsewhere", "foreignObject"):
        assert word not in told


def test_drawing_keeps_links_within_the_site() -> None:
    told = drawings.inline(SVG.format('<a xlink:href="/p/faces/people/A001/"/>'), "f", "")
    assert 'href="/p/faces/people/A001/"' in told
    assert 'role="group"' in told


@pytest.mark.parametrize("text", ["<p>no drawing</p>", "<svg", ""])
def test_what_is_no_drawing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="svg"):
        drawings.inline(text, "f", "")


def test_prose_keeps_structure_and_drops_what_acts() -> None:
    told = prose.html(
        "# Rules\n\n- one\n\n<script>alert(1)</script>\n\n[x](javascript:alert(1)) [y](https://e.org)"
    )
    assert "<h2>Rules</h2>" in told
    assert "<li>one</li>" in told
    assert "<script" not in told
    assert 'href="javascript' not in told
    assert 'href="https://e.org"' in told


def test_several_boxes_are_a_group_with_a_name_and_one_box_is_a_line() -> None:
    form = Choices()
    group = render_to_string("parts/field.html", field(form["words"]))
    assert "<legend>Words</legend>" in group
    assert group.count('<label class="choice">') == 2
    alone = render_to_string("parts/field.html", field(form["alone"]))
    assert "<legend>" not in alone
    assert alone.count('<label class="choice">') == 1
