"""The page of an executed notebook shows its pictures, pixel for pixel, in fewer bytes."""

import base64
import io
import re

import nbformat
import numpy as np
from PIL import Image

from diffusion_classifier.tables.notebook_pages import write_page


def picture() -> tuple[np.ndarray, bytes]:
    """Curves on white, with alpha, as figures have it: `(height, width, 4)`, and its PNG."""
    y, x = np.mgrid[:300, :400]
    pixels = np.full((300, 400, 4), 255, "uint8")
    for number in range(5):
        near = abs(y - 150 - 100 * np.sin(x / (20 + 9 * number))) < 2
        pixels[near] = (40 * number, 90, 200 - 30 * number, 255)
    pixels[:20, :30, 3] = 128
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return pixels, file.getvalue()


def test_pictures_become_smaller_without_loss(tmp_path):
    pixels, png = picture()
    cell = nbformat.v4.new_code_cell("1")
    data = {"image/png": base64.encodebytes(png).decode(), "text/plain": "<Figure>"}
    cell.outputs = [nbformat.v4.new_output("display_data", data)]
    notebook = nbformat.v4.new_notebook(cells=[cell, cell.copy()])
    nbformat.write(notebook, tmp_path / "notebook.ipynb")
    write_page(tmp_path / "notebook.ipynb", tmp_path / "page.html")
    html = (tmp_path / "page.html").read_text(encoding="utf-8")
    found = re.findall(r'src="data:image/(\w+);base64,([^"]+)"', html)
    assert [kind for kind, _ in found] == ["webp", "webp"] and "image/png" not in html
    for _, text in found:
        webp = base64.b64decode(text)
        assert len(webp) < len(png)
        shown = np.asarray(Image.open(io.BytesIO(webp)).convert("RGBA"))
        assert np.array_equal(shown, pixels)
