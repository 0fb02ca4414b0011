"""What the Hugging Face hub's errors mean to who asked for something."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from diffusion_classifier.messages import InputError


@contextmanager
def speaking(
    repo: str, revision: str, absent: Sequence[str] = (), kind: str = "model"
) -> Iterator[None]:
    """Raise InputError in one line for whatever kept the hub from giving what it was asked for.

    `absent` are the files asked for; `kind` of repository is model or dataset.
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
                f"{repo}: found no such {kind} on the hub that may be read, expected {page}; "
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
    """The HTTP status the hub answered with, in the error or in one that led to it."""
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
    reason = getattr(error, "strerror", None)  # as a full disk; never the message: it has paths
    return reason or f"the hub cannot be reached ({type(error).__name__})"
