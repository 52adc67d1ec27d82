"""The command line: ``python -m training fit --data RELEASE --recipe dlp --out RUN`` and more."""

import argparse
import json
import sys
import time
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from training import presets
from training import recipe as recipes
from training.errors import TrainingError

if TYPE_CHECKING:  # PyTorch takes seconds to import, which --help need not wait for
    from training.experiments import Study
    from training.run import Progress

EXPERIMENTS = ("table3", "table4", "table5", "figure1", "figure4")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 when it went well, 2 with a message on standard error when it did not."""
    given = _parser().parse_args(arguments)
    try:
        given.run(given)
    except TrainingError as error:
        print(f"training: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ntraining: stopped; the same command with --resume goes on", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training", description="Train networks on a release."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_fit(commands)
    recipe_list = commands.add_parser("recipes", help="list the recipes")
    recipe_list.set_defaults(run=_recipes)
    _add_uses(commands)
    _add_experiments(commands)
    return parser


def _add_fit(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    fit = commands.add_parser("fit", help="train a recipe on a release")
    fit.add_argument("--data", type=Path, required=True, metavar="RELEASE", help="a release folder")
    fit.add_argument("--recipe", required=True, help="a recipe's name, or a .toml file")
    fit.add_argument(
        "--out", type=Path, required=True, metavar="RUN", help="the run folder to write"
    )
    fit.add_argument("--seed", type=int, default=0)
    fit.add_argument("--epochs", type=int)
    fit.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    fit.add_argument("--resume", action="store_true", help="go on with a run that was stopped")
    fit.add_argument(
        "--set", action="append", default=[], metavar="FIELD=VALUE", help="change the recipe"
    )
    fit.add_argument("--preset", help="small or full: the size of the experiments; see presets/")
    fit.add_argument("--no-export", action="store_true", help="write model.safetensors only")
    fit.add_argument("--quiet", action="store_true")
    fit.set_defaults(run=_fit)


def _add_uses(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The commands that use a trained network."""
    evaluate = commands.add_parser(
        "evaluate", help="judge a trained network on a release's test split"
    )
    features = commands.add_parser(
        "features", help="write a network's features as .mat, like RAF-DB's"
    )
    predict = commands.add_parser("predict", help="the probabilities of aligned pictures")
    export = commands.add_parser(
        "export", help="write model.onnx and model.pt2 from model.safetensors"
    )
    baseline = commands.add_parser("baseline", help="a handcrafted descriptor with a classifier")
    for command in (evaluate, features, predict, export):
        command.add_argument("--model", type=Path, required=True, help="a model.safetensors")
    for command in (evaluate, features, baseline):
        command.add_argument("--data", type=Path, required=True, metavar="RELEASE")
    for command in (features, baseline):
        command.add_argument("--subset", choices=("basic", "compound"), default="basic")
    for command in (evaluate, features, export):
        command.add_argument("--out", type=Path, required=True, help="a folder, or the .mat file")
    predict.add_argument("pictures", type=Path, nargs="+", metavar="IMAGE")
    baseline.add_argument("--descriptor", choices=("lbp", "hog", "gabor"), default="hog")
    baseline.add_argument("--classifier", choices=("svm", "lda"), default="svm")
    for command, run in (
        (evaluate, _evaluate), (features, _features), (predict, _predict),
        (export, _export), (baseline, _baseline),
    ):  # fmt: skip
        command.set_defaults(run=run)


def _add_experiments(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The commands that train many networks; each goes on where it was stopped."""
    tables = commands.add_parser("tables", help="the paper's Tables 3 to 5, Figures 1 and 4")
    cross = commands.add_parser("cross", help="the cross-database study, both ways")
    compare = commands.add_parser("compare", help="recipes side by side, beside HOG + SVM")
    for command in (tables, cross, compare):
        command.add_argument("--data", type=Path, required=True, metavar="RELEASE")
        command.add_argument("--out", type=Path, required=True, metavar="DIR")
        command.add_argument(
            "--preset", default="small", help=f"{', '.join(presets.names())}, or a .toml file"
        )
        command.add_argument("--seeds", type=int, help="how many; the preset's by default")
        command.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
        command.add_argument("--quiet", action="store_true")
    for command in (tables, cross):
        command.add_argument("--lab", type=Path, required=True, metavar="RELEASE")
    tables.add_argument("--only", action="append", default=[], choices=EXPERIMENTS)
    compare.add_argument("--recipes", default="", metavar="A,B", help="names, with commas")
    tables.set_defaults(run=_tables)
    cross.set_defaults(run=_cross)
    compare.set_defaults(run=_compare)


def _recipes(_: argparse.Namespace) -> None:
    for name, summary in recipes.names().items():
        print(f"{name:10} {summary}")


def _fit(given: argparse.Namespace) -> None:
    from training.run import fit

    size = presets.load(given.preset).recipe if given.preset else {}
    report = fit(
        given.data,
        given.recipe,
        given.out,
        seed=given.seed,
        epochs=given.epochs,
        device=given.device,
        resume=given.resume,
        overrides={**size, **dict(_setting(text) for text in given.set)},
        exports=not given.no_export,
        progress=None if given.quiet else _printer(),
    )
    for warning in report.warnings:
        print(f"note: {warning}", file=sys.stderr)
    print(f"mean diagonal {100 * report.metrics['mean_diagonal']:.2f} %, in {given.out}")


def _setting(text: str) -> tuple[str, object]:
    """``k=20`` as a pair; the value is TOML, or a bare word."""
    name, equals, value = text.partition("=")
    if not equals:
        raise TrainingError(f"--set {text!r} must read FIELD=VALUE")
    try:
        return name.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return name.strip(), value.strip()


def _printer() -> "Callable[[Progress], None]":
    """Prints one line an epoch, and in between one that is written over, with the time left."""
    started, last = time.monotonic(), -1

    def show(progress: "Progress") -> None:
        nonlocal last
        left = (time.monotonic() - started) * (1 / max(progress.fraction, 1e-3) - 1)
        line = f"{progress.fraction:4.0%} {progress.message}, {left:,.0f} s left"
        if progress.epoch != last and progress.metrics:
            last = progress.epoch
            print(
                f"\r{line}, {progress.metrics['images_per_s']:,.0f} images/s\033[K", file=sys.stderr
            )
        else:
            print(f"\r{line}\033[K", end="", file=sys.stderr, flush=True)
        if progress.fraction >= 1.0:
            print(file=sys.stderr)

    return show


def _evaluate(given: argparse.Namespace) -> None:
    import torch

    from training import data, export, results
    from training.storage import write_json

    model = export.load(given.model)
    release = data.read_release(given.data, model.recipe.input_size)
    if release.class_names != model.class_names:
        raise TrainingError("the model and the release do not have the same classes")
    found = results.judge(model.network, release, given.out, torch.device("cpu"))
    write_json(given.out / "evaluation.json", found)
    shown = [f"{100 * found[name]:.2f} %" for name in ("mean_diagonal", "accuracy")]
    print(f"mean diagonal {shown[0]}, accuracy {shown[1]}")


def _features(given: argparse.Namespace) -> None:
    from training import data, export
    from training.features import save_mat

    model = export.load(given.model)
    release = data.read_release(given.data, model.recipe.input_size, subset=given.subset)
    save_mat(given.out, model.network, release)


def _predict(given: argparse.Namespace) -> None:
    """One JSON line for each picture."""
    import torch

    from training import data, export
    from training.features import infer

    model = export.load(given.model)
    size = model.recipe.input_size
    for path in given.pictures:
        pixels = torch.from_numpy(data.read_picture(path, size))[None]
        _, shares = infer(model.network, pixels, torch.device("cpu"))
        named = zip(model.class_names, (round(float(p), 6) for p in shares[0]), strict=True)
        print(json.dumps({"image": str(path), **dict(named)}))


def _export(given: argparse.Namespace) -> None:
    from training import export, results

    results.export_all(export.load(given.model), given.out, lambda _, message: print(message))


def _baseline(given: argparse.Namespace) -> None:
    from training import baselines, data, descriptors

    release = data.read_release(given.data, descriptors.SIDE, subset=given.subset)
    found = baselines.judge(release, given.descriptor, given.classifier)
    print(json.dumps(found, ensure_ascii=False, indent=1))


def _study(given: argparse.Namespace) -> "Study":
    from training.experiments import Study

    preset = presets.load(given.preset)
    if given.seeds is not None:
        if given.seeds < 1:
            raise TrainingError(f"--seeds is {given.seeds}; it must be 1 or more")
        preset = replace(preset, seeds=given.seeds)
    started = time.monotonic()

    def tell(message: str) -> None:
        if not given.quiet:
            print(f"{time.monotonic() - started:6,.0f} s  {message}", file=sys.stderr)

    return Study(given.out, preset, given.device, tell)


def _tables(given: argparse.Namespace) -> None:
    from training.reproduce import reproduce

    for path in reproduce(_study(given), given.data, given.lab, given.only):
        print(path)


def _cross(given: argparse.Namespace) -> None:
    from training.cross import cross

    study = _study(given)
    study.open(wild=given.data, lab=given.lab)
    cross(study, given.data, given.lab)
    print((given.out / "table-cross.md").read_text(encoding="utf-8"), end="")


def _compare(given: argparse.Namespace) -> None:
    from training import compare, tables

    names = [name.strip() for name in given.recipes.split(",") if name.strip()]
    table = compare.compare(_study(given), given.data, names or compare.RECIPES)
    print(tables.markdown(table), end="")


if __name__ == "__main__":
    sys.exit(main())
