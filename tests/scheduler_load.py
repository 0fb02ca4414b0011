"""The CPU time of the snakemake process over a simulated campaign of short jobs.

    python tests/scheduler_load.py [JOBS [LIMIT ...]]

LIMITs are values of `max-jobs-per-timespan`, by default Snakemake's and those of the profiles.
Each job sleeps, as the jobs of a cluster cost the machine that submits nothing; so this takes some
minutes and little CPU, apart from what is measured.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

LIMITS = ("100/1s", "100/3s", "1000/60s")
AT_ONCE = 20
"""Jobs that run at a time; of more than 1,000 jobs a fiftieth, so that they take as long."""
SECONDS = 5

SNAKEFILE = """
rule all:
    input: expand("made/{{n}}", n=range({jobs}))

rule given:
    output: "given"
    shell: "touch {{output}}"

rule short:
    input: "given"
    output: "made/{{n}}"
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    params:
        n=lambda wildcards: int(wildcards.n),
    shell: "sleep {seconds}; : > {{output}}"
"""


def campaign(folder: Path, jobs: int, limit: str) -> str:
    """Run so many jobs with a limit; one line on what it took."""
    (folder / "Snakefile").write_text(SNAKEFILE.format(jobs=jobs, seconds=SECONDS))
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--cores",
        str(max(AT_ONCE, jobs // 50)),
        "--quiet",
        "all",
    ]
    command += ["--max-jobs-per-timespan", limit]
    log, begun = folder / "snakemake.log", time.monotonic()
    with open(log, "w") as file:
        process = subprocess.Popen(command, cwd=folder, stdout=file, stderr=file)
        used = _Used(process.pid)
        while process.poll() is None:
            used.look()
            time.sleep(0.2)
    assert process.returncode == 0, log.read_text()
    made = len(list((folder / "made").iterdir()))
    assert made == jobs
    seconds = time.monotonic() - begun
    return f"{limit}: {made} jobs in {seconds:.0f} s, {used.seconds:.1f} s of CPU by snakemake"


class _Used:
    """The CPU seconds of a process alone, without its children, when it was last looked at."""

    def __init__(self, pid: int) -> None:
        self.path, self.seconds = Path(f"/proc/{pid}/stat"), 0.0

    def look(self) -> None:
        try:
            fields = self.path.read_text().rpartition(")")[2].split()
        except OSError:
            return
        if fields[0] != "Z":
            ticks = int(fields[11]) + int(fields[12])
            self.seconds = max(self.seconds, ticks / os.sysconf("SC_CLK_TCK"))


def main() -> None:
    jobs, *limits = sys.argv[1:] or ["3000"]
    for limit in limits or LIMITS:
        assert re.fullmatch(r"\d+/\d+(ms|s|m|h)", limit), limit
        with TemporaryDirectory() as folder:
            print(campaign(Path(folder), int(jobs), limit), flush=True)


if __name__ == "__main__":
    main()
