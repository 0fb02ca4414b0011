"""Classifiers of pixels, fitted and asked at once."""

from diffusion_classifier.baselines import classical


def fit_predict(kind, params, train_x, train_y, test_xs):
    """Train on one data set and classify others: name -> (predictions, scores)."""
    model = classical.fit(kind, params, train_x, train_y)
    return {name: classical.predict(kind, params, model, x) for name, x in test_xs.items()}
