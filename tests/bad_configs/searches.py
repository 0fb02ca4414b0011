"""Searches: their calibration, and what they can be combined with."""

SEARCH = "evaluations/digits/search"
GOOD = {"kind": "gradient", "samples": 4, "risk": 0.01, "calibration": {"digits": "mnist-train"}}

DIGITS = {
    "unknown search": (
        SEARCH,
        GOOD | {"kind": "gradeint"},
        ["evaluations.digits.search.kind: ", "'gradeint'", "did you mean `gradient`?"],
    ),
    "a search without risk": (
        SEARCH,
        {key: value for key, value in GOOD.items() if key != "risk"},
        ["evaluations.digits.search: ", "`risk` is missing"],
    ),
    "a risk of nothing": (SEARCH, GOOD | {"risk": 0}, ["search.risk: ", "found 0", "at least"]),
    "a search calibrated on no data set": (
        SEARCH,
        GOOD | {"calibration": {"digits": "mnits-train"}},
        ["search.calibration.digits: ", "`mnits-train`", "did you mean `mnist-train`?"],
    ),
    "a search calibrated for no prompts": (
        SEARCH,
        GOOD | {"calibration": {"digts": "mnist-train"}},
        ["search.calibration: ", "`digts`", "did you mean `digits`?"],
    ),
    "a search calibrated on test images": (
        SEARCH,
        GOOD | {"calibration": {"digits": "mnist-noise"}},
        ["search.calibration.digits: ", "`mnist-noise`", "the test set `mnist`", "`split`"],
    ),
    "too few images for a risk": (
        SEARCH,
        GOOD | {"risk": 0.0002},
        ["search.risk: ", "found 0.0002", "at least 4999", "`mnist-train` has 4000", "raise it"],
    ),
    "more steps than noises": (
        SEARCH,
        GOOD | {"samples": 251},
        ["search.samples: ", "found 251", "the noise bank has 250", "lower it"],
    ),
    "fewer survivors than the first stage keeps": (
        SEARCH,
        GOOD | {"keep": 3},
        ["search.keep: ", "found 3", "at least 4", "evaluations.digits.stages.keep"],
    ),
    "learned timesteps of a search that are learned nowhere": (
        SEARCH,
        GOOD | {"timesteps": "learned"},
        ["search.timesteps: ", "`learned`", "prompts `digits`", "timesteps: even"],
    ),
    "a search and a prior": (
        "evaluations/digits",
        {
            "label": "DiT",
            "model": "digits-dit",
            "stages": {"samples": [50], "keep": [1], "loss": "l2"},
            "search": GOOD,
            "prior": {"method": "k-nearest", "keep": 4},
        },
        ["evaluations.digits.search: ", "`prior`", "one way"],
    ),
    "curves of a search": (
        "evaluations/digits-exhaustive/search",
        GOOD,
        ["tables.robustness.curves", "`digits-exhaustive` with a `search`", "all classes"],
    ),
    "a prior with a risk that is not calibrated": (
        "evaluations/digits/prior",
        {"method": "k-nearest", "keep": 4, "risk": 0.01},
        ["evaluations.digits.prior.risk: ", "without `calibration`", "add `calibration`"],
    ),
    "a prior calibrated on test images": (
        "evaluations/digits/prior",
        {"method": "k-nearest", "keep": 4, "risk": 0.01, "calibration": {"digits": "mnist-noise"}},
        ["evaluations.digits.prior.calibration.digits: ", "`mnist-noise`", "other images"],
    ),
}
