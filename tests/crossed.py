"""Trainings x images whose true accuracy is known: logit-normal effects of both."""

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(60)


def intercept(accuracy, spread):
    """The μ with E sigmoid(N(μ, spread²)) = `accuracy`."""

    def excess(mu):
        return WEIGHTS @ expit(mu + spread * NODES) / WEIGHTS.sum() - accuracy

    return brentq(excess, -40, 40)


def right(rng, accuracy, trainings, difficulty, spread, own=0.0):
    """Draw bool `(replicate, training, image)` of true `accuracy`.

    `difficulty` is standard normal `(replicate, 1, image)`, times the standard deviation of images'
    effects that methods share; `own` that of the effects of images on this method alone, `spread`
    that of trainings' effects, in logits.
    """
    replicates, _, images = difficulty.shape
    shared = float(difficulty.std())
    mu = intercept(accuracy, np.sqrt(shared**2 + own**2 + spread**2))
    logits = mu + difficulty
    if own:
        logits = logits + own * rng.standard_normal((replicates, 1, images), dtype="float32")
    logits = logits + spread * rng.standard_normal((replicates, trainings, 1), dtype="float32")
    chance = rng.random((replicates, trainings, images), dtype="float32")
    return chance * (1 + np.exp(-logits)) < 1


def difficulties(rng, replicates, images, spread):
    return spread * rng.standard_normal((replicates, 1, images), dtype="float32")


def two_of_each_training(rng, true, trainings, hard, spread, own):
    """Draw both methods of matched trainings, as `right`; `true` has both accuracies.

    `hard` are images' effects that the methods share and `spread` the standard deviation of
    trainings' effects that they share; `own` that of trainings' effects on one method alone.
    """
    replicates, _, images = hard.shape
    total = np.sqrt(float(hard.std()) ** 2 + spread**2 + own**2)
    common = hard + spread * rng.standard_normal((replicates, trainings, 1), dtype="float32")
    for accuracy in true:
        alone = own * rng.standard_normal((replicates, trainings, 1), dtype="float32")
        chance = rng.random((replicates, trainings, images), dtype="float32")
        yield chance * (1 + np.exp(-intercept(accuracy, total) - common - alone)) < 1
