"""The page of matching tasks with learned weights of timesteps, on fabricated similarities."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matching_items import data_of, prompts_of

from diffusion_classifier import files
from diffusion_classifier.data.matching.items import Item, Picture
from diffusion_classifier.scores import effects, matching_gain, matching_tables
from diffusion_classifier.scores.compositional import chance_similarities
from diffusion_classifier.tables.figures import matching_pages
from diffusion_classifier.tables.notebook_pages import execute

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "matching.ipynb"
METHODS = {
    "sd": {"label": "SD", "kind": "diffusion", "group": "sd", "varies": "training"},
    "w-draw0": {"label": "Weighted", "kind": "weighted", "group": "w", "varies": "draw"},
    "w-draw1": {"label": "Weighted", "kind": "weighted", "group": "w", "varies": "draw"},
    "clip": {"label": "CLIP", "kind": "more-data", "group": "clip", "varies": "training"},
}
OF = {"w-draw0": "sd", "w-draw1": "sd"}
LABELS = {"one": "One image", "two": "Two images"}


@pytest.fixture(scope="module")
def tables():
    """Scores, decisions and gains of two data sets; images above 8 are held out."""
    one = [Item(f"task {n % 2}", (Picture(f"{n}"),), (f"{n} a", f"{n} b"), 0) for n in range(60)]
    two = [
        Item("kind", (Picture(f"{n}a"), Picture(f"{n}b")), (f"{n} a", f"{n} b")) for n in range(40)
    ]
    sets, answers = {}, {}
    for name, items in (("one", one), ("two", two)):
        data, _ = data_of(items)
        sets[name] = (data, prompts_of(data))
        for number, method in enumerate(METHODS):
            similarity = chance_similarities(*sets[name], number).assign(evaluations=8.0)
            if method != "clip":
                similarity["loss"] = "l2"
            if method in OF:
                similarity = similarity[similarity["image"] > 7]
            answers[method, name] = similarity
    decisions, spent = matching_tables.decide_all(answers, sets, OF)
    return sets, {
        "scores": matching_tables.score_table(METHODS, decisions, spent, "t"),
        "correct": decisions,
        "paired": matching_tables.paired_table(METHODS, decisions),
        "weighting": matching_gain.gain_table(METHODS, decisions, OF),
        "effects": effects.effect_table(METHODS, effects.associate_all(answers, sets), "t"),
    }


def test_a_row_of_learned_weights_is_of_the_held_out_items(tables):
    rows = tables[1]["scores"]
    text = rows[(rows["metric"] == "text_score") & (rows["dataset"] == "one")]
    images = text[text["subtask"] == "all items"].set_index("method")["images"]
    assert images.to_dict() == {"SD [L2]": 60, "Weighted [L2]": 52, "CLIP": 60}
    assert set(tables[1]["paired"]["method_a"]) == {"SD [L2]"}
    message = matching_pages.headline(rows[rows["loss"].isin(["", "l2"])], LABELS, "SD [L2]")
    assert len(message) == 2 and not any("Weighted" in line for line in message)


def test_gains_are_shown_as_text(tables):
    rows, gains = tables[1]["scores"], tables[1]["weighting"]
    found = matching_pages.gains_frame(gains, rows, LABELS, "l2")
    assert found["subtask"].tolist()[:3] == ["task 0", "task 1", "all items"]
    assert found["score"].tolist()[3:] == ["text score", "image score", "group score",
                                           "calibrated image score"]  # fmt: skip
    assert set(found["method"]) == {"Weighted [L2]"} and set(found["learned"]) == {"2 draws"}
    assert found["held-out items"].tolist() == ["26", "26", "52", *["36"] * 4]
    row = gains[(gains["dataset"] == "one") & (gains["subtask"] == "all items")].iloc[0]
    assert found["difference (points)"][2].startswith(f"{row['difference']:+.1f} [")
    assert matching_pages.gains_frame(gains, rows, LABELS, "l1").empty


def test_the_notebook_shows_them(tables, tmp_path):
    sets, made = tables
    for name, frame in made.items():
        files.write_parquet(frame, tmp_path / f"{name}.parquet")
    weights = []
    for name, (data, _) in sets.items():
        files.write_parquet(data, tmp_path / f"data-{name}.parquet")
        paths = [tmp_path / f"{name}-draw{k}.csv" for k in (0, 1)]
        for path, slope in zip(paths, (0.5, 1), strict=True):
            values = 1 + slope * np.array([-1.0, 0.0, 1.0])
            table = pd.DataFrame({"loss": "l2", "timestep": [100, 500, 900], "weight": values})
            files.write_csv(table, path)
        weights.append({"method": "Weighted", "dataset": name, "weights": [*map(str, paths)]})
    out = tmp_path / "table"
    parameters = {
        "table": "t", "data_behind": {}, "datasets": LABELS, "folder": str(out),
        **{name: str(tmp_path / f"{name}.parquet") for name in made},
        "data": {name: str(tmp_path / f"data-{name}.parquet") for name in sets},
        "descriptions": dict.fromkeys(LABELS, "Made-up items."), "weighted": weights,
    }  # fmt: skip
    execute(str(NOTEBOOK), str(out / "notebook.ipynb"), parameters)
    assert {"weighting.csv", "weighting.svg", "weighting.png"} < {p.name for p in out.iterdir()}
    exported = pd.read_csv(out / "weighting.csv")
    pd.testing.assert_frame_equal(exported, made["weighting"].round(4), check_dtype=False)
    html, text = ((out / f"table.{end}").read_text() for end in ("html", "txt"))
    for content in (html, text):
        assert "Equal and learned weights of timesteps, on the same held-out items" in content
    svg = (out / "weighting.svg").read_text()
    assert svg.count("one draw of labels") == 1 and "Two images" in svg
    cells = json.loads((out / "notebook.ipynb").read_text())["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output.get("name") == "stderr"]
