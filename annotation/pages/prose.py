"""Markdown that people wrote, as HTML that cannot harm: guidelines, changelogs, model cards."""

import nh3
from markdown import Markdown

TAGS = {
    *("p", "br", "hr", "h2", "h3", "h4", "strong", "em", "del", "code", "pre", "blockquote"),
    *("ul", "ol", "li", "a", "table", "thead", "tbody", "tr", "th", "td", "dl", "dt", "dd"),
}
ATTRIBUTES = {"a": {"href", "title"}, "th": {"scope"}, "ol": {"start"}}


def html(text: str) -> str:
    """Safe HTML of some Markdown; its first level of heading becomes the page's second."""
    raw = Markdown(extensions=["tables", "fenced_code", "sane_lists"]).convert(text)
    for level in (3, 2, 1):
        raw = raw.replace(f"<h{level}>", f"<h{level + 1}>").replace(
            f"</h{level}>", f"</h{level + 1}>"
        )
    return nh3.clean(raw, tags=TAGS, attributes=ATTRIBUTES, url_schemes={"https", "http", "mailto"})
