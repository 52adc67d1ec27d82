"""What coders say: checked strictly, compared as the field does, concluded without favour."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from annotation.faces import sayings, units
from annotation.faces.models import Part

POINTS = [[20.0, 25.5], [44.0, 25.0], [32.0, 40.0], [24.0, 50.0], [41.0, 49.25]]
BOX = [10, 12, 54, 60]
ASKS = ("gender", "race", "age")


def checked(part: str, said: Any) -> Any:
    return sayings.checked(part, said, (64, 72), ASKS, units.PAPER)


@pytest.mark.parametrize(
    ("part", "said", "field"),
    [
        ("points", {"landmarks": POINTS}, "said"),
        ("points", {"landmarks": POINTS[:4], "box": BOX}, "landmarks"),
        ("points", {"landmarks": [[1, 2]] * 4 + [[1]], "box": BOX}, "landmarks"),
        ("points", {"landmarks": [[1, "2"]] * 5, "box": BOX}, "landmarks"),
        ("points", {"landmarks": [[1, float("nan")]] * 5, "box": BOX}, "landmarks"),
        ("points", {"landmarks": [[1, True]] * 5, "box": BOX}, "landmarks"),
        ("points", {"landmarks": [*POINTS[:4], [99, 50]], "box": BOX}, "landmarks"),
        ("points", {"landmarks": [POINTS[i] for i in (1, 0, 2, 3, 4)], "box": BOX}, "landmarks"),
        ("points", {"landmarks": [POINTS[i] for i in (3, 4, 2, 0, 1)], "box": BOX}, "landmarks"),
        ("points", {"landmarks": POINTS, "box": [50, 12, 10, 60]}, "box"),
        ("points", {"landmarks": POINTS, "box": [100, 100, 120, 120]}, "box"),
        ("attributes", {"gender": 3, "race": 0, "age": 0}, "gender"),
        ("attributes", {"gender": 0, "race": 0, "age": "2"}, "age"),
        ("attributes", {"gender": True, "race": 0, "age": 1}, "gender"),
        ("attributes", {"gender": 0, "race": 0}, "said"),
        ("attributes", {"gender": 0, "race": 0, "age": 0, "mood": 1}, "said"),
        ("attributes", [1, 2, 3], "said"),
        ("units", {"units": "1+2"}, "units"),
        ("units", {"units": [1, 2]}, "units"),
        ("units", {"units": ["99"]}, "units"),
        ("units", {"units": ["12F"]}, "units"),
        ("units", {"units": ["X12"]}, "units"),
        ("units", {"units": ["12", "L12"]}, "units"),
        ("units", {"units": ["43"]}, "units"),
    ],
)
def test_saying_that_cannot_be_right_names_its_field(part: str, said: Any, field: str) -> None:
    with pytest.raises(ValidationError) as told:
        checked(part, said)
    assert list(told.value.message_dict) == [field]


def test_codes_are_put_in_order_and_written_as_rafau_does() -> None:
    assert checked("units", {"units": ["25", "l12d", " 1C", "2"]}) == {
        "units": ["1C", "2", "L12D", "25"]
    }
    assert units.rafau_text(["1C", "2", "5A", "L12D", "25"]) == "1+2+5+L12+25"
    assert units.rafau_text([]) == "null"
    assert units.rafau_text(None) is None


def test_papers_fifteen_units_are_the_columns_of_its_table() -> None:
    assert len(units.PAPER) == 15
    assert set(units.PAPER) <= set(units.BY_NUMBER)


def test_agreement_is_facs_index_the_share_of_attributes_and_a_tenth_of_the_eyes() -> None:
    def scored(*codes: str) -> dict[str, Any]:
        return {"units": list(codes)}

    assert sayings.agreement("units", scored("1", "2", "L12"), scored("1B", "12")) == 0.8
    assert sayings.agreement("units", scored(), scored()) == 1.0
    assert sayings.agreement("units", scored("1"), scored()) == 0.0
    one, other = {"gender": 1, "age": 2}, {"gender": 1, "age": 3}
    assert sayings.agreement("attributes", one, other) == 0.5
    moved = [[x + 2.0, y] for x, y in POINTS]
    far = [[x + 3.0, y] for x, y in POINTS]
    at = {"landmarks": POINTS, "box": BOX}
    assert sayings.agreement("points", at, {"landmarks": moved, "box": BOX}) == 1.0
    assert sayings.agreement("points", at, {"landmarks": far, "box": BOX}) == 0.0


@pytest.mark.parametrize(
    ("part", "said", "together", "is_settled"),
    [
        ("units", [["1C", "L12B"]], ["1C", "L12B"], True),
        ("units", [["1", "2"], ["1", "2"]], ["1", "2"], True),
        ("units", [["1", "2", "4"], ["25"]], [], False),
        ("units", [["1A", "4"], ["1C", "25"], ["1E", "25", "L12"]], ["1C", "25"], True),
        ("units", [["L12"], ["L12"], ["12"]], ["L12"], True),
        ("units", [["L12"], ["12"], ["R12"]], ["12"], True),
        ("attributes", [{"gender": 1, "age": 2, "race": 0}], None, True),
        ("attributes", [{"gender": 1, "age": 2, "race": 0}, {"gender": 0, "age": 3, "race": 1}],
         {"gender": 2, "age": 2, "race": None}, False),
        ("attributes", [{"gender": 1, "age": 0, "race": 0}, {"gender": 0, "age": 4, "race": 1},
                        {"gender": 1, "age": 3, "race": 2}],
         {"gender": 1, "age": 3, "race": None}, True),
    ],
)  # fmt: skip
def test_what_coders_say_together(part: str, said: Any, together: Any, is_settled: bool) -> None:
    given = [{"units": s} if isinstance(s, list) else s for s in said]
    found, settled = sayings.concluded(part, given)
    expected = {"units": together} if isinstance(together, list) else together or given[0]
    assert found == expected
    assert settled is is_settled


def test_one_wild_point_of_three_does_no_harm() -> None:
    wild = [[1.0, 1.0], *POINTS[1:]]
    near = [[x + 0.2, y] for x, y in POINTS]
    said = [{"landmarks": p, "box": BOX} for p in (POINTS, wild, near)]
    together, _ = sayings.concluded(Part.POINTS, said)
    assert together is not None
    assert together["landmarks"][0] == [20.0, 25.5]
