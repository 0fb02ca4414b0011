"""Pages stay within their limits, keep wrong images, and show thumbnails as the images are."""

import json
import re
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from explorer_results import classified, colour
from PIL import Image

from diffusion_classifier import files
from diffusion_classifier.tables.explorer import build
from diffusion_classifier.tables.explorer.build import SMALL, WHOLE, method_labels, write_explorer
from diffusion_classifier.tables.explorer.page import WEB
from diffusion_classifier.tables.explorer.thumbnails import ACROSS, EDGES, packed

NAMES = ["ant", "bee", "cat"]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return classified(tmp_path_factory.mktemp("results"), NAMES, 70)


def read(path, number=0):
    text = path.read_text(encoding="utf-8")
    return json.loads(re.search(rf'id="set-{number}">(.*?)</script>', text)[1])


def tile(found, number):
    sheet = Image.open(BytesIO(found.sheets[number // ACROSS**2]))
    edge, within = found.edges[number // ACROSS**2], number % ACROSS**2
    left, top = within % ACROSS * edge, within // ACROSS * edge
    width, height = map(int, found.sizes[number])
    return np.asarray(sheet.crop((left, top, left + width, top + height)))


def test_small_images_keep_every_pixel():
    generator = np.random.default_rng(0)
    images = [
        Image.fromarray(generator.integers(0, 256, (h, w, 3), "uint8"))
        for h, w in generator.integers(5, 33, (ACROSS**2 + 9, 2))
    ]
    found = packed(lambda: iter(images), len(images), 10**9)
    assert len(found.sheets) == 2 and max(found.edges) <= 32
    for number, image in enumerate(images):
        np.testing.assert_array_equal(tile(found, number), np.asarray(image))


def test_large_images_become_as_large_as_the_bytes_allow():
    images = [Image.linear_gradient("L").resize((400, 300)) for _ in range(10)]
    large, small = (packed(lambda: iter(images), 10, most) for most in (10**7, 10 * 3000))
    assert large.sizes[0].tolist() == [EDGES[0], EDGES[0] * 3 // 4]
    assert small.sizes[0].tolist() == [
        96,
        72,
    ]  # 96² · 0.3 < 3000 < 128² · 0.3
    expected = np.asarray(images[0].resize((256, 192)).convert("RGB")).astype(int)
    assert np.abs(tile(large, 3) - expected).mean() < 4


def test_what_takes_more_than_expected_becomes_smaller():
    generator = np.random.default_rng(0)
    noise = [Image.fromarray(generator.integers(0, 256, (300, 300, 3), "uint8")) for _ in range(8)]
    most = int(8 * 128**2 * 0.31)  # enough for photographs of 128 pixels
    found = packed(lambda: iter(noise), 8, most)
    assert found.size <= most and found.edges[0] < 128


def test_of_more_images_than_fit_the_wrong_ones_are_kept_and_the_page_says_so(
    table, tmp_path, monkeypatch
):
    monkeypatch.setattr(build, "WHOLE", replace(WHOLE, rows=60))
    write_explorer(table, tmp_path / "page.html", tmp_path / "small.html")
    first, second = (read(tmp_path / "page.html", number) for number in (0, 1))
    predictions = files.read_parquet(table.datasets["first"]["answers"]["ours"])
    wrong = (predictions["label"] != predictions["prediction"]).sum()
    assert 0 < wrong < 30
    (note,) = first["notes"]
    shown = f"all {wrong} that Ours has wrong, and {30 - wrong} others."
    assert note.startswith(f"This page shows 30 of 70 images: {shown}")
    assert second["notes"] == []  # all of its 30 images


def test_a_page_for_the_report_is_small(table, tmp_path, monkeypatch):
    monkeypatch.setattr(build, "SMALL", replace(SMALL, size=300_000, rows=80))
    write_explorer(table, tmp_path / "page.html", tmp_path / "small.html")
    whole, small = (tmp_path / f"{name}.html" for name in ("page", "small"))
    assert small.stat().st_size <= 300_000 < whole.stat().st_size
    assert "This page shows" in read(small)["notes"][0] and not read(whole)["notes"]
    # a data URL of 2 MiB, Chromium's limit
    assert SMALL.size * 4 / 3 + 100 < 2**21


def test_limits_leave_room_for_base64():
    for limits in (WHOLE, SMALL):
        assert (limits.numbers + limits.thumbnails) * 4 / 3 < limits.size


def test_trainings_of_a_method_are_numbered():
    methods = {
        "net-seed0": {"label": "Net", "group": "net", "varies": "training"},
        "net-seed7": {"label": "Net", "group": "net", "varies": "training"},
        "clip": {"label": "CLIP", "group": "clip", "varies": "training"},
    }
    assert list(method_labels(methods).values()) == ["Net, training 1", "Net, training 2", "CLIP"]


def test_a_page_names_no_place_outside_itself(table, tmp_path):
    write_explorer(table, tmp_path / "page.html", tmp_path / "small.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    library = re.search(r"<script>\n// https://d3js.org.*?</script>", text, re.S)[0]
    ours = text.replace(library, "")
    assert "http" not in ours and str(tmp_path) not in ours
    assert not re.search(r"""(?:src|href)=["'](?!data:)""", text)


@pytest.mark.parametrize("path", sorted(WEB.glob("*.js")), ids=lambda path: path.name)
def test_scripts_are_tidy(path):
    text = path.read_text(encoding="utf-8")
    assert text.splitlines()[1] == '"use strict";' and text.startswith("// ")
    assert max(map(len, text.splitlines())) <= 100 and len(text.splitlines()) <= 250
    # texts of a config never become markup or code
    assert not re.search(r"\b(?:var |eval|innerHTML|outerHTML|document\.write|fetch)", text)


def test_colours_tell_images_apart():
    assert len({colour(number) for number in range(1000)}) == 1000
