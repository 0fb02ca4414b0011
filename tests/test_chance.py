"""Random guesses, compared with the uniform distribution."""

import numpy as np
import pandas as pd
import pytest

from diffusion_classifier.baselines import chance


def test_guesses_are_uniform_and_seeded():
    images = pd.DataFrame({"image": range(6000), "label": 0})
    predictions, scores = chance.guess(images, 5, seed=1)
    counts = np.bincount(predictions, minlength=5)
    assert ((counts - 1200) ** 2 / 1200).sum() < 20  # χ² of 4 degrees of freedom: p = 0.0005
    assert scores.shape == (6000, 5) and scores.dtype == np.float32
    assert predictions.dtype == np.int64
    np.testing.assert_array_equal(predictions, scores.argmax(axis=1))
    assert scores.mean() == pytest.approx(0.5, abs=0.01) and 0 <= scores.min() < scores.max() < 1
    part = images.iloc[100:200]
    np.testing.assert_array_equal(chance.guess(part, 5, seed=1)[1], scores[100:200])
    assert (chance.guess(part, 5, seed=2)[0] != predictions[100:200]).any()
