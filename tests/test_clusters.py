"""Groups of prompts against another library's, and their descent against exhaustive search."""

import numpy as np
import pytest
import torch
from prototypes import exact_errors, tools, world
from sklearn.cluster import AgglomerativeClustering
from sklearn.metrics import adjusted_rand_score
from tiny_dit import save_dit

from diffusion_classifier.denoisers import dit
from diffusion_classifier.engine.engine import Inputs
from diffusion_classifier.engine.mixtures import Mixtures
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.selection.clusters import (
    ClusterSearch,
    descend,
    learned_thresholds,
    levels_of,
)
from diffusion_classifier.selection.searches import Tools
from diffusion_classifier.selection.survival import survivors

SPEC = {"samples": 2, "groups": [3, 12]}
CPU, FLOAT = torch.device("cpu"), torch.float32


def test_levels_are_cuts_of_wards_tree():
    features = np.random.default_rng(0).normal(size=(30, 5))
    levels = levels_of(features, [2, 5, 11])
    for group_of, count in zip(levels, (2, 5, 11), strict=True):
        other = AgglomerativeClustering(count, linkage="ward").fit_predict(features)
        assert adjusted_rand_score(other, group_of) == 1
        assert sorted({*group_of}) == [*range(count)]
    for coarse, fine in ((0, 1), (1, 2)):  # each group is a part of one
        assert len({*zip(levels[fine], levels[coarse], strict=True)}) == levels[fine].max() + 1


LEVELS = np.array([[0, 0, 0, 1, 1, 2], [0, 0, 1, 2, 3, 4]])


def measured(errors):
    """A `Measure` of given errors, one array `(image, group)` per level, and its questions."""
    questions = []

    def measure(level, asked):
        questions.extend((level, *cell) for cell in np.argwhere(asked).tolist())
        return np.where(asked, errors[level], np.inf)

    return measure, questions


def by_hand(errors, image, most_behind):
    """The scores of an image and its questions, as one would write them down."""
    coarse, fine = errors[0][image], errors[1][image]
    kept = [g for g in range(3) if coarse[g] <= min(coarse) + most_behind]
    classes = [c for c in range(6) if LEVELS[0][c] in kept]
    scores = [fine[LEVELS[1][c]] if c in classes else np.inf for c in range(6)]
    asked = [(0, image, g) for g in range(3)]
    return scores, asked + sorted({(1, image, LEVELS[1][c]) for c in classes})


@pytest.mark.parametrize("most_behind", [0, 0.5, 1.0, np.inf])
def test_only_parts_of_near_groups_are_asked(most_behind):
    rng = np.random.default_rng(1)
    errors = [rng.uniform(size=(4, 3)), rng.uniform(size=(4, 5))]
    measure, questions = measured(errors)
    scores, asked = descend(measure, LEVELS, np.array([most_behind, np.inf]), 4)
    expected = [by_hand(errors, image, most_behind) for image in range(4)]
    np.testing.assert_array_equal(scores, [row for row, _ in expected])
    assert sorted(questions) == sorted(q for _, found in expected for q in found)
    assert asked.tolist() == [len(found) for _, found in expected]


def test_thresholds_keep_as_many_labels_as_the_risk_allows():
    rng = np.random.default_rng(2)
    errors = [rng.uniform(size=(99, 3)), rng.uniform(size=(99, 5))]
    labels = rng.integers(6, size=99)
    behind = errors[0][range(99), LEVELS[0][labels]] - errors[0].min(axis=1)
    measure, _ = measured(errors)
    assert learned_thresholds(measure, LEVELS, labels).tolist() == [behind.max(), np.inf]
    assert learned_thresholds(measure, LEVELS, labels, 0.1)[0] == sorted(behind)[89]
    lost = np.isinf(descend(measure, LEVELS, [behind.max(), np.inf], 99)[0][range(99), labels])
    assert not lost.any()


def test_an_infinite_threshold_asks_no_more_than_is_left():
    """Too many labels lost before: the next level drops nothing more, and revives nothing."""
    levels = np.array([[0, 0, 1, 1], [0, 1, 2, 2], [0, 1, 2, 3]])
    errors = [np.array([[0.0, 9]]), np.array([[1.0, 2, 0]]), np.array([[1.0, 2, 0, 0]])]
    scores, asked = descend(measured(errors)[0], levels, np.array([1, np.inf, np.inf]), 1)
    assert scores.tolist() == [[1, 2, np.inf, np.inf]] and asked.tolist() == [2 + 2 + 2]


def test_the_class_of_exhaustive_search_survives_for_fewer_questions():
    prototypes, images, _ = world()
    exact = exact_errors(prototypes, images)
    best = exact.argmin(axis=1)
    learned = ClusterSearch(SPEC, tools(prototypes, images)).learn(best)
    search = ClusterSearch(SPEC, tools(prototypes, images, learned=learned))
    scores = search.scores()
    known = np.isfinite(scores)
    np.testing.assert_allclose(scores[known], exact[known], rtol=1e-4)
    assert survivors(scores, np.arange(60), 0.0, 12)["class"].tolist() == best.tolist()
    spent = search.spent(12)
    np.testing.assert_array_equal(spent, 2 * (3 + known.sum(axis=1)))
    assert spent.mean() < 2 * 12 and spent.max() <= ClusterSearch.evaluations(SPEC, 12)


def test_a_group_is_asked_about_by_the_mean_of_its_classes():
    """Prompts of a class share its weight, so a class of two prompts counts once."""
    prototypes, images, _ = world(classes=6, images=5)
    class_of = np.array([0, 0, 1, 2, 3, 4])
    thresholds = {"thresholds": np.array([np.inf, np.inf])}
    spec = {"samples": 2, "groups": [2, 3]}
    search = ClusterSearch(spec, tools(prototypes, images, class_of, thresholds))
    of_class = np.stack([prototypes[class_of == c].mean(axis=0) for c in range(5)])
    groups = AgglomerativeClustering(3).fit_predict(of_class)
    means = np.stack([of_class[groups == g].mean(axis=0) for g in groups])
    np.testing.assert_allclose(search.scores(), exact_errors(means, images), rtol=1e-4)


def test_a_dit_is_asked_about_mean_embeddings(tmp_path):
    save_dit(tmp_path)
    denoiser = dit.load(str(tmp_path), CPU, FLOAT)
    generator = torch.Generator().manual_seed(1)
    latents, noise = (torch.randn(n, 1, 8, 8, generator=generator) for n in (3, 2))
    given = Inputs(latents, torch.arange(3), {"class_labels": torch.tensor([3, 0, 1, 2])}, noise)
    mixtures, sample = Mixtures(denoiser, given, 2, CPU, FLOAT), Sample(400, 1)
    assert len(mixtures.features()) == 4
    thresholds = {"thresholds": np.array([np.inf, np.inf])}
    search = ClusterSearch(
        {"samples": 1, "groups": [2, 3]},
        Tools(mixtures, np.arange(3), np.arange(4), [sample], thresholds),
    )
    scores = search.scores()
    for index, group in enumerate(search.levels[-1]):
        weights = (search.levels[-1] == group) / np.sum(search.levels[-1] == group)
        expected = mixtures.gradients(np.tile(weights, (3, 1)), sample)[0]
        np.testing.assert_allclose(scores[:, index], expected, rtol=1e-4)
