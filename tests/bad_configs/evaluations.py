"""Evaluations: their stages, models and losses."""

from .deletion import DELETE

STAGES = "evaluations/digits/stages"

DIGITS = {
    "unknown deep key": (
        f"{STAGES}/sampels",
        [5],
        ["evaluations.digits.stages", "`sampels`", "one of", "`keep`", "did you mean `samples`?"],
    ),
    "missing deep key": (
        "evaluations/digits/model",
        DELETE,
        ["evaluations.digits: ", "keys `label`, `stages`", "`model` is missing", "add it"],
    ),
    "one for list": (f"{STAGES}/samples", 25, ["stages.samples: ", "25", "a list", "correct"]),
    "empty list": (f"{STAGES}/samples", [], ["stages.samples: ", "[]", "a list of at least 1"]),
    "zero": (f"{STAGES}/samples", [0], ["stages.samples.0: ", "found 0", "at least 1"]),
    "unknown loss": (
        f"{STAGES}/loss",
        "l3",
        ["stages.loss: ", "'l3'", "`l1`, `l2`, `huber`, `vlb`, `l2+vlb`", "correct it"],
    ),
    "unknown combination": ("evaluations/digits/combine", "max", ["combine", "`mean`, `best`"]),
    "unknown dtype": ("evaluations/digits/dtype", "float23", ["dtype", "did you mean `float32`?"]),
    "unknown model": (
        "evaluations/digits/model",
        "digit-dit",
        [
            "evaluations.digits.model: ",
            "unknown diffusion model `digit-dit`",
            "did you mean `digits-dit`?",
        ],
    ),
    "keep too long": (
        f"{STAGES}/keep",
        [4, 2, 1],
        ["evaluations.digits.stages.keep: ", "3 entries", "[4, 2, 1]", "per stage"],
    ),
    "keep not ending in one": (f"{STAGES}/keep", [4, 2], ["stages.keep: ", "[4, 2]", "end in 1"]),
    "samples not dividing": (
        f"{STAGES}/samples",
        [15, 50],
        ["evaluations.digits.stages.samples: ", "15", "divisor of 50"],
    ),
    "not dividing the schedule": (
        f"{STAGES}/samples",
        [10, 60],
        ["evaluations.digits.stages.samples: ", "60", "divisor of 1000"],
    ),
    "leaving after one sample that nothing is known of": (
        f"{STAGES}/race",
        {"z": 1, "minimum": 1},
        [
            "evaluations.digits.stages.race.minimum: ",
            "found 1",
            "at least 2",
            "`timesteps: learned`",
        ],
    ),
    "stages for no data set": (
        "evaluations/digits/stages_for",
        {"minst": {"samples": [8], "keep": [1], "loss": "l2"}},
        ["evaluations.digits.stages_for: ", "`minst`", "did you mean `mnist`?"],
    ),
    "stages for a data set that make no sense": (
        "evaluations/digits/stages_for",
        {"mnist": {"samples": [8, 40], "keep": [1], "loss": "l2"}},
        ["evaluations.digits.stages_for.mnist.keep: ", "2 stages"],
    ),
}

SCENES = {
    "CLIP as a denoiser": (
        "evaluations/exhaustive/model",
        "clip",
        ["evaluations.exhaustive.model: ", "diffusion model `clip`", "one of `sd`", "correct it"],
    ),
    "two evaluations of one label": (
        "evaluations/staged/label",
        "Diffusion Classifier (exhaustive)",
        ["evaluations.staged.label: ", "`exhaustive` of tables.accuracy.trend", "change one"],
    ),
}
