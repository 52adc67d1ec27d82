"""Drawn faces: the same for the same seed, and true to what is said of them."""

import csv
from pathlib import Path

import numpy as np
import pytest
from django.core.management import call_command

from annotation.study import action_units
from annotation.study.faces import draw, specify, study
from reliability.expressions import Expression


def test_face_depends_on_seed_and_index_only() -> None:
    third = list(study(3, seed=5))[2]
    assert np.array_equal(third.picture, draw(2, seed=5).picture)
    assert not np.array_equal(third.picture, draw(2, seed=6).picture)


def test_styles_differ() -> None:
    wild, lab = draw(0, seed=1), draw(0, seed=1, style="lab")
    assert wild.picture.dtype == lab.picture.dtype == np.uint8
    assert abs(lab.spec.pose.yaw) < 10
    assert lab.spec.second is None


def test_geometry_lies_in_the_picture_and_in_order() -> None:
    for face in study(8, seed=3):
        height, width, _ = face.picture.shape
        x0, y0, x1, y1 = face.box
        assert 0 <= x0 < x1 <= width
        assert 0 <= y0 < y1 <= height
        left, right, nose, mouth_left, mouth_right = face.landmarks
        assert left[0] < right[0]
        assert mouth_left[0] < mouth_right[0]
        assert max(left[1], right[1]) < nose[1] + 5 < max(mouth_left[1], mouth_right[1]) + 10
        assert face.points.shape == (37, 2)


def test_action_units_occur_as_in_table_1() -> None:
    """Binomial bounds at four standard errors; Happiness: AU12 85 %, AU25 97 %, AU1 blank."""
    rng = np.random.default_rng(0)
    n = 600
    shown = [action_units.sample(Expression.HAPPINESS, 1.0, rng) for _ in range(n)]
    for unit, p in ((12, 0.85), (25, 0.97), (1, 0.03)):
        share = np.mean([units[unit] > 0 for units in shown])
        assert abs(share - p) < 4 * np.sqrt(p * (1 - p) / n), unit


def test_class_balance_follows_raf_db() -> None:
    singles = [s.expression for i in range(400) if (s := specify(i, seed=9)).second is None]
    share = np.mean([e is Expression.HAPPINESS for e in singles])
    assert share == pytest.approx(4772 / 12271, abs=0.1)


def test_folder_holds_a_sidecar_and_keeps_the_truth_outside(tmp_path: Path) -> None:
    call_command("draw_faces", str(tmp_path), count=6, seed=2)
    with (tmp_path / "photos" / "metadata.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6
    assert {"file_name", "x_min", "left_eye_x", "gender", "keyword", "licence"} <= set(rows[0])
    assert "expression" not in rows[0]
    words = [e.name.lower() for e in Expression]
    for row in rows:
        assert (tmp_path / "photos" / row["file_name"]).is_file()
        assert not any(word in row["file_name"].lower() for word in words)
    with (tmp_path / "truth.csv").open(encoding="utf-8", newline="") as file:
        assert [r["item"] for r in csv.DictReader(file)] == [r["file_name"] for r in rows]
