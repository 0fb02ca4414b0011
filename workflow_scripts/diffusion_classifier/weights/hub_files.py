"""Choose the files of a hub repository that a model needs, and their names in its folder."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

from diffusion_classifier.messages import InputError

_SETTINGS = (".json", ".txt", ".model")
# folders with the same weights for other frameworks, and the classifier that censors images
_IGNORED = {"onnx", "openvino", "flax", "coreml", "safety_checker"}
# the library's name, followed by a variant such as `.fp16` and a shard's number in either order
_WEIGHTS = re.compile(
    r"(?:diffusion_pytorch_model|pytorch_model|model|open_clip_model|open_clip_pytorch_model)"
    r"(?:\.(?P<before>\w+))?(?P<shard>-\d{5}-of-\d{5})?(?:\.(?P<after>\w+))?"
    r"\.(?P<format>safetensors|bin)"
)
_SHARDS = re.compile(
    r"(?:diffusion_pytorch_model|pytorch_model|model)"
    r"\.(?P<format>safetensors|bin)\.index(?:\.(?P<variant>\w+))?\.json"
)
# components of a pipeline that have a config and no weights
_WEIGHTLESS = re.compile(r"Tokenizer|Scheduler|Processor|FeatureExtractor")


def needed(
    repo: str, files: list[str], pipeline: dict[str, Any] | None, variant: str | None
) -> list[str]:
    """The files with the settings and one set of weights of every component, chosen from `files`.

    For a pipeline, whose model_index.json is `pipeline`, these are files in the folders of its
    components, without the safety checker, folders of other frameworks, and checkpoints of the
    whole model in one file. safetensors are preferred to .bin, the `variant` to plain weights, and
    whole files to shards. Raises InputError if a component has no readable weights, or if no
    component has the `variant`.
    """
    folders = defaultdict(list)
    for name in files:
        folder, _, file = name.rpartition("/")
        if not _IGNORED.intersection(name.split("/")) and not name.startswith("."):
            folders[folder].append(file)
    names, found = [], []
    for folder, inside in folders.items():
        settings, weights = _settings(inside), _weights(inside, variant)
        if pipeline is not None and not folder:
            settings, weights = ["model_index.json"], []
        elif pipeline is not None and not _component(pipeline, folder):
            continue
        if not weights and pipeline and "config.json" in settings:
            _refuse_without_weights(repo, folder, str(pipeline[folder]))
        start = f"{folder}/" if folder else ""
        names += [start + file for file in settings + weights]
        found += weights
    if not found:
        raise InputError(
            f"{repo}: found no weights (.safetensors, or .bin of diffusers or transformers) among "
            f"{len(files)} files, expected some; choose another repository, revision or patterns"
        )
    if variant and not any(f".{variant}." in file or f".{variant}-" in file for file in found):
        raise InputError(
            f"{repo}: found no weights of the variant {variant!r}, expected a file such as "
            f"model.{variant}.safetensors; leave `variant` out, or choose another"
        )
    return names


def plain(name: str, variant: str | None) -> str:
    """The name for which diffusers and transformers look: in safetensors, without a variant."""
    folder, slash, file = name.rpartition("/")
    if not (file.endswith((".safetensors", ".bin")) or _SHARDS.fullmatch(file)):
        return name
    if variant:
        file = re.sub(rf"\.{re.escape(variant)}(?=[.-])", "", file)
    if re.search(r"\.bin$|\.bin\.index\.", file):
        # the names of transformers' files differ between the formats, those of diffusers do not
        file = re.sub(r"\.bin\b", ".safetensors", re.sub(r"^pytorch_model", "model", file))
    return folder + slash + file


def _settings(files: list[str]) -> list[str]:
    return [name for name in files if name.endswith(_SETTINGS) and ".index." not in name]


def _weights(files: list[str], variant: str | None) -> list[str]:
    """One set of weights of a folder, in transformers' layout or otherwise in open_clip's."""
    of_open_clip = [name for name in files if name.startswith("open_clip_")]
    layouts = [[name for name in files if name not in of_open_clip], of_open_clip]
    # a folder of timm: its other weights have only the image tower, which transformers cannot read
    if "open_clip_config.json" in files and "preprocessor_config.json" not in files:
        layouts.reverse()
    sets = (_one_set(layout, variant) for layout in layouts)
    return next((names for names in sets if names), [])


def _one_set(files: list[str], variant: str | None) -> list[str]:
    """The preferred weights among `files`, with the index of their shards if there are several."""
    matches = [match for name in files if (match := _WEIGHTS.fullmatch(name))]
    for form in ("safetensors", "bin"):
        for wanted in dict.fromkeys((variant, None)):
            chosen = [m for m in matches if m["format"] == form and _variant(m) == wanted]
            if whole := [match[0] for match in chosen if not match["shard"]]:
                return whole
            if chosen:
                indexes = [match for name in files if (match := _SHARDS.fullmatch(name))]
                return [match[0] for match in chosen] + [
                    match[0]
                    for match in indexes
                    if match["format"] == form and match["variant"] == wanted
                ]
    if matches:  # only other variants
        return []
    return [name for name in files if name.endswith(".safetensors")]


def _variant(match: re.Match[str]) -> str | None:
    return match["before"] or match["after"]


def _component(pipeline: dict[str, Any], folder: str) -> bool:
    """Whether `folder` holds a component of the pipeline: `[library, class]`, neither null."""
    value = pipeline.get(folder)
    return isinstance(value, list) and all(value)


def _refuse_without_weights(repo: str, folder: str, component: str) -> None:
    if not _WEIGHTLESS.search(component):
        raise InputError(
            f"{repo}: found no weights in {folder}/ that can be used, expected .safetensors or "
            ".bin; choose another repository or revision"
        )
