"""A folder of photographs from a phone."""

import io

import numpy as np
from PIL import Image
from pillow_heif import from_pillow

from diffusion_classifier.data.image_files.images import load_image


def photographs(folder):
    """Training data for the probe of sizes: two classes, formats of phones, two unusable files."""
    for label, name in enumerate(("small", "large")):
        (folder / f"{label}-{name}").mkdir(parents=True)
        for number in range(10):
            image = Image.new("RGB", (32, 32), "grey")
            image.paste((20 * number, 90, 200), (8, 8, 16 + 8 * label, 16 + 8 * label))
            image.save(folder / f"{label}-{name}" / f"{number}.{('png', 'avif')[number % 2]}")
    from_pillow(image).save(folder / "0-small" / "phone.heic")
    (folder / "0-small" / "empty.png").touch()
    (folder / "1-large" / "moved.png").symlink_to("nowhere.png")


RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (24, 16, 3), dtype=np.uint8)
PHOTO = Image.fromarray(PIXELS)
GREY = Image.fromarray(PIXELS[..., 0])


def encoded(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def loaded(data, mode="RGB"):
    image = load_image(data, "a file")
    assert image.mode == mode
    assert type(image) is Image.Image
    return np.asarray(image)
