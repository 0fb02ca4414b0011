"""The config as a whole, its noise bank and its device."""

from .deletion import DELETE

DIGITS = {
    "unknown key": ("resluts", "out", ["the config", "`resluts`", "did you mean `results`?"]),
    "unlike any key": ("noise/qqq", 1, ["noise: ", "`qqq`", "`seed`, `size`", "remove it"]),
    "missing key": ("results", DELETE, ["the config", "`results` is missing", "add it"]),
    "missing all keys": (
        "noise",
        {},
        ["noise: ", "none", "`seed` is missing", "`seed` and `size`"],
    ),
    "text for number": ("noise/size", "many", ["noise.size: ", "'many'", "a whole number"]),
    "fraction for whole": ("noise/size", 2.5, ["noise.size: ", "2.5", "a whole number"]),
    "float for whole": ("noise/size", 250.0, ["noise.size: ", "250.0", "a whole number"]),
    "truth for number": ("noise/seed", True, ["noise.seed: ", "True", "a whole number"]),
    "list for mapping": ("noise", [0, 250], ["noise: ", "[0, 250]", "a mapping of keys"]),
    "empty text": ("results", "", ["results: ", "''", "at least 1 character"]),
    "unknown device": ("compute/device", "gpu", ["compute.device: ", "'gpu'", "cuda:<number>"]),
    "more than the noise bank": (
        "noise/size",
        40,
        ["evaluations.digits.stages.samples: ", "has 40", "`noise: size`", "at least 50"],
    ),
}
