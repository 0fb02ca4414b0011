"""Self-Bench: drawings that are kept, domains, and the gap with its interval."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from extended import check, config
from PIL import Image

from diffusion_classifier import files
from diffusion_classifier.baselines import judge
from diffusion_classifier.baselines.baseline import Baseline, Setting
from diffusion_classifier.data.image_files.left_out import LeftOut, read_left_out
from diffusion_classifier.messages import InputError
from diffusion_classifier.scores import self_bench
from diffusion_classifier.scores.intervals import wilson
from plan import Plan

ROOT = Path(__file__).resolve().parents[1]


def drawings(labels):
    """A data set of drawings whose grey value is 10 × their class, one class off for some."""
    rows = []
    for image, label in enumerate(labels):
        buffer = io.BytesIO()
        Image.new("L", (4, 4), 10 * label).save(buffer, "PNG")
        rows.append((image, label, f"class {label}", f"drawing {image}", buffer.getvalue()))
    return pd.DataFrame(rows, columns=["image", "label", "classname", "source", "bytes"])


class Grey(Baseline):
    """A judge that reads the class off the grey value."""

    reads_texts = True

    def predict(self, images):
        values = np.array([np.asarray(image)[0, 0] // 10 for image in images.decoded()])
        return values.astype(np.int64), np.eye(3, dtype=np.float32)[values]


def test_a_judge_keeps_what_it_takes_for_the_class(tmp_path):
    table = drawings([0, 0, 1, 1, 2, 2])
    table.loc[[1, 4, 5], "bytes"] = table.loc[[2, 0, 0], "bytes"].to_numpy()  # drawn as others
    files.write_parquet(table, tmp_path / "drawings.parquet")
    rows = [f"a {n},class {n},{n}" for n in range(3)]
    (tmp_path / "prompts.csv").write_text("\n".join(["prompt,classname,classidx", *rows]))
    setting = Setting({"kind": "grey"}, None, None)
    kept = judge.agreed(Grey, setting, tmp_path / "drawings.parquet", tmp_path / "prompts.csv")
    assert kept.tolist() == [True, False, True, True, False, False]
    found, record = judge.keep(table, kept, judge.DISAGREES)
    assert found["image"].tolist() == [0, 1, 2]
    assert found["source"].tolist() == ["drawing 0", "drawing 2", "drawing 3"]
    path = tmp_path / "kept.parquet"
    files.write_parquet_pieces([found], path, record.metadata)
    assert read_left_out(path) == LeftOut(
        what="drawings",
        there=6,
        looked_at=6,
        reasons={judge.DISAGREES: ["drawing 1", "drawing 4", "drawing 5"]},
        classes={"2": "class 2"},
    )
    message = record.sentence("Drawn")
    assert message.startswith(
        "Drawn: 3 of 6 drawings were used; left out: drawing 1 (the judge took"
    )
    assert message.endswith("; no image of the class class 2 is left.")
    with pytest.raises(InputError, match="found none of 6 drawings that is kept"):
        judge.keep(table, np.zeros(6, dtype=bool), judge.DISAGREES)


def test_a_list_that_a_person_ticked(tmp_path):
    table, path = drawings([0, 0, 1]), tmp_path / "ticked.txt"
    path.write_text("000/00001.png\n\nresults/drawings/x/001/00002.png\r\n")
    assert judge.ticked(path, table).tolist() == [False, True, True]
    for text, message in (
        ("000/00002.png", "line 1: found '000/00002.png', expected a drawing's file such as 000/"),
        ("000/00000.png\n000/00000.png", "line 2: found '000/00000.png' twice"),
    ):
        path.write_text(text)
        with pytest.raises(InputError, match=message):
            judge.ticked(path, table)
    with pytest.raises(InputError, match=r"absent.txt: cannot be read \(No such file"):
        judge.ticked(tmp_path / "absent.txt", table)


def scores():
    """Of two models: 56/70 on own drawings, 48/80 on the other's, and 30/40 on real images."""
    right = {("a", "by-a"): (56, 70), ("a", "by-b"): (48, 80), ("a", "real"): (30, 40)}
    right |= {("b", "by-b"): (56, 70), ("b", "by-a"): (9, 10), ("clip", "by-a"): (1, 2)}
    rows = []
    for (name, dataset), (k, n) in right.items():
        low, high = wilson(k, n)
        rows.append((name, name.upper(), dataset, 100 * k / n, 100 * float(low), 100 * float(high)))
    return pd.DataFrame(rows, columns=["name", "method", "dataset", "value", "low", "high"])


DRAWN_BY = {"by-a": "model-a", "by-b": "model-b", "real": ""}
MODEL_OF = {"a": "model-a", "b": "model-b", "clip": ""}


def test_domains_are_by_who_drew():
    found = self_bench.with_domains(scores(), DRAWN_BY, MODEL_OF)
    assert found["domain"].tolist() == [
        *("in-domain", "cross-domain", "real", "in-domain", "cross-domain", "cross-domain")
    ]


def test_gap_is_newcombes():
    """Newcombe 1998, table II (a), method 10: 56/70 − 48/80 is 0.2000 [0.0524, 0.3339]."""
    means = self_bench.domain_means(self_bench.with_domains(scores(), DRAWN_BY, MODEL_OF))
    found = self_bench.gaps(means).set_index(["method", "minus"])
    assert list(found.index) == [("A", "cross-domain"), ("A", "real"), ("B", "cross-domain")]
    row = found.loc["A", "cross-domain"] / 100
    assert row.round(4).tolist() == [0.2, 0.0524, 0.3339]
    row = found.loc["B", "cross-domain"]
    assert row["value"] == pytest.approx(-10) and row["low"] < -10 < row["high"]


def test_means_over_data_sets_have_intervals_that_cover():
    """Intervals of a mean of three accuracies, each of other images, against simulation."""
    rng, truth, counts = np.random.default_rng(0), (0.6, 0.8, 0.95), (60, 40, 80)
    covered = []
    for _ in range(200):
        rows = []
        for dataset, (p, n) in enumerate(zip(truth, counts, strict=True)):
            k = rng.binomial(n, p)
            low, high = wilson(k, n)
            rows.append(("m", "real", 100 * k / n, 100 * float(low), 100 * float(high), dataset))
        columns = ["method", "domain", "value", "low", "high", "dataset"]
        (mean,) = self_bench.domain_means(pd.DataFrame(rows, columns=columns)).itertuples()
        assert mean.datasets == 3
        covered.append(mean.low <= 100 * np.mean(truth) <= mean.high)
    assert 0.91 <= np.mean(covered) <= 0.99


def test_gaps_to_each_of_several_data_sets():
    """Of two equal proportions Newcombe's interval is symmetric; of a single data set none."""
    rows = pd.concat([scores(), scores().tail(1).assign(name="a", method="A")])
    rows.loc[rows["dataset"] == "by-a", "dataset"] = ["by-a", "by-a", "by-a", "other"]
    found = self_bench.with_domains(rows, DRAWN_BY | {"other": ""}, MODEL_OF)
    gaps = self_bench.dataset_gaps(found)
    assert gaps[["method", "minus"]].to_numpy().tolist() == [["A", "real"]] * 2
    assert gaps["dataset"].tolist() == ["real", "other"]
    one = self_bench.domain_means(found[found["dataset"] != "other"])
    expected = self_bench.gaps(one).set_index(["method", "minus"]).loc["A", "real"]
    assert gaps.iloc[0][["value", "low", "high"]].tolist() == pytest.approx(expected.tolist())
    assert gaps.iloc[1]["value"] == pytest.approx(80 - 50)
    (first, _) = self_bench.dataset_sentences(
        gaps, {name: name for name in self_bench.DOMAINS}, {"real": "Real", "other": "Other"}
    )
    assert first.startswith("A: in-domain minus Real (real) +5.0 points [")


def test_trainings_of_a_method_are_told_apart():
    rows = scores().assign(method=["SD", "SD", "SD", "SD", "SD", "CLIP"])
    found = self_bench.told_apart(rows)["method"]
    assert found.tolist() == ["SD (a)"] * 3 + ["SD (b)"] * 2 + ["CLIP"]


def test_the_figure_has_a_point_for_each_domain():
    from diffusion_classifier.tables.figures.self_bench_plots import gap_plot

    means = self_bench.domain_means(self_bench.with_domains(scores(), DRAWN_BY, MODEL_OF))
    names = {name: name for name in self_bench.DOMAINS}
    figure = gap_plot(means, names, 50.0, "title")
    (ax,) = figure.axes
    points = [container.lines[0].get_xdata() for container in ax.containers]
    assert sum(map(len, points)) == len(means) == 6
    assert sorted(points[0]) == pytest.approx([80, 80])  # in-domain
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["CLIP", "B", "A"]


def test_a_single_model_has_no_drawings_of_others():
    from diffusion_classifier.tables.figures.self_bench_plots import gap_plot

    rows = self_bench.with_domains(scores(), DRAWN_BY, MODEL_OF)
    own = rows[(rows["name"] == "a") & (rows["domain"] != "cross-domain")]
    names = {name: name for name in self_bench.DOMAINS}
    own = pd.concat([own, own.tail(1).assign(dataset="other", value=40.0)])
    (ax,) = gap_plot(self_bench.domain_means(own), names, None, "title", own).axes
    assert [text.get_label() for text in ax.containers] == ["in-domain", "real"]
    (single,) = (line for line in ax.lines if line.get_label() == "real: single data sets")
    assert single.get_xdata().tolist() == [75, 40]  # their mean is the filled point


# --- the config

MODEL = {
    "label": "SD",
    "family": "stable-diffusion",
    "weights": "resources/models/scenes-sd",
    "latent_shape": [8, 8, 8],
    "preprocess": {"mode": "RGB", "size": 32},
}
CLIP = {
    "label": "CLIP",
    "family": "clip",
    "weights": "resources/models/scenes-clip",
    "preprocess": {"mode": "RGB", "size": 32},
}
DRAWN = {"label": "All", "model": "sd", "per_class": 2, "guidance": 3, "steps": 4, "prompts": "p"}
KEPT = {"label": "Kept", "drawn": "all", "judge": "judge", "prompts": "p"}
STAGES = {"samples": [4], "keep": [1], "loss": "l2"}


def checked(kept=KEPT, methods=("sd",), datasets=("kept",)):
    whole = config()
    return check(
        prompts={**whole["prompts"], "p": {"classes": ["a", "b"], "templates": ["{}"]}},
        datasets={**whole["datasets"], "all": DRAWN, "kept": kept},
        models={**whole["models"], "sd": MODEL, "clip": CLIP},
        evaluations={
            **whole["evaluations"],
            "sd": {"label": "Diffusion", "model": "sd", "stages": STAGES},
        },
        baselines={
            **whole["baselines"],
            "judge": {"label": "CLIP", "kind": "clip", "model": "clip"},
        },
        tables={
            **whole["tables"],
            "own": {"kind": "self-bench", "datasets": [*datasets], "methods": [*methods]},
        },
    )


def without(key):
    return {name: value for name, value in KEPT.items() if name != key}


def test_a_config_of_self_bench_and_its_mistakes(tmp_path):
    checked()
    for kept, message in (
        (without("judge"), "datasets.kept: found no judge, expected either `judge`"),
        (KEPT | {"ticked": "a.txt"}, "datasets.kept: found `judge` and `ticked`"),
        (KEPT | {"drawn": "al"}, r"datasets.kept.drawn: .*`al`.* did you mean `all`\?"),
        (KEPT | {"judge": "clip"}, "datasets.kept.judge: found the unknown baseline that reads"),
        (without("judge") | {"ticked": "absent.txt"}, "datasets.kept.ticked: found 'absent.txt'"),
        (KEPT | {"per_class": 3}, "datasets.kept.per_class: .*with a `drawn` has no such key"),
        (KEPT | {"prompts": next(iter(config()["prompts"]))}, "kept.prompts: .* expected `p`"),
    ):
        with pytest.raises(InputError, match=message):
            checked(kept)
    with pytest.raises(InputError, match=r"own.methods: found `judge`, the judge of `kept`"):
        checked(methods=("sd", "judge"))
    real = next(n for n, spec in config()["datasets"].items() if "prompts" in spec)
    own = next(iter(config()["evaluations"]))
    with pytest.raises(InputError, match=r"tables.own.datasets: found no drawings of"):
        checked(methods=(own,), datasets=(real,))


def test_a_plan_of_drawings_their_judge_and_the_table(tmp_path):
    plan = Plan(checked(), ROOT)
    assert plan.data.with_key("drawn") == ["kept"] and plan.data.with_key("model") == ["all"]
    assert plan.judges.drawings("kept") == plan.layout.data("all")
    assert Path(plan.judges.setting("kept")["folder"]).resolve() == ROOT / CLIP["weights"]
    assert plan.judges.spec("kept") == {"kind": "clip", "model": "clip"}
    assert any(path.endswith("model.safetensors") for path in plan.judges.inputs("kept"))
    assert plan.judges.ticked("kept") == []
    assert plan.baselines.clips() == []  # its answers are those of the judge's job alone
    told = plan.notebooks.parameters("own")
    assert told["drawn_by"] == {"kept": "sd"} and told["model_of"] == {"sd": "sd"}
    assert told["models"] == {"sd": "SD"} and told["drawings"] == {"kept": plan.layout.data("all")}
    assert set(told["data_behind"]) == {plan.layout.data(name) for name in ("kept", "all")}
    assert plan.notebooks.inputs("own")["scores"] == ["results/scores/own.parquet"]
    listed = tmp_path / "ticked.txt"
    listed.write_text("000/00000.png\n")
    by_hand = Plan(checked(without("judge") | {"ticked": str(listed)}), ROOT)
    assert by_hand.judges.ticked("kept") == [str(listed)] and by_hand.judges.inputs("kept") == []
