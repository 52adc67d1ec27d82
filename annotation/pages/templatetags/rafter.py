"""What templates say in one word: icons, badges, fields, meters, amounts, Markdown, figures."""

import math
from datetime import timedelta
from typing import Any

from django import template
from django.forms import CheckboxInput
from django.templatetags.static import static
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from annotation.pages import drawings, prose

register = template.Library()

BADGES = {
    "queued": ("info", "clock", gettext_lazy("Waiting")),
    "running": ("info", "play", gettext_lazy("Running")),
    "succeeded": ("good", "check", gettext_lazy("Done")),
    "failed": ("bad", "warn", gettext_lazy("Failed")),
    "cancelled": ("", "stop", gettext_lazy("Cancelled")),
    "published": ("good", "check", gettext_lazy("Published")),
    "withdrawn": ("bad", "cross", gettext_lazy("Withdrawn")),
    "active": ("good", "check", gettext_lazy("Active")),
    "inactive": ("", "dash", gettext_lazy("Inactive")),
    "held": ("info", "clock", gettext_lazy("Waits for faces")),
    "excluded": ("warn", "cross", gettext_lazy("Excluded")),
    "taken_down": ("bad", "cross", gettext_lazy("Taken down")),
    "kept": ("good", "check", gettext_lazy("Kept")),
    "removed": ("bad", "cross", gettext_lazy("Left out")),
    "converged": ("good", "check", gettext_lazy("Converged")),
    "unsure": ("info", "clock", gettext_lazy("Too few votes")),
    "waiting": ("", "dash", gettext_lazy("Not begun")),
    "away": ("warn", "clock", gettext_lazy("Away")),
    "not_converged": ("warn", "warn", gettext_lazy("Not converged")),
}
TONE_ICON = {"good": "check", "warn": "warn", "bad": "warn", "info": "info", "": "dash"}
MESSAGE_TONE = {"success": "good", "warning": "warn", "error": "bad", "info": "info"}


@register.simple_tag
def icon(name: str) -> SafeString:
    """A drawing from ``icons/sprite.svg``; it is hidden from screen readers, words carry it."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>',
        static("icons/sprite.svg"),
        name,
    )


@register.simple_tag
def badge(state: str, word: str = "", tone: str | None = None) -> SafeString:
    """A state as icon and word: ``{% badge job.state %}``; or one's own word and tone."""
    known_tone, drawing, known_word = BADGES.get(state, ("", "dash", state))
    if tone is not None:
        known_tone, drawing = tone, TONE_ICON[tone]
    return format_html(
        '<span class="badge {}">{}{}</span>', known_tone, icon(drawing), word or known_word
    )


@register.inclusion_tag("parts/field.html")
def field(bound: Any, style: str = "") -> dict[str, Any]:
    """A form field with its label, help and errors; ``style`` may be ``short``."""
    is_checkbox = isinstance(bound.field.widget, CheckboxInput)
    return {"field": bound, "style": style, "is_checkbox": is_checkbox}


@register.inclusion_tag("parts/progress.html")
def progress(value: float, whole: float = 1, label: str = "") -> dict[str, Any]:
    """How far something is; ``label`` names it for screen readers."""
    return {"value": min(value, whole), "whole": max(whole, 1e-9), "label": label}


@register.inclusion_tag("parts/pages.html", takes_context=True)
def pages(context: Any, page: Any) -> dict[str, Any]:
    """Earlier and later, for a ``django.core.paginator.Page``; keeps the other parameters."""
    return {"page": page, "request": context["request"]}


@register.inclusion_tag("parts/sort_head.html", takes_context=True)
def sort_head(context: Any, now: str, name: str, word: str, style: str = "") -> dict[str, Any]:
    """The head of a column that sorts its table: a second press turns the order round.

    Numbers and times begin with the greatest. ``now`` is the order in force, ``-name`` if reversed.
    """
    is_here, is_down = now.removeprefix("-") == name, now.startswith("-")
    starts_down = "number" in style or name == "last"
    goes_down = not is_down if is_here else starts_down
    asked = context["request"].GET.copy()
    asked["sort"] = f"-{name}" if goes_down else name
    return {
        "word": word,
        "style": style,
        "url": f"?{asked.urlencode()}",
        "order": ("descending" if is_down else "ascending") if is_here else "none",
        "mark": ("▼" if is_down else "▲") if is_here else "",
    }


@register.filter
def words(text: str) -> list[str]:
    return text.split()


@register.simple_tag
def expression_icon(name: str) -> SafeString:
    """The small line face of an expression (``happiness``); its word stands beside it."""
    return format_html(
        '<img class="icon" src="{}" alt="" width="24" height="24">',
        static(f"icons/expressions/{name}.svg"),
    )


@register.simple_tag
def drawing(svg: str, prefix: str, alt: str) -> SafeString:
    """A worker's SVG for use inside the page; see ``pages.drawings``."""
    return mark_safe(drawings.inline(svg, prefix, alt))  # noqa: S308 - rebuilt from an allow-list


@register.filter
def markdown(text: str) -> SafeString:
    """Markdown as safe HTML."""
    return mark_safe(prose.html(text))  # noqa: S308 - cleaned by nh3


@register.filter
def tone(message: Any) -> str:
    """The tone of one of Django's messages."""
    return MESSAGE_TONE.get(message.level_tag, "info")


@register.filter
def tone_icon(name: str) -> str:
    return TONE_ICON.get(name, "info")


@register.filter
def amount(value: float | None, decimals: int = 0) -> str:
    """A number with its thousands apart; an en dash where there is none (templates say ``""``)."""
    if value is None or value == "" or not math.isfinite(value):
        return "–"
    return number_format(round(value, decimals), decimals, use_l10n=True, force_grouping=True)


@register.filter
def percent(value: float | None, decimals: int = 0) -> str:
    """A share (0–1) in per cent."""
    return amount(100 * value if value or value == 0 else None, decimals) + " %"


@register.filter
def duration(value: timedelta | float | None) -> str:
    """A length of time in its two greatest units: ``3 min 20 s``."""
    if value is None:
        return "–"
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if seconds < 10:
        return _("%(n)s s") % {"n": number_format(seconds, 1)}
    minutes, s = divmod(round(seconds), 60)
    hours, m = divmod(minutes, 60)
    days, h = divmod(hours, 24)
    if days:
        return ngettext("%(d)d day", "%(d)d days", days) % {"d": days} + " " + _("%d h") % h
    if hours:
        return _("%(h)d h %(m)d min") % {"h": h, "m": m}
    if minutes:
        return _("%(m)d min %(s)d s") % {"m": m, "s": s}
    return _("%(n)s s") % {"n": s}
