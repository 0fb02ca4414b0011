"""Tiny trees in the true formats of the benchmarks that resources/benchmarks describes.

Each function writes one into a folder; images are one colour each, so that a test can tell them.
"""

import json

import numpy as np
import pandas as pd
from PIL import Image

COUNT = 3


def colour(number):
    """The colour of the image `number`: a grey, for any number."""
    return 10 + 20 * (number % 12)


def picture(path, number, size=(12, 10)):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((size[1], size[0], 3), colour(number), np.uint8)
    Image.fromarray(pixels).save(path, "PNG")  # the true content, whatever the ending


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def sugarcrepe(root):
    kinds = ("add_att", "add_obj", "replace_att", "replace_obj", "replace_rel", "swap_att")
    for kind in (*kinds, "swap_obj"):
        records = {
            str(number + (number > 1)): {  # a gap, as swap_obj has one
                "filename": f"{number:012d}.jpg",
                "caption": f"{kind} right {number}. \n",
                "negative_caption": f"{kind} wrong {number}.",
            }
            for number in range(COUNT)
        }
        write(root / f"{kind}.json", records)
    for number in range(COUNT):
        picture(root / "val2017" / f"{number:012d}.jpg", number)


def _aro(root, file, more):
    records = [
        {
            "image_id": str(number), "image_path": f"{number}.jpg",
            "true_caption": f"right {number}", "false_caption": f"wrong {number}",
            "bbox_x": 2, "bbox_y": 1, "bbox_w": 5, "bbox_h": 4 + number, **more(number),
        }
        for number in range(COUNT)
    ]  # fmt: skip
    write(root / file, records)
    for number in range(COUNT):
        picture(root / "images" / f"{number}.jpg", number)


def aro_relation(root):
    _aro(root, "visual_genome_relation.json", lambda n: {"relation_name": ("on", "under")[n % 2]})


def aro_attribution(root):
    """One pair of attributes with 25 items, which counts, and one with fewer."""
    _aro(root, "visual_genome_attribution.json", lambda n: {"attributes": ["red", "old"]})
    path = root / "visual_genome_attribution.json"
    records = json.loads(path.read_text())
    more = [
        records[0] | {"true_caption": f"a {n}", "attributes": ["big", "new"]} for n in range(25)
    ]
    write(path, records + more)


def aro_order(root):
    for file, folder in (("coco_order", "val2014"), ("flickr30k_order", "flickr30k-images")):
        records = [
            {
                "image": f"{folder}/{number // 2}.jpg",  # an image has several captions
                "caption_options": [f"{file} {number} {word}" for word in "abcde"],
            }
            for number in range(COUNT)
        ]
        write(root / f"{file}.json", records)
        for number in range(COUNT):
            picture(root / folder / f"{number}.jpg", number)


def cola(root):
    prefix = "https://example.org/vg_gqa_images"
    records = [
        [f"{prefix}/{2 * n}.jpg", f"red {n}", f"{prefix}/{2 * n + 1}.jpg", f"blue {n}"]
        for n in range(COUNT)
    ]
    write(root / "COLA_multiobjects_matching_benchmark.json", records)
    for number in range(2 * COUNT):
        picture(root / "images" / f"{number}.jpg", number)


def eqben(root):
    records = []
    for number in range(COUNT):
        kind, ending = ("eqbensd", "png") if number else ("eqbenyoucook2", "npy")
        names = [f"{kind}/{number}/{k}.{ending}" for k in (0, 1)]
        records.append(
            {f"image{k}": names[k] for k in (0, 1)}
            | {f"caption{k}": f"caption {number} {k}" for k in (0, 1)}
        )
        for k, name in enumerate(names):
            path = root / "images" / name
            picture(path, 2 * number + k)
            if ending == "npy":
                blue = np.zeros((10, 12, 3), np.uint8)
                blue[..., 0] = 200  # BGR
                np.save(path, blue)
    write(root / "all_select.json", records)


def whatsup(root):
    relations = {
        "controlled_images": ("left_of", "right_of", "on", "under"),
        "controlled_clevr": ("left_of", "right_of", "in-front_of", "behind"),
    }
    for number, (folder, names) in enumerate(relations.items()):
        records = []
        for first, second in (("cup", "coffee-table"), ("mug", "chair")):
            captions = [f"A {first} {name} a {second}" for name in names]
            for k, name in enumerate(names):
                path = f"data/{folder}/{first}_{name}_{second}.jpeg"
                picture(root / path, 4 * number + k)
                right, *wrong = captions[k:] + captions[:k]
                records.append({"image_path": path, "caption_options": [right, *wrong]})
        name = {"controlled_images": "images", "controlled_clevr": "clevr"}[folder]
        write(root / f"data/controlled_{name}_dataset.json", records)
    for kind, folder, form in (("coco", "val2017", "012d"), ("vg", "vg_images", "d")):
        for objects in ("one", "two"):
            write(
                root / f"data/{kind}_qa_{objects}_obj.json",
                [[n, f"{kind} {objects} left {n}", f"{kind} right {n}"] for n in range(COUNT)],
            )
        for number in range(COUNT):
            picture(root / "data" / folder / f"{number:{form}}.jpg", number)


def mmvp(root):
    lines = ["Question ID,Type,Statement"]
    for number, kind in enumerate(("Camera Perspective", "Text")):
        for k in (1, 2):
            identity = 2 * number + k
            lines.append(f'{identity},{kind},"a cup, seen {identity}"')
            picture(root / "MLLM_VLM Images" / kind / f"{identity}.jpg", identity)
    (root / "Questions.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def clevr(root):
    kinds = ("pair_binding_size", "pair_binding_color", "recognition_color", "recognition_shape")
    for kind in (*kinds, "spatial", "binding_color_shape", "binding_shape_color"):
        records = {
            f"CLEVR_val_{n:06d}.png": [[f"{kind} {n} {i} a", f"{kind} {n} {i} b"] for i in (0, 1)]
            for n in range(COUNT)
        }
        write(root / "captions" / f"{kind}.json", records)
    for number in range(COUNT):
        picture(root / "images" / f"CLEVR_val_{number:06d}.png", number)


def flickr30k(root):
    paths = [f"datasets/flickr30k/images/{n}.jpg" for n in range(12)]
    captions = {f"caption {n}": paths[n % 2 :][:10] for n in range(10)}
    write(root / "val_top10_RN50x64.json", captions)
    texts = {
        paths[n]: [f"own {n} {i}" for i in range(5)] + [f"other {n} {i}" for i in range(5)]
        for n in range(COUNT)
    }
    write(root / "val_top10_RN50x64_text.json", texts)
    for number in range(12):
        picture(root / "images" / f"{number}.jpg", number)


def mmbias(root):
    groups = {
        "Religion": ("Christian", "Muslim", "Jewish", "Hindu", "Buddhist"),
        "Nationality": ("American", "Arab", "Chinese"),
        "Sexual Orientation": ("Heterosexual", "LGBT"),
    }
    for kind, names in groups.items():
        for number, name in enumerate(names):
            for image in range(2):
                picture(root / "data/Images" / kind / name / f"{image + 1}.jpg", number + 5 * image)
            (root / "data/Images" / kind / name / ".DS_Store").write_bytes(b"litter")
    words = {"unpleasant_phrases": ["pain", "war"], "pleasant_phrases": ["joy", "love", "peace"]}
    write(root / "data/textual_phrases.txt", words | {"category_phrases": {"Arab": ["a"]}})


def gender_bias(root):
    for kind in ("suit", "apron", "briefcase", "purse", "beer", "wine"):
        for number in (1, 6, 7, 12):
            picture(root / f"{kind}-images" / f"{number}.jpg", number)


def self_bench(root):
    def photo(text):
        return f"a photo of {text}"

    zero = {
        "single_object": [photo("a cup"), photo("a shelf"), photo("a dog")],
        "counting": {"cup": [photo(f"{n} cups") for n in ("one", "two", "three", "four")]},
        "colors": {"cup": [photo(f"a {c} cup") for c in ("teal", "red")]},
        "color_attr": {"cup": {"dog": [photo("a red cup and a blue dog"), photo("a blue cup")]}},
        "position": {"dog": {"cup": [photo("a dog above a cup"), photo("a dog below a cup")]}},
    }
    asked = {
        "single_object": photo("a shelf"), "two_object": photo("a cup and a dog"),
        "counting": photo("three cups"), "colors": photo("a red cup"),
        "color_attr": photo("a red cup and a blue dog"), "position": photo("a dog below a cup"),
    }  # fmt: skip
    write(root / "prompts/zero_shot_prompts.json", {"photo": zero})
    subset = {"cup_dog": [photo("a cup and a cat"), photo("a cup and a dog")]}
    write(root / "prompts/two_object_subset.json", subset)
    models = {
        "1.5": "stable-diffusion-v1-5", "2.0": "stable-diffusion-2-base",
        "3-m": "stable-diffusion-3-medium-diffusers",
    }  # fmt: skip
    for version, model in models.items():
        records = []
        for number, (tag, prompt) in enumerate(asked.items()):
            for k, verdict in enumerate(("original_good", "original_bad")):
                path = f"{model}/{number:05d}/samples/{k:05d}.png"
                picture(root / "9.0" / path, number)
                include = [{"class": "cup", "count": 1}, {"class": "dog", "count": 1}]
                records.append(
                    {
                        "tag": tag, "sample_path": f"/home/someone/9.0/{path}",
                        "original_prompt": prompt, "full_metadata": {"include": include},
                        "labels": [{"label": verdict}],
                    }
                )  # fmt: skip
        write(root / f"filter/SD-{version}-CFG=9.json", records)


FOLDERS = {
    "sugarcrepe": sugarcrepe, "aro-relation": aro_relation, "aro-attribution": aro_attribution,
    "aro-order": aro_order, "cola": cola, "eqben": eqben, "whatsup": whatsup, "mmvp": mmvp,
    "clevr": clevr, "flickr30k": flickr30k, "mmbias": mmbias, "gender-bias": gender_bias,
    "self-bench": self_bench,
}  # fmt: skip
"""The benchmarks that are folders of files."""


def greys(table):
    """The grey of every image of a data set, by its `source`."""
    from diffusion_classifier.data.sources.image_source import decode

    images = map(decode, table["bytes"])
    means = [float(np.asarray(image).mean()) for image in images]
    return pd.Series(means, index=table["source"])
