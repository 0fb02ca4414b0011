"""Prompts: classes, templates, files and captions."""

DIGITS = {
    "both ways": (
        "prompts/digits/file",
        "a.csv",
        [
            "prompts.digits: ",
            "found the keys `classes`, `templates`, `file`",
            "either `classes` and `templates`, or `file`, or `captions`",
            "only one of these",
            "remove",
        ],
    ),
    "no prompts at all": (
        "prompts/digits",
        {},
        ["prompts.digits: ", "found none of these keys", "either", "only one of these"],
    ),
    "number for text": (
        "prompts/digits/classes",
        ["0", 1],
        ["prompts.digits.classes.1: ", "found 1", "a text", "in quotes"],
    ),
    "a template without a place": (
        "prompts/digits/templates",
        ["a photo"],
        ["prompts.digits.templates: ", "'a photo'", "exactly one {}", "correct"],
    ),
    "a template with two places": ("prompts/digits/templates", ["{} {}"], ["exactly one {}"]),
    "no such class list": (
        "prompts/digits",
        {"classes": "food10", "templates": ["a {}"]},
        ["prompts.digits.classes: ", "`food10`", "`food101`"],
    ),
    "a template twice": (
        "prompts/digits/templates",
        ["a {}", "a {}"],
        ["prompts.digits.templates: ", "'a {}'", "nothing twice", "correct"],
    ),
    "too few classes": (
        "prompts/digits/classes",
        ["0", "1"],
        [
            "prompts.digits.classes: ",
            "found 2 class names",
            "expected 10",
            "datasets.mnist",
            "name",
        ],
    ),
    "a class twice": (
        "prompts/digits/classes",
        ["0", "1", "0"],
        ["prompts.digits.classes: ", "'0' twice", "different", "remove"],
    ),
    "no such prompts file": (
        "prompts/digits",
        {"file": "absent.csv"},
        ["prompts.digits.file: ", "'absent.csv'", "does not exist", "correct the path"],
    ),
}

SCENES = {
    "captions of nothing": (
        "prompts/winoground/captions",
        "winogrund",
        ["prompts.winoground.captions: ", "data set `winogrund`", "`captions`", "`winoground`?"],
    ),
    "text for truth": (
        "prompts/winoground/unconditional",
        "yes",
        ["winoground.unconditional: ", "'yes'", "true or false", "write `true` or `false`"],
    ),
    "captions and a file": (
        "prompts/winoground/file",
        "a.csv",
        ["prompts.winoground: ", "found the keys `captions`, `file`", "or `captions`", "only one"],
    ),
    "one class of six": (
        "prompts/shapes/classes",
        ["circle"],
        ["prompts.shapes.classes: ", "found 1 class names", "expected 6", "datasets.shapes"],
    ),
    "Winoground by other captions": (
        "prompts/winoground/captions",
        "shapes",
        ["datasets.winoground.prompts: ", "`winoground`", "its own captions", "add such"],
    ),
}
