"""Names as they are shown: in LaTeX, Markdown, HTML, text and figures they are what they are."""

import html
import re

import pandas as pd
import pytest
from awkward_names import NAMES
from matplotlib.figure import Figure
from nbconvert.filters import markdown2html

from diffusion_classifier.tables.display import bullets
from diffusion_classifier.tables.figures import fonts, plots
from diffusion_classifier.tables.texts import aligned
from diffusion_classifier.tables.texts import wide_tables as tables
from diffusion_classifier.tables.texts.escaping import isolated, latex, markdown, shortened, width


def unescaped(text):
    """What LaTeX prints of text without commands but those of `latex`."""
    assert not re.search(r"(?<!\\)[&%$#_^~<>|\"]", text.replace(r"\\", ""))
    assert not text.startswith(("[", "*"))
    for command, character in {
        r"\textbackslash{}": "\0",
        r"\textasciitilde{}": "~",
        r"\textasciicircum{}": "^",
        r"\textless{}": "<",
        r"\textgreater{}": ">",
        r"\textbar{}": "|",
        r"\char34{}": '"',
        "-{}-": "--",
        "{}-": "-",
        "{[}": "[",
        "{*}": "*",
    }.items():
        text = text.replace(command, character)
    return re.sub(r"\\([&%$#_{} ])", r"\1", text).replace("\0", "\\")


@pytest.mark.parametrize("name", NAMES)
def test_latex_prints_a_name_as_it_is(name):
    assert unescaped(latex(name)) == name


@pytest.mark.parametrize("name", NAMES)
def test_markdown_shows_a_name_as_it_is(name):
    page = markdown2html(bullets([(name, name), name, f"on {name}: {name}"]).data)
    shown = re.sub(r"<(/?)(ul|li|strong)>", "", page)
    assert "<" not in shown
    lines = [line for line in html.unescape(shown).split("\n") if line]
    expected = [f"{name} {name}", name, f"on {name}: {name}"]
    assert [line.rstrip() for line in lines] == [line.rstrip() for line in expected]
    assert markdown2html(markdown(name)).count("<p>") == 1


def score_rows(names):
    rows = [
        {
            "method": name,
            "dataset": data,
            "metric": "top1",
            "value": 50.0,
            "low": 40.0,
            "high": 60.0,
            "trainings": 1,
            "varies": "training",
        }
        for name in names
        for data in ("d", "e")
    ]
    return pd.DataFrame(rows)


def test_tables_show_names_as_they_are():
    columns = {"d": NAMES[0], "e": NAMES[3]}
    table = tables.wide(score_rows(NAMES), columns)
    page = tables.to_html(table, NAMES[3])
    assert html.escape(NAMES[3], quote=False) in page and "<script>" not in page
    assert all(html.unescape(page).count(f">{name}<") for name in NAMES)
    assert "<script>" not in tables.paragraph_html(NAMES[3])
    lines = tables.to_latex(table, NAMES[2]).splitlines()
    rows = [line for line in lines if "50.0" in line]
    assert [unescaped(row.split(" & ")[0]) for row in rows] == NAMES
    assert f"\\caption{{{latex(NAMES[2])}}}" in lines
    text = tables.to_text(table, "caption").splitlines()
    assert len({width(line) for line in text[1:-1]}) == 1
    assert "שלום" in text[-3] and shortened(NAMES[-1], aligned.NAME) in text[-2]


def test_a_row_of_text_is_not_turned_around():
    assert isolated("dog") == "dog"
    assert isolated("שלום") == "\u2068שלום\u2069" and width(isolated("שלום")) == 4
    assert width("日本é") == 5


def test_figures_show_names_as_they_are(tmp_path, capfd):
    figure = Figure(figsize=(6, 9))
    with plots.mpl.rc_context(plots.STYLE):
        ax = figure.subplots()
        for i, name in enumerate(NAMES):
            ax.plot([0, 1], [i, i], label=plots.name_label(name))
        ax.set_yticks(range(len(NAMES)), list(map(plots.name_label, NAMES)))
        ax.legend()
    svg, _ = plots.save(figure, tmp_path / "names")
    shown = re.findall(r"<text [^>]*>(.*?)</text>", svg.read_text(encoding="utf-8"))
    shown = [html.unescape(text).lstrip("\u200b") for text in shown]
    for name in NAMES:
        assert shown.count(shortened(name, 60)) == 2, name  # beside the axis and in the legend
    message = capfd.readouterr().err
    assert "Glyph" not in message
    assert message.count("\n") <= 1  # which characters no font has, if so, is said once


def test_a_font_is_found_for_characters_that_the_default_has_not():
    # STIX has mathematical letters that DejaVu Sans lacks; both come with matplotlib
    families, missing = fonts._covering({"\U0001d4d0", "\U0010ffff"})
    assert families and missing == {"\U0010ffff"}
