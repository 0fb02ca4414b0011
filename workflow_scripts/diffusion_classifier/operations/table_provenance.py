"""The provenance of a table: all that is needed to trust its numbers or to make them again."""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import h5py
import pandas as pd
import pyarrow.parquet as pq

from diffusion_classifier.config.methods import questions
from diffusion_classifier.data.image_files.left_out import read_left_out

from .status import evaluation_progress

PACKAGES = (
    "snakemake", "torch", "torchvision", "diffusers", "transformers", "tokenizers", "safetensors",
    "peft", "open_clip_torch", "timm", "numpy", "pandas", "scipy", "scikit-learn", "xarray",
    "pillow", "pillow_heif", "pyarrow", "datasets", "huggingface_hub", "mlxtend", "accelerate",
    "jsonschema", "pyyaml",
)  # fmt: skip
"""The packages that the rules compute with."""
_MEASURED_AT = ("device", "dtype", "code", "torch", "diffusers")
"""Attributes of error files; they may have several values, as jobs run at different times."""


def provenance(
    config: dict[str, Any],
    table: str,
    weights: dict[str, str],
    data: dict[str, str],
    written: dict[str, Any] | None = None,
    answers: dict[str, dict[str, str]] | None = None,
) -> dict[str, Any]:
    """The provenance of a table, for JSON.

    `weights` maps its diffusion models to their folders, or to JSON files with the `sha256` of
    `weights_digest`; `data` maps its data sets to their files; `written` is the config with the
    user's spelling of paths (default: `config`). `versions` are those at the time of writing the
    table; each evaluation has the versions that measured its errors. Seconds are those of the jobs
    that measured errors: `device` in the engine, `wall` with the start of the job. A table's job
    does not fetch errors from a store: then evaluations and device seconds are those in `answers`
    (evaluation → data set → predictions or similarities), and what only the files of errors say is
    None.
    """
    written = config if written is None else written
    answers = answers or {}
    images = {name: _images(path) for name, path in data.items()}
    rows = [
        _errors_record(config, table, *question, images.get(question[1], {}), answers)
        for question in questions(config, table)
    ]
    return {
        "table": table,
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(Path(__file__).parent),
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in PACKAGES},
        "seeds": dict(_seeds(config)),
        "models": {
            name: _weights(written["models"][_entry(config, name)], Path(weights[name]))
            for name in sorted(weights)
        },
        "datasets": images,
        "evaluations": _total(row["evaluations"] for row in rows),
        "device_seconds": _total(row["device_seconds"] for row in rows),
        "wall_seconds": _total(row["wall_seconds"] for row in rows),
        "errors": rows,
        "config": written,
    }


def _errors_record(
    config: dict[str, Any],
    table: str,
    evaluation: str,
    dataset: str,
    images: dict[str, Any],
    answers: dict[str, dict[str, str]],
) -> dict[str, Any]:
    """The amount and time of an evaluation of a data set, and what measured its errors."""
    results = Path(config["results"])
    done = evaluation_progress(config, table, evaluation, dataset)
    # without hidden files that a killed job has left
    files = sorted((results / "errors" / evaluation / dataset).glob("stage*/[0-9]*.nc"))
    # the actual number, which may be less than expected
    named = {"evaluation": evaluation, "dataset": dataset}
    named["images"] = images.get("images", done.images)
    if not files:
        return named | _answered(answers.get(evaluation, {}).get(dataset)) | {"wall_seconds": None}
    return named | {
        "evaluations": done.evaluations,
        "device_seconds": round(done.seconds, 3),
        "wall_seconds": _wall(results / "benchmarks/jobs/errors" / evaluation / dataset),
        **_measured_at(files),
    }


def _answered(path: str | None) -> dict[str, float | None]:
    """The evaluations and seconds behind predictions or similarities, which have them per row."""
    if path is None:
        return {"evaluations": None, "device_seconds": None}
    rows = pd.read_parquet(path, columns=["loss", "evaluations", "seconds"])
    spent = rows[rows["loss"] == rows["loss"].min()]  # each loss has the same
    seconds = round(spent["seconds"].sum().item(), 3)
    return {"evaluations": int(spent["evaluations"].sum()), "device_seconds": seconds}


def _total(amounts: Iterable[float | None]) -> float | None:
    """The sum, in JSON with 3 decimals; None if an amount is not known."""
    amounts = list(amounts)
    return None if None in amounts else round(sum(amounts), 3)


def commit(folder: Path) -> dict[str, Any] | None:
    """The commit of `folder`, and whether files have changed since; None outside of git."""
    try:
        answers = [
            subprocess.run(
                ["git", "-C", folder, *arguments], capture_output=True, text=True, check=True
            ).stdout.strip()
            for arguments in (
                ["rev-parse", "HEAD"],
                ["status", "--porcelain", "--untracked-files=no"],
            )
        ]
    except (OSError, subprocess.CalledProcessError):
        return None
    return {"hash": answers[0], "changed": bool(answers[1])}


def _seeds(entry: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every `seed` and `seeds` of the config, with its path."""
    if isinstance(entry, dict):
        for key, value in entry.items():
            inner = f"{path}.{key}" if path else str(key)
            if key in ("seed", "seeds"):
                yield inner, value
            else:
                yield from _seeds(value, inner)


def _entry(config: dict[str, Any], model: str) -> str:
    """The name of a model's entry in the user's config, where several trainings are one entry."""
    return config["models"][model].get("group", model)


def weights_digest(folder: Path) -> str:
    """The SHA-256 of the names and contents of all safetensors files in a folder, as hex digits."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.safetensors")):
        digest.update(path.relative_to(folder).as_posix().encode())
        with open(path, "rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _weights(spec: dict[str, Any], path: Path) -> dict[str, Any]:
    """The config's `weights` of a model (hub id, revision), and a digest of the files."""
    digest = weights_digest(path) if path.is_dir() else json.loads(path.read_text())["sha256"]
    return {key: spec[key] for key in ("weights", "lora") if key in spec} | {"sha256": digest}


def _images(path: str) -> dict[str, Any]:
    """The number of images in a data set, and its left-out files with the reasons."""
    record = read_left_out(path)
    found: dict[str, Any] = {"images": pq.read_metadata(path).num_rows}
    if record is None:
        return found
    counts = {"files": record.there, "looked_at": record.looked_at}
    return found | {"left_out": counts | {"count": record.count, "reasons": record.reasons}}


def _measured_at(files: list[Path]) -> dict[str, list[str]]:
    """The devices, dtypes, code and versions that measured the errors in files, each once."""
    found: dict[str, set[str]] = {key: set() for key in _MEASURED_AT}
    for path in files:
        with h5py.File(path) as file:
            for key, values in found.items():
                if key in file.attrs:
                    values.add(str(file.attrs[key]))
    return {key: sorted(values) for key, values in found.items()}


def _wall(folder: Path) -> float:
    """Wall seconds of the jobs whose benchmark files are in a folder."""
    return round(sum(pd.read_csv(path, sep="\t")["s"].sum() for path in folder.rglob("*.tsv")), 3)
