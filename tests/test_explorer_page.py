"""The page of a table in a real browser: filters count right, a click shows the right image."""

import re
from dataclasses import replace

import numpy as np
import pytest
from browser import chromium, opened
from explorer_results import classified, colour
from snakemake.report.common import data_uri

from diffusion_classifier import files
from diffusion_classifier.data.stored_images import read_labels
from diffusion_classifier.tables.explorer.build import SMALL, write_explorer

NAMES = ["ant", "<b>bee</b> &amp; </script><script>oops()", "cat", "dog", "elk"]
IMAGES = 150
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return classified(tmp_path_factory.mktemp("results"), NAMES, IMAGES)


@pytest.fixture(scope="module")
def page_file(table, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "things.html"
    write_explorer(table, path, path.with_name("small.html"))
    return path


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser, page_file):
    with opened(browser, page_file) as page:
        yield page


def answers(table, method, name="first"):
    """Labels, predictions and margins of a method, from its predictions file."""
    found = files.read_parquet(table.datasets[name]["answers"][method])
    scores = np.sort(np.nan_to_num(np.stack(found["scores"]), nan=-np.inf), axis=1)
    return found["label"].to_numpy(), found["prediction"].to_numpy(), scores[:, -1] - scores[:, -2]


def counted(page):
    """Images, right and wrong ones as the page counts them."""
    text = page.inner_text("#count").replace(",", "")
    shown, whole, right, wrong = map(int, re.findall(r"\d+", text))
    return shown, whole, right, wrong


def shown_image(page, selector):
    """The number of the image in a canvas, by the colour of its middle."""
    page.wait_for_selector(f"{selector}[data-drawn]")
    r, g, b, _ = page.eval_on_selector(
        selector,
        "c => [...c.getContext('2d').getImageData(c.width >> 1, c.height >> 1, 1, 1).data]",
    )
    (number,) = [n for n in range(IMAGES) if colour(n) == (r, g, b)]
    return number


def cell_images(page, count):
    return [shown_image(page, f".cell[data-place='{n}'] canvas") for n in range(count)]


def test_filters_count_right(page, table):
    label, predicted, _ = answers(table, "ours")
    right = label == predicted
    assert counted(page) == (IMAGES, IMAGES, right.sum(), (~right).sum())
    page.select_option("[name=answer]", "wrong")
    assert counted(page) == ((~right).sum(), IMAGES, 0, (~right).sum())
    page.select_option("[name=facet]", "2")
    wanted = ~right & (label == 2)
    assert counted(page) == (wanted.sum(), IMAGES, 0, wanted.sum())
    page.select_option("[name=answer]", "all")
    page.select_option("[name=facet]", "")
    page.select_option("[name=predicted]", "1")
    here = predicted == 1
    assert counted(page) == (here.sum(), IMAGES, (here & right).sum(), (here & ~right).sum())


def test_maps_are_no_filter_where_none_are_stored(page):
    assert page.is_hidden("[name=map]") and page.is_visible("[name=order]")


def test_all_filters_together_count_as_the_predictions_do(page, table):
    """Every class, answer and share of sure images, against the predictions file."""
    page.select_option("[name=method]", "2")
    label, predicted, margin = answers(table, "net-seed1")
    share = np.argsort(np.argsort(margin, kind="stable")) / IMAGES
    for value, low, high in (("0-0.25", 0, 0.25), ("0.5-1", 0.5, 1)):
        page.select_option("[name=sure]", value)
        for k in range(len(NAMES)):
            page.select_option("[name=facet]", str(k))
            for answer in ("all", "right", "wrong"):
                page.select_option("[name=answer]", answer)
                right = label == predicted
                fits = {"all": True, "right": right, "wrong": ~right}[answer]
                here = (share >= low) & (share < high) & (label == k) & fits
                assert counted(page) == (
                    here.sum(), IMAGES, (here & right).sum(), (here & ~right).sum()
                )  # fmt: skip


def test_another_method_has_its_own_counts(page, table):
    page.select_option("[name=method]", "2")
    assert page.eval_on_selector("[name=method]", "s => s.selectedOptions[0].text") == (
        "Net, training 2"
    )
    label, predicted, _ = answers(table, "net-seed1")
    assert counted(page)[2:] == ((label == predicted).sum(), (label != predicted).sum())


def test_margins_order_and_filter_images(page, table):
    page.select_option("[name=method]", "1")
    label, predicted, margin = answers(table, "net-seed0")
    page.select_option("[name=order]", "least")
    assert cell_images(page, 12) == np.argsort(margin, kind="stable")[:12].tolist()
    page.select_option("[name=order]", "most")
    assert cell_images(page, 12) == np.argsort(-margin, kind="stable")[:12].tolist()
    page.select_option("[name=sure]", "0-0.1")
    least = np.argsort(margin, kind="stable")[: IMAGES // 10]
    right = (label == predicted)[least]
    assert counted(page) == (15, IMAGES, right.sum(), (~right).sum())


def test_a_click_shows_the_image_and_arrows_and_escape_work(page, table):
    label, predicted, _ = answers(table, "ours")
    page.select_option("[name=answer]", "wrong")
    wrong = np.flatnonzero(label != predicted).tolist()
    page.click(".cell[data-place='2']")
    large = "#detail canvas.picture-large"
    assert shown_image(page, large) == wrong[2]
    assert page.inner_text("#detail-title") == f"3 of {len(wrong)}: {NAMES[label[wrong[2]]]}"
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(f"{large}[data-drawn='{wrong[3]}']")
    assert shown_image(page, large) == wrong[3]
    for _ in range(5):  # stops at the first one
        page.keyboard.press("ArrowLeft")
    page.wait_for_selector(f"{large}[data-drawn='{wrong[0]}']")
    assert page.is_disabled("#previous")
    page.keyboard.press("Escape")
    assert not page.is_visible("#detail")
    page.wait_for_function("document.activeElement.dataset.place === '0'")


def test_the_grid_is_walked_by_keys(page):
    page.focus(".cell[data-place='0']")
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "ArrowDown"):
        page.keyboard.press(key)
    across = page.evaluate("grid.across")
    assert page.evaluate("document.activeElement.dataset.place") == str(1 + across)
    page.keyboard.press("End")
    assert page.evaluate("document.activeElement.dataset.place") == str(IMAGES - 1)
    page.keyboard.press("Enter")
    assert shown_image(page, "#detail canvas.picture-large") == IMAGES - 1


def test_a_detail_has_bars_curves_and_every_method(page, table):
    page.click(".cell[data-place='0']")
    rows = page.locator(".ranking tbody tr")
    assert rows.count() == len(NAMES) + 1  # and the axis
    assert page.locator(".ranking .error-bar").count() == len(NAMES) - 1
    assert page.locator(".curves path.curve").count() == 2
    page.check(".curves input >> nth=1")
    assert page.locator(".curves path.curve").count() == 3
    label, _, _ = answers(table, "ours")
    methods = page.locator(".methods tbody tr")
    assert methods.count() == 2
    net = [answers(table, f"net-seed{seed}")[1][0] for seed in (0, 1)]
    text = methods.nth(1).inner_text()
    assert "Net (2)" in text
    for k in set(net):
        assert f"{NAMES[k]} × {net.count(k)} {'✓' if k == label[0] else '✗'}" in text


def test_names_are_text_and_no_markup(page):
    assert NAMES[1] in page.inner_text("[name=facet]")
    assert page.evaluate("document.querySelectorAll('option b').length") == 0


def test_another_data_set_is_shown(page, table):
    page.select_option("[name=set]", "1")
    label, predicted, _ = answers(table, "ours", "second")
    assert counted(page) == (30, 30, (label == predicted).sum(), (label != predicted).sum())
    assert "The set second." in page.inner_text("#about")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_all_of_it_without_scrolling_sideways(browser, page_file, scheme):
    with opened(browser, page_file, color_scheme=scheme, **PHONE) as page:
        page.tap(".cell[data-place='1']")
        assert shown_image(page, "#detail canvas.picture-large") == 1
        for element in ("document.documentElement", "document.getElementById('detail-body')"):
            assert page.evaluate(f"{element}.scrollWidth <= {element}.clientWidth")
        ratio = page.evaluate(CONTRAST)
        assert ratio > 4.5  # WCAG 2.1, level AA


def test_the_largest_page_of_a_report_opens_within_it(browser, page_file, tmp_path):
    """Snakemake's report shows a page as a data URL in a frame; Chromium opens none over 2 MiB."""
    page = page_file.with_name("small.html").read_bytes()
    page += b" " * (SMALL.size - len(page))
    address = data_uri(page, "things.html", mime="text/html")
    frame = f"<iframe width=900 height=700 src='{address}'></iframe>"
    (tmp_path / "report.html").write_text(f"<html data-ready><title>report</title>{frame}")
    with opened(browser, tmp_path / "report.html") as report:
        frame = report.frames[1]
        # Snakemake's menu button lies over the first 32 pixels
        shifted = "e => parseInt(getComputedStyle(e).paddingLeft) >= 32"
        assert frame.eval_on_selector("h1", shifted) and frame.eval_on_selector(".bar", shifted)
        frame.click(".cell[data-place='3']")
        assert shown_image(frame, "#detail canvas.picture-large") == 3
        report.keyboard.press("ArrowRight")
        frame.wait_for_selector("#detail canvas[data-drawn='4']")
        report.keyboard.press("Escape")
        frame.wait_for_selector("#detail", state="hidden")


CONTRAST = """
() => {
  const style = getComputedStyle(document.body);
  const luminance = (text) => {
    const parts = text.match(/\\d+/g).slice(0, 3).map((v) => v / 255);
    const [r, g, b] = parts.map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const quiet = getComputedStyle(document.querySelector('.quiet')).color;
  const [ink, ground] = [luminance(quiet), luminance(style.backgroundColor)].sort((a, b) => b - a);
  return (ink + 0.05) / (ground + 0.05);
}
"""


def test_images_that_were_not_asked_about_have_no_answer(browser, table, tmp_path):
    entry = table.datasets["second"]
    some = files.read_parquet(entry["answers"]["net-seed0"]).query("image >= 10")
    files.write_parquet(some, tmp_path / "some.parquet")
    answers = entry["answers"] | {"net-seed0": str(tmp_path / "some.parquet")}
    datasets = {"second": entry | {"answers": answers}}
    pages = tmp_path / "page.html", tmp_path / "small.html"
    write_explorer(replace(table, datasets=datasets), *pages)
    with opened(browser, tmp_path / "page.html") as page:
        page.select_option("[name=method]", "1")
        assert page.inner_text("#count").endswith(", 10 without an answer")
        page.select_option("[name=answer]", "wrong")
        wrong = (some["label"] != some["prediction"]).sum()
        assert counted(page) == (wrong, 30, 0, wrong)
    assert len(read_labels(entry["data"])) == 30
