"""The paper's baselines (§5): handcrafted descriptors with a classifier on top."""

from typing import Any

from training import descriptors, metrics
from training.classifiers import CLASSIFIERS, Floats
from training.data import Faces, Release

DESCRIPTORS = {"lbp": descriptors.lbp, "hog": descriptors.hog, "gabor": descriptors.gabor}


def describe(faces: Faces, descriptor: str) -> Floats:
    """The descriptor of every face, (n, d); faces must be 100×100."""
    return DESCRIPTORS[descriptor](descriptors.grey(faces.pictures.numpy()))


def judge(release: Release, descriptor: str, classifier: str) -> dict[str, Any]:
    """The test split's metrics of a descriptor and a classifier trained on the training split."""
    train, test = (describe(part, descriptor) for part in (release.train, release.test))
    found, chosen = CLASSIFIERS[classifier](train, release.train.labels.numpy(), test)
    confusion = metrics.confusion_matrix(
        release.test.labels.numpy(), found, len(release.class_names)
    )
    return {
        "descriptor": descriptor,
        "classifier": classifier,
        "chosen": chosen,
        **metrics.summary(confusion, release.class_names),
    }
