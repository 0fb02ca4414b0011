"""Open data sets with the library `datasets`: a pinned repository of the hub, or local files."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diffusion_classifier.messages import InputError

from .winoground import check_examples

if TYPE_CHECKING:
    import pandas as pd
    from datasets import Dataset, DatasetDict


def from_hub(dataset: str, config: str | None, revision: str, split: str) -> tuple[Dataset, Path]:
    """One split of a data set of the hub, and its folder in the cache.

    Only the files of the split are downloaded if the data set lists them. Files that `hf download`
    has fetched are used without a network. Raises InputError if the data set is not available or
    has no such `config` or `split`.
    """
    folder = _snapshot(dataset, revision, ["README.md"])
    paths, options = _configuration(folder, dataset, config, split)
    folder = _snapshot(dataset, revision, paths)
    if paths is not None:
        options["data_files"] = {split: paths}
    where = f"{dataset} at revision {revision}"
    return _split(_load(where, str(folder), **options), split, where), folder


def from_files(
    kind: str, split: str, data_files: str | None, data_dir: str | None
) -> tuple[Dataset, Path]:
    """One split of local files of `kind`, and their folder.

    Raises InputError if there are no files, if they cannot be read or have no such `split`.
    """
    if data_files is not None:
        where = f"`data_files` ({data_files})"
        pattern = str(Path(data_files).expanduser())
        if not glob.glob(pattern, recursive=True):
            raise InputError(f"{where}: found no such file, expected at least one; correct it")
        options: dict[str, Any] = {"data_files": {split: pattern}}
        fixed = Path(pattern)
        while glob.has_magic(str(fixed)) or not fixed.is_dir():
            fixed = fixed.parent
    else:
        where = f"`data_dir` ({data_dir})"
        fixed = Path(data_dir).expanduser()
        if not fixed.is_dir():
            raise InputError(f"{where}: found no such folder, expected one of data; correct it")
        options = {"data_dir": str(fixed)}
    return _split(_load(where, kind, **options), split, where), fixed.resolve()


def winoground_from_hub(dataset: str, revision: str) -> pd.DataFrame:
    """Winoground's examples from `dataset` on the hub, in the schema of `read_winoground`.

    They are read from Parquet, as in facebook/winoground at refs/convert/parquet, or from the files
    that the authors released. Raises InputError if they are not available, for example because
    their terms have not been accepted, and as `check_examples` does.
    """
    import pandas as pd

    from .winoground_release import FILES, read_release

    folder = _snapshot(dataset, revision, ["*.parquet", *FILES])
    files = sorted(folder.rglob("*.parquet"))
    if files:
        examples = pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)
        check_examples(examples, f"{dataset} at revision {revision}")
        return examples
    if all((folder / name).is_file() for name in FILES):
        return read_release(*(folder / name for name in FILES))
    raise InputError(
        f"{dataset} at revision {revision}: found neither Parquet nor {' and '.join(FILES)}, "
        "expected the examples of Winoground; correct `dataset` or `revision`"
    )


def hub_name(dataset: str, revision: str) -> str:
    """A data set in names of its images: `uoft-cs/cifar10@0b27149`.

    >>> hub_name("uoft-cs/cifar10", "v1.0")
    'uoft-cs/cifar10@v1.0'
    """
    return f"{dataset}@{revision[:7] if len(revision) == 40 else revision}"


def hub_files(dataset: str, revision: str, patterns: list[str] | None = None) -> Path:
    """The folder in the cache with the files of `dataset` that match `patterns`, or all.

    Missing ones are downloaded. Raises InputError if the data set is not available.
    """
    return _snapshot(dataset, revision, patterns)


def _snapshot(dataset: str, revision: str, patterns: list[str] | None) -> Path:
    """The cache folder with the files of `dataset` that match `patterns`, or with all files."""
    import huggingface_hub as hub

    from diffusion_classifier.weights.hub import explained_errors

    with explained_errors(dataset, revision, kind="dataset"):
        return Path(
            hub.snapshot_download(
                dataset, repo_type="dataset", revision=revision, allow_patterns=patterns
            )
        )


def _configuration(
    folder: Path, dataset: str, config: str | None, split: str
) -> tuple[list[str] | None, dict[str, Any]]:
    """The files of `split`, None if README.md does not list them, and the options to load them."""
    from datasets.info import DatasetInfosDict
    from datasets.utils.metadata import MetadataConfigs
    from huggingface_hub import DatasetCard

    readme = folder / "README.md"
    if not readme.is_file():
        return None, {"name": config}
    card = DatasetCard.load(readme).data
    configs = MetadataConfigs.from_dataset_card_data(card)
    if not configs:
        return None, {"name": config}
    name = config or configs.get_default_config_name()
    if name not in configs:
        raise InputError(
            f"{dataset}: found {'no `config`' if name is None else f'`config: {name}`'}, expected "
            f"one of {', '.join(configs)}; correct it in `datasets`"
        )
    files = configs[name].get("data_files")
    if not isinstance(files, list) or not all(isinstance(item, dict) for item in files):
        return None, {"name": name}
    paths = {item["split"]: item["path"] for item in files}
    _check_split(split, list(paths), dataset)
    paths = [paths[split]] if isinstance(paths[split], str) else paths[split]
    # the library takes the columns from README.md only if it loads all splits
    info = DatasetInfosDict.from_dataset_card_data(card).get(name)
    return paths, {"name": name, "features": info.features if info else None}


def _load(where: str, path: str, **options: Any) -> DatasetDict:
    import datasets

    datasets.config.HF_UPDATE_DOWNLOAD_COUNTS = False  # do not contact the hub for local files
    try:
        return datasets.load_dataset(path, **options)
    # the library and its readers raise errors of any kind for files that do not fit
    except Exception as error:
        cause = error.__cause__ or error
        reason = str(cause).partition("\n")[0].replace(str(Path.home()), "~")
        raise InputError(
            f"{where}: cannot be read as a data set ({type(cause).__name__}: {reason}), expected "
            "files that the library `datasets` reads; correct them or choose others"
        ) from None


def _split(found: DatasetDict, split: str, where: str) -> Dataset:
    _check_split(split, list(found), where)
    return found[split]


def _check_split(split: str, splits: list[str], where: str) -> None:
    if split not in splits:
        raise InputError(
            f"{where}: found no split {split!r}, expected one of {', '.join(map(str, splits))}; "
            "correct `split` in `datasets`"
        )
