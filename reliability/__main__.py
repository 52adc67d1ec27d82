"""``python -m reliability``: votes in, files out."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from reliability import report
from reliability.estimates import Estimate, estimate
from reliability.expressions import NAMES
from reliability.options import Method, Options
from reliability.partition import SubsetsBy
from reliability.screening import ScreeningRule
from reliability.votes_file import NamedVotes, read_truth, read_votes


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it did its work, 2 when the input is wrong."""
    asked = _parser().parse_args(arguments)
    try:
        run: Callable[[argparse.Namespace], None] = asked.run
        run(asked)
    except (ValueError, OSError) as error:
        print(f"{Path(sys.argv[0]).name}: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m reliability", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, run, words in (
        ("estimate", _estimate, "reliabilities, consensus and subsets as files"),
        ("screen", _screen, "whose votes the rule leaves out, and why"),
        ("partition", _partition, "how many items each subset holds"),
        ("plan", _plan, "how many votes an image needs: fewer votes against all of them"),
        ("compare", _compare, "all methods beside each other"),
    ):
        command = commands.add_parser(name, help=words, description=words)
        command.set_defaults(run=run)
        _add_input(command)
        if name == "plan":
            command.add_argument("--out", type=Path, required=True, help="folder to write")
            command.add_argument("--depths", default="5,10,20,30,40", help="votes per image")
            command.add_argument("--repeats", type=int, default=5, help="draws at each depth")
        if name in ("estimate", "partition"):
            words = "the paper's weighted votes, or the chance that a vote for the class is right"
            command.add_argument("--subsets", choices=list(SubsetsBy), default="votes", help=words)
        if name == "compare":
            every = ",".join(Method)
            command.add_argument("--methods", default=every, help="the first is the yardstick")
            command.add_argument("--truth", type=Path, help="CSV with the columns item,expression")
            command.add_argument("--out", type=Path, help="folder to write; nothing without it")
        if name == "estimate":
            command.add_argument("--out", type=Path, required=True, help="folder to write")
            command.add_argument("--no-figures", action="store_true")
    cut = commands.add_parser("shard", help="a votes file cut for many processes (docs)")
    cut.set_defaults(run=_shard)
    cut.add_argument("votes", type=Path, help="CSV with the columns item,annotator,expression")
    cut.add_argument("--out", type=Path, required=True, help="folder to write")
    cut.add_argument("--shards", type=int, required=True, help="one for each process, or more")
    cut.add_argument("--classes", help="the classes in order; the seven expressions by default")
    simulated = commands.add_parser("simulate", help="votes of a crowd whose truth is known")
    simulated.set_defaults(run=_simulate)
    simulated.add_argument("--out", type=Path, required=True, help="folder to write")
    for flag, default in (("--items", 1000), ("--annotators", 50), ("--votes-per-item", 40)):
        simulated.add_argument(flag, type=int, default=default)
    for flag in ("--careless", "--one-key", "--adversarial", "--random", "--part-time", "--seed"):
        simulated.add_argument(flag, type=int, default=0)
    return parser


def _add_input(command: argparse.ArgumentParser) -> None:
    rule = ScreeningRule()
    command.add_argument("votes", type=Path, help="CSV with the columns item,annotator,expression")
    command.add_argument("--method", choices=list(Method), default=Method.GLAD)
    command.add_argument("--classes", help="the classes in order, with commas between them")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--no-screening", action="store_true", help="keep everybody")
    command.add_argument("--threshold", type=float, default=rule.threshold)
    command.add_argument("--confidence", type=float, default=rule.confidence)
    command.add_argument("--min-votes", type=int, default=rule.min_votes)
    command.add_argument("--estimate-classes", action="store_true", help="shares of the classes")
    command.add_argument("--estimate-errors", action="store_true", help="where wrong votes fall")
    command.add_argument("--quiet", action="store_true", help="no progress on standard error")


def _read(asked: argparse.Namespace) -> NamedVotes:
    classes = None if asked.classes is None else tuple(asked.classes.split(","))
    return read_votes(asked.votes, classes)


def _fit(asked: argparse.Namespace, named: NamedVotes) -> Estimate:
    return estimate(
        named.votes,
        asked.method,
        _rule(asked),
        seed=asked.seed,
        progress=None if asked.quiet else _tell,
        options=_options(asked),
    )


def _rule(asked: argparse.Namespace) -> ScreeningRule | None:
    rule = ScreeningRule(asked.threshold, asked.confidence, asked.min_votes)
    return None if asked.no_screening else rule


def _options(asked: argparse.Namespace) -> Options:
    return Options(estimate_classes=asked.estimate_classes, estimate_errors=asked.estimate_errors)


def _tell(done: float, message: str) -> None:
    print(f"{100 * done:3.0f} %  {message}", file=sys.stderr)


def _estimate(asked: argparse.Namespace) -> None:
    named = _read(asked)
    report.write(
        asked.out,
        named.votes,
        _fit(asked, named),
        item_names=named.item_names,
        annotator_names=named.annotator_names,
        class_names=named.class_names,
        figures=not asked.no_figures,
        subsets=SubsetsBy(asked.subsets),
    )


def _screen(asked: argparse.Namespace) -> None:
    from reliability.clicking import clicking

    named = _read(asked)
    found = _fit(asked, named)
    clicks = clicking(named.votes, found)
    for i, name in enumerate(named.annotator_names):
        if not found.kept[i]:
            print(f"{name}: {found.reason[i]}")
        elif clicks.surely[i]:
            share = f"{clicks.share[i]:.0%} ± {clicks.std_error[i]:.0%} of the votes"
            print(f"{name}: kept, but seems to click at random on {share}")
    print(f"{int(found.kept.sum())} of {len(found.kept)} annotators are kept")


def _partition(asked: argparse.Namespace) -> None:
    named = _read(asked)
    are_expressions = named.class_names == NAMES
    parts = _fit(asked, named).partition(asked.subsets, are_expressions=are_expressions)
    for subset, n in parts.counts().items():
        print(f"{n:8d}  {subset.title}")


def _plan(asked: argparse.Namespace) -> None:
    """Write the curve and, item by item, whether more votes would change anything."""
    from reliability import planning

    depths = [_whole("--depths", word) for word in asked.depths.split(",")]
    named = _read(asked)
    found = planning.plan(
        named.votes,
        _fit(asked, named),
        depths,
        asked.repeats,
        seed=asked.seed,
        screening=_rule(asked),
        options=_options(asked),
        progress=None if asked.quiet else _tell,
    )
    told = planning.write(asked.out, found, named.item_names)
    print(told["sentence"])
    print(f"{told['settled']} of {told['n_items']} items are settled: more votes change nothing")


def _whole(flag: str, word: str) -> int:
    if not word.strip().isdecimal():
        raise ValueError(f"{flag} has {word!r}, not a whole number")
    return int(word)


def _compare(asked: argparse.Namespace) -> None:
    """One line per method; "same" is the share of items on which it concludes as the first does."""
    from reliability import comparison

    named = _read(asked)
    found = comparison.compare(
        named.votes,
        [word.strip() for word in asked.methods.split(",")],
        _rule(asked),
        _options(asked),
        None if asked.truth is None else read_truth(asked.truth, named),
        asked.seed,
    )
    if asked.out is not None:
        comparison.write(
            asked.out, found, item_names=named.item_names, class_names=named.class_names
        )
    print(f"{'method':12} {'accuracy':>9} {'same':>7} {'order':>7} {'kept':>5} {'seconds':>8}")
    for row in found.rows():
        accuracy = "" if row["accuracy"] == "" else f"{row['accuracy']:.4f}"
        print(
            f"{row['method']:12} {accuracy:>9} {row['same_consensus']:7.4f}"
            f" {row['same_order']:7.4f} {row['kept']:5d} {row['seconds']:8.3f}"
        )


def _shard(asked: argparse.Namespace) -> None:
    from reliability import shards

    if asked.shards < 1:
        raise ValueError(f"--shards is {asked.shards}, below 1")
    classes = NAMES if asked.classes is None else tuple(asked.classes.split(","))
    shards.cut_file(asked.votes, asked.out, asked.shards, classes)


def _simulate(asked: argparse.Namespace) -> None:
    import numpy as np

    from reliability import simulate

    kinds = ("careless", "one_key", "adversarial", "random", "part_time")
    crowd = simulate.crowd(
        asked.items,
        asked.annotators,
        asked.votes_per_item,
        np.random.default_rng(asked.seed),
        **{kind: getattr(asked, kind) for kind in kinds},
    )
    asked.out.mkdir(parents=True, exist_ok=True)
    votes = crowd.votes
    lines = zip(
        votes.item.tolist(), votes.annotator.tolist(), votes.expression.tolist(), strict=True
    )
    with (asked.out / "votes.csv").open("w", encoding="utf-8") as file:
        file.write("item,annotator,expression\n")
        file.writelines(f"{item},{person},{NAMES[choice]}\n" for item, person, choice in lines)
    with (asked.out / "truth.csv").open("w", encoding="utf-8") as file:
        file.write("item,expression\n")
        file.writelines(f"{j},{NAMES[k]}\n" for j, k in enumerate(crowd.truth.tolist()))
    settings = {name: getattr(asked, name) for name in (*kinds, "seed", "items", "annotators")}
    (asked.out / "simulation.json").write_text(json.dumps(settings, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
