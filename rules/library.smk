# The library has to be the one beside this Snakefile: another checkout's would compute other numbers.
import sys
from importlib.util import find_spec
from pathlib import Path

LIBRARY = find_spec("diffusion_classifier")
LIBRARY_FOLDER = LIBRARY and Path(LIBRARY.origin).resolve().parents[1]
BESIDE = Path(str(workflow.current_basedir)).parent.joinpath("workflow_scripts").resolve()
if LIBRARY_FOLDER != BESIDE:
    # a job on another machine, to which Snakemake has sent the workflow
    sent = getattr(workflow, "remote_exec", False)
    sys.exit(
        "the library diffusion_classifier: found "
        + ("that of another folder" if LIBRARY else "none in this Python")
        + ", expected the one beside this Snakefile; "
        + (
            "write `export PYTHONPATH=$PWD/workflow_scripts` into the profile's `precommand`, as "
            "profiles/slurm-s3 does"
            if sent
            else "write `pip install --no-deps --editable .` in its folder, as `make env` does"
        )
    )
