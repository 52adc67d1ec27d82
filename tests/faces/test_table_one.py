"""Table 1: shares by hand, blanks and asterisks as the paper has them, and what it is made of."""

import csv
import io

import pytest

from annotation.faces import coding, table_one
from annotation.faces.models import Sampled
from annotation.images.models import Image
from annotation.people import services as people
from annotation.people.models import Role
from reliability.expressions import Expression
from tests.conftest import PASSWORD, Cast
from tests.releases.conftest import Collection
from tests.releases.conftest import collection as collection

HAPPY, SAD = int(Expression.HAPPINESS), int(Expression.SADNESS)


def faces(expression: int, *shown: set[int]) -> list[table_one.Row]:
    return [(expression, frozenset(one)) for one in shown]


def cell(made: table_one.Table, expression: int, unit: int) -> table_one.Cell:
    return made.lines[expression].cells[made.units.index(unit)]


def test_shares_are_those_counted_by_hand() -> None:
    made = table_one.table(faces(HAPPY, {6, 12}, {12, 25}, {12}, set()) + faces(SAD, {1}))
    assert cell(made, HAPPY, 12).percent == 75.0
    assert cell(made, HAPPY, 6).percent == 25.0
    assert cell(made, SAD, 12).percent == 0.0
    assert cell(made, 0, 12).percent is None
    assert [line.n for line in made.lines] == [0, 0, 0, 4, 1, 0, 0]
    low, high = cell(made, HAPPY, 12).interval or (0, 0)
    assert low == pytest.approx(30.06, abs=0.01)  # Wilson, by R's binom.confint
    assert high == pytest.approx(95.44, abs=0.01)


@pytest.mark.parametrize(
    ("n_mine", "n_other", "text"),
    [(9, 60, ""), (10, 10, "10"), (49, 10, "49"), (50, 10, "50*"), (90, 50, "90*"),
     (90, 51, "90"), (20, 60, "20*"), (20, 59, "20")],
)  # fmt: skip
def test_blank_below_ten_and_asterisk_from_forty_points(
    n_mine: int, n_other: int, text: str
) -> None:
    def sample(n: int) -> list[table_one.Row]:
        return faces(SAD, *([{4}] * n + [set()] * (100 - n)))

    made = table_one.table(sample(n_mine), other=sample(n_other))
    assert cell(made, SAD, 4).text == text


def test_without_another_project_nothing_has_an_asterisk() -> None:
    assert "*" not in table_one.as_latex(table_one.table(faces(SAD, {1, 4})))


def test_files_say_the_same() -> None:
    made = table_one.table(faces(HAPPY, {12}, {12, 6}), other=faces(HAPPY, set(), set()))
    rows = {
        (r["expression"], r["unit"]): r for r in csv.DictReader(io.StringIO(table_one.as_csv(made)))
    }
    assert rows["happiness", "12"]["percent"] == "100.0"
    assert rows["happiness", "12"]["differs"] == "1"
    assert rows["surprise", "1"]["percent"] == ""
    assert len(rows) == 7 * 15
    latex = table_one.as_latex(made).splitlines()
    assert latex[2].startswith(r"(\%) & AU1 & AU2 & AU4")
    assert next(line for line in latex if line.startswith("Hap")).count("100*") == 1
    assert len(latex) == 4 + 6 + 2
    assert "Happiness, AU6: 50 % of 2" in table_one.as_svg(made)


@pytest.mark.django_db
def test_page_shows_the_coded_sample_and_compares_only_with_ones_own_projects(
    cast: Cast, collection: Collection
) -> None:
    images = collection.add(4)
    coder = people.join(cast.project, people.create_person("cody", PASSWORD), Role.CODER)
    coding.set_plan(coding.plan_of(cast.project))
    Sampled.objects.bulk_create(Sampled(image=i, expression=HAPPY) for i in images[:3])
    for image, codes in zip(images, (["6", "12"], ["12"], [], ["4"]), strict=True):
        coding.save(image, coder, "units", {"units": codes}, revision=0)
    Image.objects.filter(pk=images[2].pk).update(state="taken_down")
    assert table_one.rows_of(cast.project) == faces(HAPPY, {6, 12}, {12})
    theirs = people.create_project("Elsewhere", curator=cast.olga)
    mine = people.create_project("Posed", curator=cast.carla)
    carla, address = cast.client(cast.carla), f"/p/{cast.project.slug}/described/"
    page = carla.get(address, {"other": theirs.slug}).content.decode()
    assert "Happiness, AU12: 100 % of 2" in page
    assert mine.name in page
    assert theirs.name not in page
    assert "Female" in page
    for kind, start in (
        ("csv", b"expression,unit"),
        ("tex", b"\\begin{tabular}"),
        ("svg", b"<svg"),
    ):
        answer = carla.get(address, {"as": kind})
        assert answer.content.startswith(start)
        assert f"faces-table-1.{kind}" in answer["Content-Disposition"]
    assert cast.client(cast.rafik).get(address).status_code == 200
    assert cast.client(cast.alice).get(address).status_code == 404
