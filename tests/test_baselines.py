"""Classifiers to compare with: they learn, survive a round trip and miss no class."""

import numpy as np
import pytest
import torch
from classical_answers import fit_predict
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from diffusion_classifier.baselines import small_networks as networks
from diffusion_classifier.baselines.answers import prediction_table
from diffusion_classifier.data.preprocess import Preprocess, pixels
from diffusion_classifier.data.sources.opening import dataset
from diffusion_classifier.messages import InputError
from diffusion_classifier.training.augment import Augmentation
from diffusion_classifier.training.loop import Optimisation

BUDGETS = {
    "resnet": ({"width": 8}, Optimisation(60, 32, 0.005, warmup=5, ema=0)),
    "vit": ({"width": 32, "layers": 2}, Optimisation(400, 32, 0.004, warmup=20, ema=0)),
}


@pytest.fixture(scope="module")
def digits():
    """300 training and 200 test digits: `(images, labels)` each."""
    preprocess = Preprocess(mode="L", size=28, interpolation="box")
    tables = [
        dataset({"source": "mnist", "split": split, "limit": limit})
        for split, limit in (("train", 300), ("test", 200))
    ]
    return [(pixels(table, preprocess), torch.tensor(table["label"].tolist())) for table in tables]


@pytest.fixture(scope="module", params=list(BUDGETS))
def network(request, digits):
    """A trained network with its kind and loss curve."""
    params, optimisation = BUDGETS[request.param]
    augment = Augmentation(degrees=5, shift=0.03)
    model, curve = networks.train(request.param, params, *digits[0], optimisation, augment, 30)
    return request.param, model, curve


def weights(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


# --- networks


def test_a_network_learns_digits(network, digits):
    _, model, curve = network
    images, labels = digits[1]
    predictions, scores = networks.predict(model, images, batch=64)
    assert np.mean(predictions == labels.numpy()) > 0.5  # chance is 0.1
    assert (predictions.dtype, predictions.shape) == (np.int64, (200,))
    assert (scores.dtype, scores.shape) == (np.float32, (200, 10))
    np.testing.assert_allclose(np.exp(scores).sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(scores.argmax(axis=1), predictions)
    assert curve[-1]["loss"] < 0.6 * curve[0]["loss"]


def test_predictions_do_not_depend_on_the_batch(network, digits):
    _, model, _ = network
    images = digits[1][0][:50]
    model.train()  # predict has to switch batch normalisation to what it learned
    alone = networks.predict(model, images, batch=1)[1]
    np.testing.assert_allclose(networks.predict(model, images, batch=50)[1], alone, atol=1e-4)


def test_a_saved_network_is_the_same(network, digits, tmp_path):
    kind, model, _ = network
    networks.save(model, tmp_path / kind)
    loaded = networks.load(tmp_path / kind)
    images = digits[1][0][:20]
    with torch.inference_mode():
        assert torch.equal(loaded(images).logits, model.eval()(images).logits)


@pytest.mark.parametrize("kind", list(BUDGETS))
def test_training_depends_on_the_seed_alone(kind, digits):
    def trained(seed):
        optimisation = Optimisation(3, 16, 0.003, warmup=1, ema=0, seed=seed)
        augment = Augmentation(degrees=10)
        return weights(networks.train(kind, {"width": 8}, *digits[0], optimisation, augment)[0])

    first = trained(0)
    torch.rand(7)
    assert torch.equal(trained(0), first)
    assert not torch.equal(trained(1), first)


def test_a_class_without_training_images_has_a_score(digits):
    images, labels = digits[0]
    keep = (labels != 3) & (labels <= 5)
    optimisation = Optimisation(40, 32, 0.005, warmup=1, ema=0)
    model, _ = networks.train(
        "resnet", {"width": 4}, images[keep], labels[keep], optimisation, Augmentation()
    )
    predictions, scores = networks.predict(model, images[keep])
    assert scores.shape == (keep.sum(), 6)
    assert np.mean(predictions == labels[keep].numpy()) > 0.5
    assert np.mean(predictions == 3) < 0.05


@pytest.mark.parametrize(
    ("kind", "params", "message"),
    [
        ("cnn", {}, "'cnn', expected one of resnet, vit"),
        ("resnet", {"patch": 4}, "'resnet'.*'patch': 4"),
        ("vit", {"patch": 5}, "found 5, expected a divisor of the image size 28"),
    ],
)
def test_a_wrong_network_is_explained(kind, params, message):
    with pytest.raises(InputError, match=message):
        networks.build(kind, params, 10, 28)


# --- scikit-learn


LOOSE = {"C": 0.1, "solver": "newton-cg", "tol": 0.1}


def flat(images):
    return (images.double().numpy().reshape(len(images), -1) + 1) / 2


@pytest.mark.parametrize(
    ("kind", "params", "reference"),
    [
        # another solver's optimum
        ("logistic_regression", {}, LogisticRegression(C=0.1, tol=1e-9, max_iter=10000)),
        ("logistic_regression", {"C": 1.0}, LogisticRegression(C=1.0, tol=1e-9, max_iter=10000)),
        ("logistic_regression", {"tol": 0.1}, LogisticRegression(**LOOSE)),
        ("k_nearest", {}, KNeighborsClassifier(3, weights="distance")),
        ("k_nearest", {"n_neighbors": 5}, KNeighborsClassifier(5, weights="distance")),
    ],
)
def test_classical_is_scikit_learn(kind, params, reference, digits):
    (train_x, train_y), (test_x, _) = digits
    tests = {"all": test_x, "few": test_x[:7]}
    found = fit_predict(kind, params, train_x, train_y, tests)
    reference.fit(flat(train_x), train_y.numpy())
    assert found.keys() == tests.keys()
    for name, (predictions, scores) in found.items():
        x = flat(tests[name])
        assert (predictions.dtype, scores.dtype) == (np.int64, np.float32)
        np.testing.assert_array_equal(predictions, reference.predict(x))
        probabilities = np.exp(scores) if kind == "logistic_regression" else scores
        np.testing.assert_allclose(probabilities, reference.predict_proba(x), atol=2e-5)


@pytest.mark.parametrize(("kind", "lowest"), [("logistic_regression", -np.inf), ("k_nearest", 0.0)])
def test_a_class_without_training_images_is_never_predicted(kind, lowest, digits):
    (train_x, train_y), (test_x, test_y) = digits
    keep = (train_y != 0) & (train_y != 3) & (train_y <= 5)
    known = np.array([1, 2, 4, 5])
    predictions, scores = fit_predict(kind, {}, train_x[keep], train_y[keep], {"t": test_x})["t"]
    assert scores.shape == (200, 6)
    assert np.all(scores[:, [0, 3]] == lowest)
    assert set(predictions) <= set(known)
    of_known = np.isin(test_y.numpy(), known)
    assert np.mean(predictions[of_known] == test_y.numpy()[of_known]) > 0.8


@pytest.mark.parametrize(
    ("kind", "params", "message"),
    [
        ("svm", {}, "'svm', expected one of logistic_regression, k_nearest"),
        ("k_nearest", {"C": 1}, "'k_nearest': found {'C': 1}"),
        ("k_nearest", {"n_neighbors": 0}, "`params` {'n_neighbors': 0}: .*correct them"),
        ("logistic_regression", {"C": -1}, "`params` {'C': -1}: .*correct them"),
        ("logistic_regression", {"max_iter": 3}, "`tol` 1e-09 and `max_iter` 3 did not converge"),
        (
            "logistic_regression",
            {"tol": 1e-30},
            "`tol` 1e-30 .* not converge .*Line Search",
        ),
        ("logistic_regression", {"solver": "saga", "max_iter": 2}, "`max_iter` 2 did not converge"),
        ("logistic_regression", {"solver": "lbfgs", "max_iter": 2}, "did not converge .*correct"),
    ],
)
def test_a_wrong_classical_baseline_is_explained(kind, params, message, digits):
    with pytest.raises(InputError, match=message):
        fit_predict(kind, params, *digits[0], {})


# --- predictions


def test_prediction_table_keeps_rows_together():
    data = dataset({"source": "uci-digits", "limit": 12}).iloc[::-1]
    scores = np.random.default_rng(0).random((12, 10), dtype=np.float32)
    table = prediction_table(data, scores.argmax(axis=1), scores, seconds=6.0)
    assert table["image"].tolist() == list(range(11, -1, -1))
    assert table["label"].tolist() == data["label"].tolist()
    assert table["seconds"].sum() == pytest.approx(6.0)
    assert [int(np.argmax(row)) for row in table["scores"]] == table["prediction"].tolist()


def test_scores_that_are_no_numbers_are_no_answers():
    data = dataset({"source": "uci-digits", "limit": 3})
    scores = np.full((3, 2), -np.inf, dtype=np.float32)  # of classes that cannot be answered
    scores[:, 0] = 0
    prediction_table(data, scores.argmax(axis=1), scores, seconds=1.0)
    scores[1:] = np.nan  # whose argmax is 0
    with pytest.raises(FloatingPointError, match=r"2 of 3 images .* the first: image 1\."):
        prediction_table(data, scores.argmax(axis=1), scores, seconds=1.0)
