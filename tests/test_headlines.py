"""The sentences on the report's first page."""

import re
from collections import namedtuple
from types import SimpleNamespace

import pandas as pd
from docutils.core import publish_parts
from jinja2 import Environment

from diffusion_classifier.tables.texts.headlines import best_scores, headlines, summary_html
from diffusion_classifier.tables.texts.wide_tables import wide

Part = namedtuple("Part", "name")
COLUMNS = {"a": "Cats", "b": "Dogs"}


def rows(values, metric="top1"):
    found = [
        {"method": method, "loss": loss, "dataset": key, "metric": metric, "value": value,
         "low": value - 1, "high": value + 1}
        for (method, loss), of_sets in values.items() for key, value in of_sets.items()
    ]  # fmt: skip
    return pd.DataFrame(found)


def test_a_method_is_placed_among_the_others():
    table = rows({
        ("Ours", "l2"): {"a": 90.0, "b": 70.0}, ("Ours", "l1"): {"a": 99.0, "b": 99.0},
        ("Net", ""): {"a": 80.0, "b": 75.0}, ("CLIP", ""): {"a": 85.0, "b": 71.0},
    })  # fmt: skip
    assert headlines(table, COLUMNS, ["Ours"], "l2", "top1") == [
        "Ours is right on 70.0 (Dogs) to 90.0 percent (Cats) of the images.",
        "No other method is ahead of it on 1 of 2 data sets; ahead are those on Dogs (Net).",
    ]


def test_a_tie_is_not_behind_and_a_method_may_stand_alone():
    table = rows({("Ours", "l2"): {"a": 90.0, "b": 70.0}, ("Net", ""): {"a": 90.0}})
    assert headlines(table, COLUMNS, ["Ours"], "l2", "top1")[1] == (
        "No other method is ahead of it on any of 1 data sets."
    )
    behind = headlines(table, COLUMNS, ["Net"], "l2", "top1")
    assert behind[1].startswith("No other method is ahead of it on any of 1")
    alone = table[table["method"] == "Ours"]
    assert len(headlines(alone, COLUMNS, ["Ours"], "l2", "top1")) == 1


def test_a_method_behind_everywhere_is_said_to_be():
    table = rows({("Ours", "l2"): {"a": 50.0, "b": 60.0}, ("Net", ""): {"a": 90.0, "b": 70.0}})
    assert headlines(table, COLUMNS, ["Ours"], "l2", "top1")[1] == (
        "Another method is ahead of it on each of 2 data sets: Cats (Net), Dogs (Net)."
    )


def test_the_best_other_score_is_named():
    table = rows({("Ours", "l2"): {"average": 60.0}, ("Guess", ""): {"average": 25.0},
                  ("CLIP", ""): {"average": 30.0}}, "text_score")  # fmt: skip
    message = best_scores(table, ["Ours"], "l2", "text_score", "Text score", "average")
    assert message == [
        "Text score, in percent with 95 % intervals: Ours 60.0 [59.0, 61.0], "
        "CLIP 30.0 [29.0, 31.0]."
    ]


def test_the_report_opens_with_the_tables(root, tmp_path):
    """Names are shown as they are, and a table without a summary is left out."""
    summary = tmp_path / "summary.html"
    table = rows({("Ours", "l2"): {"a": 90.0}, ("Net", ""): {"a": 50.0}})
    shown = wide(table.assign(trainings=1, varies="training"), {"a": "<i>"})
    summary.write_text(summary_html(["Is <b> & right."], shown, "Small.", "accuracy"))
    part = Part("accuracy")
    categories = {"Zero-shot": {part: [SimpleNamespace(path=summary)]}}
    text = (root / "report" / "workflow.rst").read_text(encoding="utf-8")
    config = {"tables": {"accuracy": {}, "other": {}}}
    filled = (
        Environment(trim_blocks=True, lstrip_blocks=True)  # as Snakemake fills it
        .from_string(text)
        .render(snakemake=SimpleNamespace(config=config), categories=categories)
    )
    page = publish_parts(filled, writer="html")["html_body"]
    assert "<p>Is &lt;b&gt; &amp; right.</p>" in page and page.count("<table") == 1
    assert "system-message" not in page
    assert "&lt;i&gt;" in page and "90.0 ±1.0" in page and 'id="T_summary-accuracy"' in page
    assert re.search(r"#T_summary-accuracy_row0_col0\S* {\s+font-weight: bold", page)
