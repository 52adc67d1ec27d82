"""Numbers on pages are rounded, never cut, and never NaN."""

from typing import Any

import pytest

from annotation.pages.templatetags.rafter import amount, percent


@pytest.mark.parametrize(
    ("value", "decimals", "shown"),
    [(41.67, 1, "41.7"), (29.151, 1, "29.2"), (1234567, 0, "1,234,567"), (2.5, 2, "2.50"),
     (None, 0, "–"), ("", 0, "–"), (float("nan"), 1, "–")],
)  # fmt: skip
def test_amounts_are_rounded(value: Any, decimals: int, shown: str) -> None:
    assert amount(value, decimals) == shown


def test_shares_are_rounded_after_they_became_per_cent() -> None:
    assert percent(0.29151, 1) == "29.2 %"
