# The library has to be the one beside this Snakefile: another checkout's would compute other numbers.
import sys
from importlib.util import find_spec
from pathlib import Path

LIBRARY = find_spec("diffusion_classifier")
LIBRARY_FOLDER = LIBRARY and Path(LIBRARY.origin).resolve().parents[1]
if (
    LIBRARY_FOLDER
    != Path(str(workflow.current_basedir)).parent.joinpath("workflow_scripts").resolve()
):
    sys.exit(
        "the library diffusion_classifier: found "
        + ("that of another folder" if LIBRARY else "none in this Python")
        + ", expected the one beside this Snakefile; write `pip install --no-deps --editable .` in "
        "its folder, as `make env` does"
    )
