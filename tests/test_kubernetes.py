"""Drill: what profiles/kubernetes asks of a cluster, sent to a server that only records it."""

import json
import re
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import yaml
from drills.store import BUCKET, KEYS, Store, environment
from workflows import own_library

pytestmark = pytest.mark.drill

SNAKEFILE = """
rule errors:
    output: "results/errors.nc"
    resources: gpu=1, mem_mb=lambda wildcards, attempt: 5000 * attempt, runtime=20
    threads: 1
    shell: "touch {output}"
"""


class Recorder(BaseHTTPRequestHandler):
    """Kubernetes's API as far as the executor uses it: every job fails at once."""

    made: list  # (path, object)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.made.append((self.path, body))
        self.answer(body)

    def do_GET(self):
        if self.path.endswith("/status"):
            name = self.path.split("/")[-2]
            self.answer({"metadata": {"name": name}, "status": {"failed": 1}})
        else:
            self.answer({"items": []})

    def do_DELETE(self):
        self.answer({"status": "Success"})

    def answer(self, body):
        text = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    Recorder.made = []
    found = ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    threading.Thread(target=found.serve_forever, daemon=True).start()
    yield found
    found.shutdown()


@pytest.fixture(scope="module")
def python(root, tmp_path_factory):
    found = environment(root, tmp_path_factory.mktemp("plugin") / "venv", "kubernetes")
    if isinstance(found, str):
        pytest.skip(f"the executor for Kubernetes or the store cannot be installed: {found}")
    return found


@pytest.fixture(scope="module")
def store(python, tmp_path_factory):
    server = Store(python, tmp_path_factory.mktemp("store"))
    server.start()
    yield server
    server.stop()


def submitted(root, folder, python, server, store):
    """Run a job with the profile; its output."""
    (folder / "Snakefile").write_text(SNAKEFILE)
    cluster = {"server": f"http://127.0.0.1:{server.server_port}"}
    kube = {
        "apiVersion": "v1", "kind": "Config", "current-context": "here",
        "clusters": [{"name": "here", "cluster": cluster}], "users": [{"name": "me", "user": {}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
    }  # fmt: skip
    (folder / "kube").write_text(yaml.safe_dump(kube))
    for command in (["init", "--quiet"], ["add", "Snakefile"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    where = ["--default-storage-prefix", f"s3://{BUCKET}/kubernetes"]
    where += ["--storage-s3-endpoint-url", store.url]
    profile = ["--workflow-profile", str(root / "profiles/kubernetes"), "--retries", "1"]
    soon = ["--max-jobs-per-timespan", "100/1s", "--seconds-between-status-checks", "1"]
    command = [python, "-m", "snakemake", *profile, *where, *soon]
    env = own_library(root) | KEYS | {"KUBECONFIG": str(folder / "kube")}
    result = subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, timeout=240
    )
    return result.stdout + result.stderr


def test_jobs_ask_for_gpu_memory_and_the_image(root, tmp_path, python, server, store, outcome):
    message = submitted(root, tmp_path, python, server, store)
    jobs = [made for path, made in Recorder.made if path.endswith("/jobs")]
    assert len(jobs) == 2, message  # and one retry
    for attempt, job in enumerate(jobs, start=1):
        assert job["spec"]["backoffLimit"] == 0
        (container,) = job["spec"]["template"]["spec"]["containers"]
        profile = yaml.safe_load((root / "profiles/kubernetes/config.yaml").read_text())
        assert container["image"] == profile["container-image"]
        limits, requests = container["resources"]["limits"], container["resources"]["requests"]
        assert limits["nvidia.com/gpu"] == requests["nvidia.com/gpu"] == "1"
        assert limits["memory"] == requests["memory"] == f"{5000 * attempt}M"
        named = {e["name"]: e["valueFrom"]["secretKeyRef"]["name"] for e in container["env"]}
        assert set(KEYS) <= set(named)
        assert not re.search("planted", json.dumps(job))
    (secret,) = [made for path, made in Recorder.made if path.endswith("/secrets")]
    assert secret["metadata"]["name"] in set(named.values())
    assert "planted" not in message
    outcome("GPU and memory are limits, more memory on a retry, keys only in a secret")
