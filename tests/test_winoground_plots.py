"""Winoground's curves, figures and notebook on fabricated (random) results."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from diffusion_classifier import files
from diffusion_classifier.data.prompt_sets import from_captions, with_unconditional
from diffusion_classifier.data.sources.winoground import winoground_table
from diffusion_classifier.data.world.compositions import winoground_examples
from diffusion_classifier.messages import InputError
from diffusion_classifier.scores import accuracy as scores
from diffusion_classifier.scores import caption_curves, compositional
from diffusion_classifier.selection.candidates import candidates
from diffusion_classifier.tables.figures import plots, winoground_plots
from diffusion_classifier.tables.notebook_pages import execute

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "compositional.ipynb"
DATA = winoground_table(winoground_examples(6))
PROMPTS = with_unconditional(from_captions(DATA))
TRAINED = {"group": "g", "varies": "training"}
METHODS = {
    "sd": {"label": "Diffusion Classifier", "kind": "diffusion", **TRAINED},
    "clip": {"label": "CLIP, trained on the same scenes", "kind": "baseline", **TRAINED},
    **{
        f"chance-seed{seed}": {"label": "Chance", "kind": "chance", "group": "c", "varies": "seed"}
        for seed in range(3)
    },
}
TIMESTEPS = 25


def fabricated_errors():
    """Errors of all pairs; the own caption helps at middling timesteps, an image adds its own."""
    rng = np.random.default_rng(0)
    pairs = candidates(DATA, PROMPTS)
    t = 20 + 40 * np.arange(TIMESTEPS)
    own = (PROMPTS["classidx"].to_numpy()[pairs["prompt"]] == pairs["image"].to_numpy())[:, None]
    hard = rng.normal(size=len(DATA))[pairs["image"], None]
    values = 1 + 0.1 * hard - 0.02 * own * np.exp(-(((t - 400) / 200) ** 2))
    values = values + 0.02 * rng.normal(size=(len(pairs), TIMESTEPS))
    columns = {key: ("pair", pairs[key].to_numpy()) for key in ("image", "prompt")}
    drawn = {"timestep": ("sample", t), "noise": ("sample", np.arange(TIMESTEPS))}
    losses = {
        name: (("pair", "sample"), (scale * values).astype("float32"))
        for name, scale in {"l1": 0.8, "l2": 1.0}.items()
    }
    return xr.Dataset(losses, columns | drawn, attrs={"seconds": 3.0})


ERRORS = fabricated_errors()


def fabricated_maps(images):
    rng = np.random.default_rng(1)
    values = 0.1 * rng.normal(size=(len(images), 2, 8, 8)) + 1
    values[:, 1, 2:5, 2:5] += 0.2
    dims = ("image", "prompt", "row", "column")
    coordinates = {"image": np.array(images), "prompt": ["right", "wrong"]}
    return xr.Dataset({"error": (dims, values.astype("float32"))}, coordinates)


def fabricated_similarities():
    clip = compositional.chance_similarities(DATA, PROMPTS, 99)
    found = {"sd": compositional.similarities([ERRORS]), "clip": clip.assign(evaluations=4.0)}
    for seed in range(3):
        found[f"chance-seed{seed}"] = compositional.chance_similarities(DATA, PROMPTS, seed)
    return found


def correctness():
    return compositional.correctness(fabricated_similarities(), DATA, PROMPTS)


@pytest.fixture(scope="module")
def per_seed():
    return compositional.score_table(
        METHODS, fabricated_similarities(), DATA, PROMPTS, "winoground", "winoground"
    )


@pytest.fixture(scope="module")
def rows(per_seed):
    return scores.aggregate(per_seed, correctness())


def error(image, label, timestep, loss="l2"):
    """The stored error of one image with one caption at one timestep, looked up one by one."""
    prompt = PROMPTS.index[PROMPTS["classidx"] == label][0]
    pair = (ERRORS["image"].values == image) & (ERRORS["prompt"].values == prompt)
    return float(ERRORS[loss].values[pair][0, ERRORS["timestep"].values == timestep][0])


def differences_of(loss):
    return caption_curves.error_differences(ERRORS, DATA, PROMPTS, loss)


def test_differences_are_wrong_minus_right():
    found = caption_curves.error_differences(ERRORS, DATA, PROMPTS, "l2")
    assert len(found) == len(DATA) * TIMESTEPS
    for row in found.sample(40, random_state=0).itertuples():
        other = row.image ^ 1  # images 2e and 2e + 1 are an example
        expected = error(row.image, other, row.timestep) - error(row.image, row.image, row.timestep)
        assert row.difference == pytest.approx(expected, abs=1e-6)
        assert row.example == row.image // 2


def test_differences_average_noises_and_add_losses():
    twice = xr.concat([ERRORS, ERRORS + 0.5 * ERRORS["l2"]], dim="sample")
    one = caption_curves.error_differences(ERRORS, DATA, PROMPTS, "l2")
    found = caption_curves.error_differences(twice, DATA, PROMPTS, "l2")
    assert found["difference"].to_numpy() == pytest.approx(1.25 * one["difference"], abs=1e-6)
    both = caption_curves.error_differences(ERRORS, DATA, PROMPTS, "l1+l2")
    assert both["difference"].to_numpy() == pytest.approx(1.8 * one["difference"], abs=1e-6)


def test_timestep_text_score_is_the_score_of_that_timestep():
    curve = caption_curves.timestep_text_score(differences_of("l2"))
    assert list(pd.unique(curve["tag"])) == ["object", "relation", "both", "average"]
    for position in (0, 9, 24):
        alone = compositional.similarities([ERRORS.isel(sample=[position])])
        methods = {"sd": METHODS["sd"]}
        table = compositional.score_table(methods, {"sd": alone}, DATA, PROMPTS, "t", "d")
        table = table[(table["metric"] == "text_score") & (table["loss"] == "l2")]
        found = curve[curve["timestep"] == int(ERRORS["timestep"][position])].set_index("tag")
        expected = table.set_index("dataset")
        for column in ("value", "low", "high"):
            assert found[column].to_dict() == pytest.approx(expected[column].to_dict())


def test_a_missing_caption_and_a_missing_loss_are_refused():
    lacking = ERRORS.isel(pair=slice(1, None))
    with pytest.raises(InputError, match="errors: found image 0 without an error for one of"):
        caption_curves.error_differences(lacking, DATA, PROMPTS, "l2")
    with pytest.raises(InputError, match=r"loss: found vlb, .* expected one of l1, l2"):
        differences_of("vlb")


def test_an_example_that_is_not_a_pair_is_refused():
    with pytest.raises(InputError, match="data: found an example that does not have two images"):
        caption_curves.error_differences(ERRORS, DATA.iloc[1:], PROMPTS, "l2")


def figures(rows):
    shown = rows[rows["loss"].isin(["", "l2"])]
    scored = compositional.example_scores(compositional.similarities([ERRORS]), DATA, PROMPTS)
    differences = differences_of("l2")
    curve = caption_curves.timestep_text_score(differences)
    curve = curve.rename(columns={"value": "accuracy"})
    by_tag = dict(list(curve.groupby("tag", sort=False)))
    title = "Fabricated numbers. " * 9
    scored = scored[scored["loss"] == "l2"]
    maps = fabricated_maps(range(6))
    return {
        "scores": winoground_plots.scores_plot(shown, list(compositional.METRICS), title),
        "timesteps": plots.timesteps_plot(
            by_tag, dict.fromkeys(by_tag, 25), title, "text score", 2
        ),
        "examples": winoground_plots.examples_plot(DATA, scored, differences, [0, 1, 2], title),
        "heatmaps": winoground_plots.heatmap_plot(DATA, maps, [0, 1, 2], title),
    }


def test_figures_draw_the_numbers(rows):
    drawn = figures(rows)
    panel = drawn["scores"].axes[-1]
    assert panel.get_title(loc="left") == "Average (18 examples)"
    own = rows[(rows["dataset"] == "average") & (rows["method"] == "Diffusion Classifier [L2]")]
    assert sorted(panel.lines[0].get_xdata()) == pytest.approx(sorted(own["value"]))
    named = [label.get_text() for label in drawn["scores"].axes[0].get_yticklabels()]
    assert named == ["Text score", "Image score", "Group score", "Calibrated\nimage score"]

    maps = fabricated_maps(range(6))["error"].values.astype("float64")
    images = [ax.images[0] for ax in drawn["heatmaps"].axes[:12]]
    for image, heat in zip(range(6), images[1::2], strict=True):
        expected = maps[image, 1] - maps[image, 0]
        assert np.asarray(heat.get_array()) == pytest.approx(expected)
    scales = {heat.get_clim() for heat in images[1::2]}
    assert len(scales) == 1 and sum(scales.pop()) == 0  # one scale, around 0

    curve = drawn["examples"].axes[2]
    assert [line.get_linestyle() for line in curve.lines] == ["None", "-", "None", "--", "-"]
    caption = drawn["examples"].axes[1].get_title().replace("\n", " ")
    assert caption == DATA["classname"][1]


def test_figures_are_saved_identically(rows, tmp_path):
    for run in ("a", "b"):
        plots.save(figures(rows)["heatmaps"], tmp_path / run / "heatmaps", dpi=60)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def write_inputs(folder, per_seed):
    """All the notebook reads, under `folder`; returns its parameters."""
    measured = caption_curves.difference_rows(ERRORS, DATA, PROMPTS)
    files.write_parquet(measured, folder / "curves.parquet")
    files.write_parquet(per_seed, folder / "scores.parquet")
    files.write_parquet(correctness(), folder / "correct.parquet")
    files.write_parquet(DATA, folder / "data.parquet")
    files.write_csv(PROMPTS, folder / "prompts.csv")
    files.write_parquet(compositional.similarities([ERRORS]), folder / "similarity.parquet")
    files.write_dataset(fabricated_maps(range(6)), folder / "maps.nc")
    named = ("scores.parquet", "data.parquet", "prompts.csv", "similarity.parquet", "maps.nc")
    return {
        "correct": str(folder / "correct.parquet"),
        **{name.partition(".")[0]: str(folder / name) for name in named},
        "curve_file": str(folder / "curves.parquet"),
        "folder": str(folder / "table"),
        "subtitle": "Fabricated numbers.",
        "description": "Scenes with made-up scores.",
        "preprocess": {"mode": "RGB", "size": 32},
    }


def test_notebook_runs_and_writes_everything(per_seed, rows, tmp_path):
    parameters = write_inputs(tmp_path, per_seed)
    executed = tmp_path / "table" / "notebook.ipynb"
    execute(str(NOTEBOOK), str(executed), parameters)
    ends = (".csv", ".tex", ".txt", ".html")
    written = {path.name for path in (tmp_path / "table").iterdir()}
    names = ("scores", "timesteps", "examples", "heatmaps")
    drawn = {f"{name}.{kind}" for name in names for kind in ("svg", "png")}
    others = {"notebook.ipynb", "summary.html"}
    assert written == {*others, *(f"table{end}" for end in ends), *drawn}
    exported = pd.read_csv(tmp_path / "table" / "table.csv")
    pd.testing.assert_frame_equal(exported, scores.long_form(rows), check_dtype=False)
    for end in (".tex", ".txt", ".html"):
        text = " ".join((tmp_path / "table" / f"table{end}").read_text().split())
        for metric in compositional.METRICS.values():
            assert f"{metric} in percent" in text.replace("\\", "")
        assert "1 training" in text and "3 seeds" in text
        assert "a row of 1 training says nothing about another training" in text
    cells = json.loads(executed.read_text())["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    # marks of one table must not show in another
    html = (tmp_path / "table" / "table.html").read_text()
    assert all(html.count(f'<table id="T_{metric}">') == 1 for metric in compositional.METRICS)
