"""Published numbers beside ours, against sums done by hand; and mistakes in them."""

from itertools import product
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
import yaml

from diffusion_classifier.config.checks.table_checks import check_tables
from diffusion_classifier.messages import InputError
from diffusion_classifier.scores import accuracy as scores
from diffusion_classifier.scores.caption_curves import TAGS
from diffusion_classifier.tables.notebook_pages import without_empty_parts
from diffusion_classifier.tables.texts import published

ROOT = Path(__file__).parents[1]
PAPER = ROOT / "config" / "published.csv"
SD = "Diffusion Classifier (SD 2.0)"
HEADERS = {"mine": "Mine", "pets": "Pets", "toys": "Toys"}


def rows(metric="top1"):
    """Two losses of a diffusion classifier and a CLIP on three data sets."""
    kinds = {"sd": ("Ours", ["l1", "l2"]), "clip": ("CLIP", [""]), "other": ("Other", [""])}
    made = []
    for group, (label, losses) in kinds.items():
        for loss in losses:
            for k, dataset in enumerate(HEADERS):
                value = 86.0 + k + (loss == "l1")
                found = ("accuracy", scores.method_name(label, loss), dataset, metric, value)
                made.append((*found, value - 2, value + 2, value, value, 1, 100, 5.0, loss, group))
    return pd.DataFrame(made, columns=[*scores.LONG, "loss", "group"])


@pytest.fixture(scope="module")
def paper():
    return published.read_published(PAPER)


@pytest.fixture
def attached(paper):
    names = {"sd": SD, "clip": "OpenCLIP ViT-H/14"}
    return published.attach(rows(), paper, names, {"mine": "cifar10"}, "l2")


def test_the_papers_file_is_read(paper):
    assert list(paper) == published.COLUMNS and paper["value"].dtype == "float64"
    # table 1 and table 2 of the paper
    told = paper.set_index(published.KEYS)["value"]
    assert told["accuracy", SD, "pets", "top1"] == 87.3
    assert told["winoground", SD, "average", "text_score"] == 38.5
    assert told["robustness", "ResNet-50", "imagenet-a", "top1"] == 0.0


def test_only_the_main_loss_of_named_methods_is_compared(attached):
    known = attached[attached["published"].notna()]
    assert [tuple(key) for key in known[["method", "dataset", "published"]].to_numpy()] == [
        ("Ours [L2]", "mine", 88.5),  # cifar10
        ("Ours [L2]", "pets", 87.3),  # a data set of the paper's own name
        ("CLIP", "mine", 97.3),
        ("CLIP", "pets", 94.6),
    ]
    np.testing.assert_allclose(known["difference"], [-2.5, -0.3, -11.3, -7.6])
    assert known["inside"].tolist() == [False, True, False, False]
    assert attached["inside"].isna().sum() == len(attached) - 4
    pd.testing.assert_frame_equal(attached[rows().columns], rows())


def test_bounds_count_as_inside(paper):
    on_the_edge = rows().assign(low=88.5, high=90.0)
    found = published.attach(on_the_edge, paper, {"sd": SD}, {"mine": "cifar10"}, "l2")
    assert found["inside"].dropna().tolist() == [True, False]


def test_another_metric_is_not_compared(paper):
    found = published.attach(rows("mean_per_class"), paper, {"sd": SD}, {}, "l2")
    assert found["published"].isna().all() and len(published.compared(found)) == 0


def test_exports_have_the_columns_only_if_asked_for(attached, tmp_path):
    assert list(scores.long_form(rows())) == scores.LONG
    long = scores.long_form(attached)
    assert list(long) == [*scores.LONG, *scores.COMPARED]
    long.to_csv(tmp_path / "long.csv", index=False)
    lines = (tmp_path / "long.csv").read_text().splitlines()
    assert lines[1].endswith("5.0,,,") and lines[4].endswith("5.0,88.5,-2.5,False")
    assert len(published.compared(attached)) == 4


def test_texts_say_the_same_numbers(attached):
    wide = published.beside(attached, HEADERS)
    assert list(wide) == ["Mine", "Pets"] and list(wide.index) == ["Ours [L2]", "CLIP"]
    assert wide.loc["Ours [L2]", "Pets"] == "87.0 [85.0, 89.0]\npaper 87.3\n-0.3, inside"
    listed = published.listed(attached, HEADERS)
    assert listed.iloc[0].tolist() == [
        "Ours [L2]",
        "Mine",
        "86.0 [84.0, 88.0]",
        "88.5",
        "-2.5",
        "no",
    ]
    first, second = published.statements(attached, HEADERS)
    assert first == (
        "Ours [L2]: 1 of 2 of the paper's numbers lie in our interval; outside: Mine (-2.5). "
        "Mean difference -1.4 points."
    )
    assert second.startswith("CLIP: 0 of 2 ")
    text = published.to_text(attached, HEADERS, "What it is.")
    assert text.count("\n") == 1 + 3 + 4 and "87.3" in text
    latex = published.to_latex(attached, HEADERS, "in 95 % of", "tab:x")
    assert latex.count(r"\\") == 5 and r"95 \% of" in latex and r"\label{tab:x}" in latex


def test_nothing_in_common_is_no_crash(paper):
    none = published.attach(rows(), paper, {}, {}, "l2")
    assert published.beside(none, HEADERS).empty and published.statements(none, HEADERS) == []
    assert published.NOTHING in published.to_text(none, HEADERS, "x")
    assert r"\toprule" in published.to_latex(none, HEADERS, "x", "y")


BAD = {
    "no file": (None, "no such file"),
    "empty": ("", "no readable CSV"),
    "a column missing": ("table,method,dataset,value\na,b,c,1\n", "`metric` is missing; add it"),
    "no number": ("a,b,c,top1,high", "'high' in line 2 (a, b, c, top1), expected a percentage"),
    "no value": ("a,b,c,top1,", "'' in line 2"),
    "no percentage": ("a,b,c,top1,101", "'101' in line 2"),
    "twice": ("a,b,c,top1,1\na,b,c,top1,2", "'2' in line 3 (a, b, c, top1), expected one value"),
}


@pytest.mark.parametrize("text,output", BAD.values(), ids=BAD)
def test_mistakes_in_the_file_are_one_line(tmp_path, text, output):
    path = tmp_path / "numbers.csv"
    if text is not None:
        head = "" if not text or text.startswith("table") else "table,method,dataset,metric,value\n"
        path.write_text(head + text)
    with pytest.raises(InputError) as error:
        published.read_published(path)
    message = str(error.value)
    assert message.startswith(f"{path}: found ") and output in message and "\n" not in message


def ours(config, table):
    """The names that the paper has for what a table of the config shows: (method, data set)."""
    spec = config["tables"][table]
    entries = config["evaluations"] | config["baselines"]
    methods = [entries[name].get("published") for name in spec["methods"]]
    if table == "winoground":
        return list(product(methods, TAGS))
    datasets = [config["datasets"][name].get("published", name) for name in spec["datasets"]]
    return list(product(methods, datasets))


@pytest.mark.parametrize("table", ["accuracy", "robustness", "winoground"])
def test_every_number_of_the_paper_stands_beside_one_of_ours(paper, table):
    """None is left out because some `published` was forgotten, and none is claimed twice."""
    config = yaml.safe_load((ROOT / "config" / "paper.yaml").read_text(encoding="utf-8"))
    assert config["tables"][table]["published"] == "config/published.csv"
    mapped = ours(config, table)
    theirs = paper[paper["table"] == table]
    found = list(zip(theirs["method"], theirs["dataset"], strict=True))
    assert found and {pair: mapped.count(pair) for pair in found} == dict.fromkeys(found, 1)
    assert set(theirs["metric"]) == {"text_score" if table == "winoground" else "top1"}


def test_the_paper_has_no_other_tables(paper):
    assert set(paper["table"]) == {"accuracy", "robustness", "winoground"}


@pytest.fixture
def config():
    found = yaml.safe_load((ROOT / "tests" / "tiny_scenes.yaml").read_text())
    found["weightings"] = {}
    found["evaluations"]["staged"]["published"] = SD
    found["evaluations"]["exhaustive"]["published"] = SD
    found["datasets"]["shapes"]["published"] = "cifar10"
    for table in found["tables"].values():
        table["published"] = str(PAPER)
    return found


def test_good_names_pass(config):
    check_tables(config)
    # a CLIP that the paper has in one of both tables only
    config["baselines"]["clip"]["published"] = "CLIP ViT-L/14"
    check_tables(config)


@pytest.mark.parametrize(
    "kind,name,value,output",
    [
        ("evaluations", "staged", "SD 2.0", ["evaluations.staged.published: ", "method `SD 2.0`"]),
        ("baselines", "clip", "OpenCLIP", ["baselines.clip.published: ", "`OpenCLIP ViT-H/14`?"]),
        ("datasets", "sizes", "cifar1", ["datasets.sizes.published: ", "data", "`cifar10`?"]),
    ],
)
def test_unknown_names_are_refused(config, kind, name, value, output):
    config[kind][name]["published"] = value
    with pytest.raises(InputError) as error:
        check_tables(config)
    assert all(words in str(error.value) for words in [*output, "expected one of"])
    assert len(str(error.value)) < 500


def test_a_table_with_nothing_to_compare_is_refused(config):
    del config["datasets"]["shapes"]["published"]
    with pytest.raises(InputError, match=r"tables.accuracy.published: found no number in .*"):
        check_tables(config)


def test_cells_of_what_is_not_there_are_left_out():
    def made(*cells):
        return nbformat.v4.new_notebook(
            cells=[
                nbformat.v4.new_code_cell(text, metadata={"tags": tags} if tags else {})
                for text, tags in cells
            ]
        )

    notebook = made(
        ("# said\na = {}\nb = 'x'  # by default", ["parameters"]),
        ("first", ["needs:a"]), ("second", ["needs:b"]), ("third", ["needs:a", "needs:b"]),
        ("last", []),
    )  # fmt: skip

    def left(**parameters):
        found = without_empty_parts(nbformat.from_dict(notebook), parameters)
        return [cell.source for cell in found.cells[1:]]

    assert left() == ["second", "last"]
    assert left(a={"k": 1}) == ["first", "second", "third", "last"]
    assert left(a=[1], b="") == ["first", "last"]
    with pytest.raises(KeyError):
        without_empty_parts(made(("x", ["needs:unknown"])), {})


@pytest.mark.parametrize(
    ("table", "kind", "count"),
    [
        ("winoground", "compositional", "winoground"),
        ("captions", "compositional", "winoground"),
        ("of-pets", "accuracy", "accuracy"),
        ("robustness", "accuracy", "robustness"),
    ],
)
def test_numbers_are_a_tables_by_its_name_or_else_its_kind(paper, table, kind, count):
    found = published.of_table(paper, table, kind)
    assert len(found) == (paper["table"] == count).sum() > 0
    assert set(found["table"]) == {table}


def test_a_table_of_another_kind_has_no_published_numbers(paper):
    assert published.of_table(paper[paper["table"] == "accuracy"], "t", "robustness").empty
