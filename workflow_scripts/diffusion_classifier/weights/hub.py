"""Fetch models from the Hugging Face hub: a pinned revision, without unneeded files or pickles."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatch
from glob import escape
from pathlib import Path
from typing import Any

from diffusion_classifier.files import atomic_folder, read_json, write_json
from diffusion_classifier.messages import InputError

from .hub_files import needed, plain

_INDEX = "model_index.json"


def fetch(
    repo: str,
    revision: str,
    folder: str | os.PathLike,
    patterns: list[str] | None = None,
    variant: str | None = None,
) -> None:
    """Write the model `repo` of the hub at `revision` to `folder`, atomically.

    `revision` is a commit, tag or branch. With `patterns`, only matching files are used. With a
    `variant` such as `fp16`, components that have it get its weights, under their plain names.
    Files are downloaded to the user's usual cache and linked from there. Weights that exist only as
    .bin are converted, never unpickled. `hub.json` in the folder records the origin of all files.

    Raises InputError if there is no such repository, revision or variant, if the user has not
    accepted its terms, if it is not cached and cannot be reached, or if it has no usable weights.
    """
    snapshot, files = _listed(repo, revision)
    index = snapshot / _INDEX
    pipeline = read_json(index) if index.is_file() else None
    if patterns is not None:
        files = [
            name
            for name in files
            if name == _INDEX or any(fnmatch(name, pattern) for pattern in patterns)
        ]
    names = needed(repo, files, pipeline, variant)
    _download(repo, revision, snapshot.name, names)
    with atomic_folder(folder) as temporary:
        origins = {plain(name, variant): name for name in names}
        for target, name in origins.items():
            _lay_out(repo, snapshot, name, temporary / target, variant)
        if pipeline is not None:
            write_json(_without_absent(pipeline, temporary), temporary / _INDEX)
        record = {
            "repo": repo,
            "revision": revision,
            "commit": snapshot.name,
            "variant": variant,
            "files": {name: (temporary / name).stat().st_size for name in sorted(origins)},
            "made_from": {new: old for new, old in sorted(origins.items()) if new != old},
        }
        write_json(record, temporary / "hub.json")


def link(source: str | os.PathLike, target: str | os.PathLike) -> None:
    """Make `target` a hard link to the file `source`, or a copy if that is impossible.

    If `source` is a symbolic link, its file is linked.
    """
    real = os.path.realpath(source)
    try:
        os.link(real, target)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(real, target)


def _listed(repo: str, revision: str) -> tuple[Path, list[str]]:
    """The snapshot's folder in the cache, named by its commit, and the repository's file names."""
    import huggingface_hub as hub

    with explained_errors(repo, revision):
        snapshot = hub.snapshot_download(
            repo, revision=revision, allow_patterns=[_INDEX, "config.json", "open_clip_config.json"]
        )
    snapshot = Path(snapshot)
    try:
        tree = hub.get_cached_repo_tree(repo, revision=snapshot.name)
        return snapshot, sorted(file.path for file in tree)
    except hub.errors.CachedRepoTreeNotFoundError:
        # offline, and another version filled the cache: only the cached files are known
        found = (path for path in snapshot.rglob("*") if path.is_file())
        return snapshot, sorted(path.relative_to(snapshot).as_posix() for path in found)


def _download(repo: str, revision: str, commit: str, names: list[str]) -> None:
    import huggingface_hub as hub

    absent = [
        name
        for name in names
        if not isinstance(hub.try_to_load_from_cache(repo, name, revision=commit), str)
    ]
    if not absent:  # no network is needed
        return
    with explained_errors(repo, revision, absent):
        hub.snapshot_download(
            repo, revision=commit, allow_patterns=[escape(name) for name in absent]
        )


def _lay_out(repo: str, snapshot: Path, name: str, target: Path, variant: str | None) -> None:
    """Make `target` from the file `name` of the repository: a link, or a converted file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if name.endswith(".bin"):
        from .checkpoints import convert  # imports torch, which fetching a data set does not need

        try:
            convert(snapshot / name, target)
        except InputError as error:  # name the repository, not the cache in the user's home
            raise InputError(str(error).replace(f"{snapshot}/", f"{repo}: ")) from None
    elif ".index." in name:
        index = read_json(snapshot / name)
        index["weight_map"] = {
            tensor: plain(file, variant) for tensor, file in index["weight_map"].items()
        }
        write_json(index, target)
    elif name != _INDEX:
        link(snapshot / name, target)


def _without_absent(pipeline: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The pipeline's index with null, as diffusers writes it, for components not in `folder`."""
    index = {
        name: [None, None] if isinstance(value, list) and not (folder / name).is_dir() else value
        for name, value in pipeline.items()
    }
    if "requires_safety_checker" in index:
        index["requires_safety_checker"] = False
    return index


@contextmanager
def explained_errors(
    repo: str, revision: str, absent: Sequence[str] = (), kind: str = "model"
) -> Iterator[None]:
    """Turn any error of a download in the block into an InputError of one line.

    `absent` names the files to download; `kind`, the kind of repository, is model or dataset.
    """
    from huggingface_hub import errors

    page = f"https://huggingface.co/{'datasets/' * (kind == 'dataset')}{repo}"
    try:
        yield
    except errors.HFValidationError:
        raise InputError(
            f"repo: found {repo!r}, expected OWNER/NAME as on the hub; correct it"
        ) from None
    except errors.RevisionNotFoundError:
        raise InputError(
            f"{repo}: found no revision {revision!r}, expected a commit, tag or branch; "
            f"choose one of {page}/commits/main"
        ) from None
    # the library raises errors of any kind, its own, its HTTP client's and the system's
    except Exception as error:
        status = _status(error)
        if isinstance(error, errors.GatedRepoError) or status == 403:
            raise InputError(
                f"{repo}: found that its files are given only to accounts that accepted its "
                f"terms, expected access; accept the terms on {page}, then set HF_TOKEN or run "
                "`hf auth login`"
            ) from None
        if isinstance(error, errors.RepositoryNotFoundError) or status in (401, 404):
            raise InputError(
                f"{repo}: found no such {kind} on the hub that you may read, expected {page}; "
                "correct `repo`, or, for a private one, set HF_TOKEN or run `hf auth login`"
            ) from None
        option = " --repo-type dataset" if kind == "dataset" else ""
        what = f"{', '.join(absent[:3])}{' ...' * (len(absent) > 3)}" if absent else f"the {kind}"
        raise InputError(
            f"{repo}: found {what} of revision {revision} not in the cache, and "
            f"{_reason(error, status)}; fetch it where there is a network: "
            f"`hf download {repo} --revision {revision}{option}`"
        ) from None


def _status(error: BaseException | None) -> int | None:
    """The HTTP status of the hub's answer, from the error or one of its causes; None without."""
    from huggingface_hub.errors import HfHubHTTPError

    while error is not None:
        if isinstance(error, HfHubHTTPError):
            return error.response.status_code
        error = error.__cause__ or error.__context__
    return None


def _reason(error: Exception, status: int | None) -> str:
    from huggingface_hub import is_offline_mode

    if is_offline_mode():
        return "HF_HUB_OFFLINE forbids the network"
    if status is not None:
        return f"the hub answered with HTTP status {status}"
    reason = getattr(error, "strerror", None)  # such as a full disk; the message has paths
    return reason or f"the hub cannot be reached ({type(error).__name__})"
