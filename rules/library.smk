# The library has to be the one beside this Snakefile: another checkout's would compute other numbers.
import sys
from importlib.util import find_spec
from pathlib import Path

LIBRARY = find_spec("diffusion_classifier")
LIBRARY_FOLDER = LIBRARY and Path(LIBRARY.origin).resolve().parents[1]
BESIDE = Path(str(workflow.current_basedir)).parent.joinpath("workflow_scripts").resolve()
if LIBRARY_FOLDER != BESIDE and getattr(workflow, "remote_exec", False):
    # a job on another machine: Snakemake has sent the workflow, and its Python may have another's
    sys.path.insert(0, str(BESIDE))
    from without_disk import search_first

    search_first(BESIDE)
elif LIBRARY_FOLDER != BESIDE:
    sys.exit(
        "the library diffusion_classifier: found "
        + ("that of another folder" if LIBRARY else "none in this Python")
        + ", expected the one beside this Snakefile; write `pip install --no-deps --editable .` in "
        "its folder, as `make env` does"
    )
