"""Images that several rows of the hub repeat are one image."""

from matching_hub_trees import opened

from diffusion_classifier.data.matching.copies import merged_copies
from diffusion_classifier.data.matching.items import Item, Picture
from diffusion_classifier.data.matching.stored import memberships
from diffusion_classifier.selection.item_draws import item_groups


def test_copies_of_an_image_in_rows_of_the_hub_are_one(tmp_path, monkeypatch):
    """So items of one image are known to share it, as those of the authors' files are."""
    table = opened("aro-coco-order", tmp_path, monkeypatch)
    assert table["source"].tolist() == ["aro-coco-order/0/images", "aro-coco-order/2/images"]
    assert memberships(table).groupby("image")["example"].agg(list).tolist() == [[0, 1], [2]]
    assert item_groups(table)["group"].tolist() == [0, 0, 1]
    limited = opened("aro-coco-order", tmp_path / "again", monkeypatch, limit=2)
    assert memberships(limited)["example"].nunique() == 2
    assert len(opened("vismin", tmp_path / "vismin", monkeypatch)) == 6  # all are different


def test_only_images_of_equal_bytes_and_equal_boxes_are_merged():
    rows = [Picture(row=number, column="image") for number in range(4)]
    boxed = Picture(row=1, column="image", box=(0, 0, 1, 1))
    stored = {0: b"a", 1: b"a", 2: None, 3: None}
    items = [Item("s", (picture,), ("x", "y")) for picture in (*rows, boxed)]
    items += [Item("s", (rows[0], rows[1]), ("x", "y"))]  # the same image twice
    found = merged_copies(items, lambda picture: stored[picture.row])
    shown = [item.pictures for item in found]
    assert shown[:5] == [(rows[0],), (rows[0],), (rows[2],), (rows[3],), (boxed,)]
    assert shown[5] == (rows[0], rows[1])
    assert [item.captions for item in found] == [item.captions for item in items]
