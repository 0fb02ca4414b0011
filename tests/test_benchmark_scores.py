"""Every benchmark of config/compositional.yaml, from its files to its scores, without a network."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from hub_cache import snapshot, stay_alone
from matching_hub_trees import HUB
from matching_trees import FOLDERS

from diffusion_classifier.data.matching.stored import caption_classes, memberships
from diffusion_classifier.data.prompt_sets import from_captions, with_unconditional
from diffusion_classifier.data.sources.opening import dataset
from diffusion_classifier.messages import InputError
from diffusion_classifier.scores import effects, matching_tables
from diffusion_classifier.scores.compositional import chance_similarities
from diffusion_classifier.selection.item_draws import labelled_items

ROOT = Path(__file__).parents[1]
CONFIG = yaml.safe_load((ROOT / "config" / "compositional.yaml").read_text(encoding="utf-8"))
SHA = "0b2714987fa478483af9968de7c934580d0bb9a2"
METHODS = {"sd": {"label": "SD", "kind": "diffusion", "group": "sd", "varies": "training"}}
BOTH = {"text_score", "image_score", "group_score", "calibrated_image_score"}
EXPECTED = {
    **dict.fromkeys(("winoground", "cola", "eqben", "vismin", "mmvp"), BOTH),
    "whatsup": {"text_score", "pair_score", "set_score"},
    "flickr30k": {"text_score", "image_score", "calibrated_image_score"},
    "mmbias": set(),
    "gender-bias": set(),
}
"""The scores of each data set, beside calibrated text scores; of others text scores alone."""


def opened(name, folder, monkeypatch):
    """The data set of the config on its tiny tree, and its prompts."""
    spec = dict(CONFIG["datasets"][name])
    asked = CONFIG["prompts"][spec.pop("prompts")]
    spec |= {"benchmark": str(ROOT / f"resources/benchmarks/{spec['benchmark']}.yaml")}
    for key in ("label", "limit"):
        spec.pop(key, None)
    if "root" in spec:
        FOLDERS[name](folder / "tree")
        spec["root"] = str(folder / "tree")
    else:
        stay_alone(folder, monkeypatch)
        HUB[name](snapshot(folder, f"someone/{name}", SHA) / "default" / "test" / "0000.parquet")
        spec |= {"dataset": f"someone/{name}", "revision": SHA}
    data = dataset(spec)
    prompts = from_captions(caption_classes(data["items"]))
    return data, with_unconditional(prompts) if asked.get("unconditional") else prompts


@pytest.mark.parametrize("name", CONFIG["datasets"])
def test_who_knows_the_answers_has_all_right(name, tmp_path, monkeypatch):
    data, prompts = opened(name, tmp_path, monkeypatch)
    rows = memberships(data)
    right = {(row.image, row.captions[row.right]) for row in rows.itertuples() if row.right >= 0}
    similarity = chance_similarities(data, prompts, 0)
    named = zip(similarity["image"], prompts["classidx"][similarity["prompt"]], strict=True)
    known = np.array([pair in right for pair in named])
    for score, value in ((known * 1.0, 100), (-1.0 * known, 0)):
        answers = {("sd", name): similarity.assign(loss="l2", score=score, evaluations=1.0)}
        decisions, spent = matching_tables.decide_all(answers, {name: (data, prompts)})
        table = matching_tables.score_table(METHODS, decisions, spent, "t")
        table = table[table["metric"] != "calibrated_text_score"]
        assert set(table["metric"]) == EXPECTED.get(name, {"text_score"})
        assert set(table["value"]) <= {value} and (table["chance"] <= 50).all()
    asked = set(rows.loc[rows["side"] == 0, "subtask"])
    assert asked <= {*table["subtask"]}
    sizes = effects.effect_table(
        METHODS, effects.associate_all(answers, {name: (data, prompts)}), "t"
    )
    assert set(sizes["subtask"]) == set(rows.loc[rows["side"] != 0, "subtask"])
    assert bool(len(sizes)) != bool(len(table))


@pytest.mark.parametrize("name", ["whatsup", "flickr30k", "self-bench", "mmbias"])
def test_labelled_items_of_its_form(name, tmp_path, monkeypatch):
    data, _ = opened(name, tmp_path, monkeypatch)
    if name in ("flickr30k", "mmbias"):  # all images are linked; nothing is right
        with pytest.raises(
            InputError, match=r"leaves a draw with . groups|found none with a right"
        ):
            labelled_items(data, fraction=0.3)
        return
    (draw,) = labelled_items(data, fraction=0.3)
    rows = memberships(data)
    used = rows[rows["example"].isin(draw)]
    others = rows[~rows["example"].isin(draw)]
    assert len(draw) >= 2 and not set(used["image"]) & set(others["image"])
    named = [{*zip(part["subtask"], part["set"], strict=True)} for part in (used, others)]
    assert not [name for name in named[0] & named[1] if name[1]]
