"""Weightings: of what, with how many labels, in which tables."""

ENTRY = {"label": "Weighted", "of": "exhaustive", "per_class": 1}


def _entry(**keys):
    spec = ENTRY | keys
    return {key: value for key, value in spec.items() if value is not None}


DIGITS = {}

SCENES = {
    "a weighting without labels": (
        "weightings",
        {"weighted": _entry(per_class=None)},
        ["weightings.weighted: ", "either `per_class`, or `fraction`, but not both"],
    ),
    "a weighting with labels twice": (
        "weightings",
        {"weighted": _entry(fraction=0.1)},
        ["weightings.weighted: ", "`per_class`, `fraction`", "not both"],
    ),
    "a fraction that is all": (
        "weightings",
        {"weighted": _entry(per_class=None, fraction=1.0)},
        ["weightings.weighted.fraction: ", "found 1.0", "less than 1"],
    ),
    "a weighting of nothing": (
        "weightings",
        {"weighted": _entry(of="exhaustve")},
        ["weightings.weighted.of: ", "unknown evaluation `exhaustve`", "did you mean `exhaustive`"],
    ),
    "a weighting with the name of an evaluation": (
        "weightings",
        {"exhaustive": ENTRY},
        ["weightings.exhaustive: ", "the name `exhaustive`", "rename one of them"],
    ),
    "a draw with the name of another weighting": (
        "weightings",
        {"weighted": _entry(draws=2), "weighted-draw1": ENTRY},
        ["weightings.weighted-draw1: ", "the name `weighted-draw1`", "<name>-draw<n>"],
    ),
}
