"""Weightings with several draws of labelled images: each draw becomes an entry of its own."""

from __future__ import annotations

from typing import Any


def expand_draws(config: dict[str, Any]) -> None:
    """Replace each entry of `weightings` by one per draw, in the section and in tables.

    The entries are called NAME-draw0, …, or NAME if there is one draw. They have the keys `draw`
    and `draws`, and `group` says what they are draws of. If the model of the evaluation has
    `seeds`, there is one entry per training, NAME-seedN, each with a draw of its own: then the
    interval of a table's row covers trainings and draws together. Call it before `expand_seeds`.
    """
    entries = {
        name: weighting_draws(config, name, spec) for name, spec in config["weightings"].items()
    }
    config["weightings"] = {name: spec for own in entries.values() for name, spec in own.items()}
    for table in config["tables"].values():
        table["methods"] = [
            name for method in table["methods"] for name in entries.get(method, [method])
        ]


def weighting_draws(
    config: dict[str, Any], name: str, spec: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    """The entries that `expand_draws` makes of the entry `spec` called `name`."""
    of = spec["of"]
    seeds = config["models"][config["evaluations"][of]["model"]].get("seeds")
    if seeds:
        common = {"group": name, "draws": len(seeds), "varies": "training"}
        return {
            f"{name}-seed{seed}": spec | common | {"of": f"{of}-seed{seed}", "draw": draw}
            for draw, seed in enumerate(seeds)
        }
    draws = spec.get("draws", 1)
    common = {"group": name, "draws": draws, "varies": "draw"}
    return {
        f"{name}-draw{draw}" if draws > 1 else name: spec | common | {"draw": draw}
        for draw in range(draws)
    }
