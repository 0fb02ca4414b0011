"""Pages of tables of captions: images with the captions of their items, right as scores say."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from browser import chromium, opened

from diffusion_classifier import files
from diffusion_classifier.data.matching.stored import memberships
from diffusion_classifier.data.prompt_sets import from_captions, with_unconditional
from diffusion_classifier.data.sources.opening import dataset
from diffusion_classifier.engine.error_files import error_dataset
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.scores.compositional import (
    chance_similarities,
    example_scores,
    similarities,
)
from diffusion_classifier.scores.matching_metrics import decide
from diffusion_classifier.selection.rankings import Errors, rankings
from diffusion_classifier.tables.explorer.build import Table, write_explorer
from diffusion_classifier.tables.explorer.method_answers import NONE, from_similarities
from diffusion_classifier.tables.explorer.shown import shown

SOURCES = {
    "tasks": {"source": "scenes-matching", "per_task": 4},
    "winoground": {"source": "scenes-winoground", "per_tag": 5},
}


@pytest.fixture(scope="module", params=SOURCES)
def asked(request):
    """A data set, its prompts, and random similarities."""
    data = dataset(SOURCES[request.param]).drop(columns="bytes")
    if request.param == "tasks":
        items = memberships(data)
        texts = {k: t for r in items.itertuples() for k, t in zip(r.captions, r.texts, strict=True)}
        classes = pd.DataFrame(sorted(texts.items()), columns=["label", "classname"])
    else:
        classes = data
    prompts = with_unconditional(from_captions(classes))
    return request.param, data, prompts, chance_similarities(data, prompts, 3)


def right_rows(data, prompts, similarity):
    every = shown(data, prompts, captions=True)
    found = from_similarities(similarity, prompts, every.rows, every.asked, "l2")
    return every, found, found.predictions == every.rows["truth"].to_numpy()


def test_images_are_right_as_the_text_score_says(asked):
    name, data, prompts, similarity = asked
    _, _, right = right_rows(data, prompts, similarity)
    assert len(right) == len(data) and 0 < right.sum() < len(right)
    if name == "tasks":
        scored = decide(similarity, data, prompts, "a test").query("metric == 'text_score'")
        assert right.sum() == scored["correct"].sum() and len(right) == len(scored)
    else:
        scored = example_scores(similarity, data, prompts)
        both = pd.Series(right).groupby(data["example"].to_numpy()).all()
        assert both.tolist() == scored["text_score"].tolist()


def test_the_captions_of_an_item_alone_are_ranked(asked):
    name, data, prompts, similarity = asked
    every, found, _ = right_rows(data, prompts, similarity)
    counts = (found.classes != NONE).sum(axis=1)
    assert set(counts) == ({2, 3, 4} if name == "tasks" else {2})
    for row in range(len(every.rows)):
        own = every.asked.loc[every.asked["row"] == row, "class"]
        assert set(found.classes[row, : counts[row]]) == set(own)
        assert every.rows["truth"][row] in set(own)
    assert every.left_out == "" and every.facet == "Kind"
    assert set(every.facets) == set(
        memberships(data)["subtask"] if name == "tasks" else data["tag"]
    )


def test_some_rows_keep_their_captions(asked):
    _, data, prompts, similarity = asked
    every, found, _ = right_rows(data, prompts, similarity)
    rows = np.arange(1, len(every.rows), 3)
    some = every.take(rows)
    again = from_similarities(similarity, prompts, some.rows, some.asked, "l2")
    np.testing.assert_array_equal(again.classes, found.classes[rows])
    np.testing.assert_array_equal(again.scores, found.scores[rows])


def test_an_image_of_several_items_is_shown_with_each():
    item = {"subtask": "a", "position": 0, "images": 1, "texts": ["x", "y"], "pair": "", "set": "",
            "pair_size": 0, "set_size": 0, "side": 0, "signs": [0, 0]}  # fmt: skip
    items = [
        item | {"example": 0, "captions": [0, 1], "right": 0},
        item | {"example": 1, "captions": [1, 2], "right": 1, "subtask": "b"},
        item | {"example": 2, "captions": [1], "right": 0},  # nothing is ranked
        item | {"example": 3, "captions": [0, 2], "right": -1},  # none is right
    ]
    data = pd.DataFrame({"image": [7], "items": [items]})
    prompts = pd.DataFrame({"prompt": list("xyz"), "classname": list("xyz"), "classidx": range(3)})
    every = shown(data, prompts, captions=True)
    assert every.rows["image"].tolist() == [7, 7]
    assert every.rows["truth"].tolist() == [0, 2] and every.facets == ["a", "b"]
    assert every.left_out.startswith("2 images are not shown")


def write_table(folder):
    """A table of Winoground's form with one diffusion classifier, chance, and one error map."""
    data = dataset(SOURCES["winoground"])
    files.write_parquet(data, folder / "data.parquet")
    prompts = with_unconditional(from_captions(data))
    files.write_csv(prompts, folder / "prompts.csv")
    chance = chance_similarities(data, prompts, 3)
    files.write_parquet(chance, folder / "chance.parquet")
    values = np.random.default_rng(0).normal(1, 0.1, (len(chance), 6)).astype("float32")
    samples = [Sample(100 * n, n) for n in range(6)]
    errors = error_dataset({"l2": values}, chance[["image", "prompt"]], samples, {"seconds": 1.0})
    ours = similarities([errors])
    files.write_parquet(ours, folder / "ours.parquet")
    every, answers, _ = right_rows(data, prompts, ours)
    images, read = every.rows["image"].to_numpy(), Errors(prompts["classidx"].to_numpy())
    ranked = rankings([errors], images, {"l2": answers.predictions}, read, every.asked)
    files.write_dataset(ranked, folder / "ours.nc")
    maps = np.zeros((1, 2, 3, 4), "float32")
    maps[0, 1, 2, 3] = 0.5  # the wrong caption is worse at the last position
    dims = ("image", "prompt", "row", "column")
    stored = xr.Dataset({"error": (dims, maps)}, {"image": [4], "prompt": ["right", "wrong"]})
    files.write_dataset(stored, folder / "maps.nc")
    names = ("ours", "chance")
    entry = {
        "label": "Examples", "description": "", "loss": "l2",
        "data": str(folder / "data.parquet"), "prompts": str(folder / "prompts.csv"),
        "answers": {name: str(folder / f"{name}.parquet") for name in names},
        "rankings": {"ours": {"file": str(folder / "ours.nc"), "loss": "l2"}},
    }  # fmt: skip
    methods = {name: {"label": name, "group": name, "varies": ""} for name in names}
    return Table("examples", "", True, methods, {"w": entry}, str(folder / "maps.nc"))


def test_a_page_of_captions_has_kinds_and_an_error_map(tmp_path):
    write_explorer(write_table(tmp_path), tmp_path / "page.html", tmp_path / "small.html")
    with chromium() as browser, opened(browser, tmp_path / "page.html") as page:
        assert not page.is_visible("[name=predicted]")
        page.select_option("[name=facet]", label="Object")
        assert page.inner_text("#count").startswith("10 of 30 images")
        page.select_option("[name=facet]", "")
        page.select_option("[name=map]", "stored")
        assert page.inner_text("#count").startswith("1 of 30 images")
        page.click(".cell[data-place='0']")
        assert page.inner_text("#detail-body").count("image 4 of Examples") == 1
        assert page.locator(".heat-map").count() == 1
        page.keyboard.press("Escape")
        page.select_option("[name=map]", "all")
        page.click(".cell[data-place='4']")
        assert page.locator(".ranking tbody tr").count() == 2 + 1
        fills = page.eval_on_selector_all(
            ".heat-map rect", "all => all.map((r) => r.getAttribute('fill'))"
        )
        assert len(fills) == 12 and len(set(fills[:-1])) == 1 and fills[-1] == "rgb(0, 114, 178)"
        page.keyboard.press("ArrowRight")
        page.wait_for_selector("#detail canvas[data-drawn='5']")
        assert page.locator(".heat-map").count() == 0
