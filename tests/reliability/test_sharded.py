"""Processes that share the images find what one process finds."""

import csv
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from reliability import ScreeningRule, Votes, estimate, sharded, shards, simulate
from reliability.agreement import agreement, agreement_of_sums, sums_of_counts
from reliability.sharded import estimate_by_processes


class Threads:
    """An exchange between threads, each standing for a process."""

    def __init__(self, n: int) -> None:
        self.barrier, self.parts, self.n = threading.Barrier(n, timeout=60), {}, n

    def total(self, part: np.ndarray) -> np.ndarray:
        return self.shared(part, np.sum)

    def highest(self, part: np.ndarray) -> np.ndarray:
        return self.shared(part, np.max)

    def shared(self, part: np.ndarray, how) -> np.ndarray:
        self.parts[threading.get_ident()] = np.asarray(part, dtype=float)
        self.barrier.wait()
        found = how([self.parts[key] for key in sorted(self.parts)], axis=0)
        self.barrier.wait()
        return found


@pytest.fixture(scope="module")
def crowd() -> simulate.Crowd:
    return simulate.crowd(400, 30, 12, np.random.default_rng(3), random=2, one_key=1)


def range_of(votes: Votes, low: int, high: int) -> Votes:
    mine = (votes.item >= low) & (votes.item < high)
    return Votes(
        votes.item[mine] - low, votes.annotator[mine], votes.expression[mine],
        n_items=high - low, n_annotators=votes.n_annotators,
    )  # fmt: skip


def test_three_uneven_parts_agree_on_the_people_and_tell_their_own_items(crowd):
    whole = estimate(crowd.votes)
    among, bounds = Threads(3), [(0, 50), (50, 230), (230, 400)]
    with ThreadPoolExecutor(3) as pool:
        parts = list(
            pool.map(lambda b: estimate(range_of(crowd.votes, *b), exchange=among), bounds)
        )
    assert not whole.kept.all()
    for (low, high), part in zip(bounds, parts, strict=True):
        assert part.kept.tolist() == whole.kept.tolist()
        assert part.n_votes.tolist() == whole.n_votes.tolist()
        for name in ("reliability", "std_error", "accuracy"):
            np.testing.assert_allclose(getattr(part, name), getattr(whole, name), rtol=1e-6)
        for name in ("posterior", "easiness", "weighted_votes", "shows_two"):
            expected = getattr(whole, name)[low:high]
            np.testing.assert_allclose(getattr(part, name), expected, rtol=1e-5, atol=1e-8)
        assert part.penalised_log_likelihood == pytest.approx(
            whole.penalised_log_likelihood, rel=1e-9
        )


def test_two_processes_of_this_machine_give_the_numbers_of_one(crowd):
    rule = ScreeningRule(min_votes=30)
    whole = estimate(crowd.votes, screening=rule, overrides={3: False})
    found = estimate_by_processes(crowd.votes, 2, screening=rule, overrides={3: False})
    assert found.reason[3].startswith("left out by a curator")
    assert found.kept.tolist() == whole.kept.tolist()
    np.testing.assert_allclose(found.reliability, whole.reliability, rtol=1e-6)
    np.testing.assert_allclose(found.std_error, whole.std_error, rtol=1e-5)
    np.testing.assert_allclose(found.posterior, whole.posterior, rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(found.optimum.b, whole.optimum.b, rtol=1e-5, atol=1e-6)
    assert found.consensus.tolist() == whole.consensus.tolist()
    assert found.integrated.two_share == pytest.approx(whole.integrated.two_share, rel=1e-6)


def test_a_file_cut_into_shards_holds_the_same_votes(tmp_path, crowd):
    votes = crowd.votes
    path = tmp_path / "votes.csv"
    order = np.random.default_rng(0).permutation(len(votes))
    rows = [f"{votes.item[v]},p{votes.annotator[v]},{votes.expression[v] + 1}" for v in order]
    path.write_text("\n".join(["item,annotator,expression", *rows]) + "\n")
    shards.cut_file(path, tmp_path / "shards", 3)
    told = shards.manifest(tmp_path / "shards")
    seen = set()
    for k in range(3):
        one = shards.open_shards(tmp_path / "shards", range(k, k + 1))
        for j, i, e in zip(one.votes.item, one.votes.annotator, one.votes.expression, strict=True):
            seen.add((int(one.item_names[j]), told.annotator_names[i], int(e)))
    expected = zip(votes.item, votes.annotator, votes.expression, strict=True)
    assert seen == {(int(j), f"p{i}", int(e)) for j, i, e in expected}
    together = shards.open_shards(tmp_path / "shards", range(3)).votes
    np.testing.assert_array_equal(np.sort(together.counts, axis=0), np.sort(votes.counts, axis=0))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("a,x,1\nb,x,8\n", "line 3: expression is '8'"),
        ("a,x,1\na,x,2\n", "annotator 'x' votes on item 'a' more than once"),
        ("", "no votes"),
        ("a,x\n", "Expected 3 columns"),
    ],
)
def test_a_bad_file_is_not_cut(tmp_path, body, words):
    path = tmp_path / "votes.csv"
    path.write_text("item,annotator,expression\n" + body)
    with pytest.raises(ValueError, match=words):
        shards.cut_file(path, tmp_path / "shards", 2)


def test_sums_of_parts_give_the_agreement_of_the_whole(crowd):
    counts = crowd.votes.counts
    parts = sums_of_counts(counts[:150]) + sums_of_counts(counts[150:])
    found, whole = agreement_of_sums(parts), agreement(crowd.votes)
    for name, value in vars(whole).items():
        assert getattr(found, name) == pytest.approx(value, rel=1e-12), name


def test_a_process_of_torchruns_writes_the_tables(tmp_path, crowd, monkeypatch):
    shards.cut(crowd.votes, tmp_path / "shards", 2)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = {"RANK": 0, "WORLD_SIZE": 1, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    for name, value in place.items():  # as torchrun tells each process
        monkeypatch.setenv(name, str(value))
    assert sharded.main([str(tmp_path / "shards"), "--out", str(tmp_path / "out")]) == 0
    told = json.loads((tmp_path / "out" / "report.json").read_text())
    assert (told["n_items"], told["n_votes"], told["n_processes"]) == (400, 4800, 1)
    assert told["cronbach_alpha"] == pytest.approx(agreement(crowd.votes).cronbach_alpha)
    with (tmp_path / "out" / "items-00000.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 400
    with (tmp_path / "out" / "annotators.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 30
