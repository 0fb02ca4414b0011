"""A folder of photographs from a phone."""

from PIL import Image
from pillow_heif import from_pillow


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
