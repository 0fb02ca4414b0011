"""A headless Chromium for tests of pages; tests that use it are skipped where there is none.

It is Playwright (envs/browser-requirements.txt) with the system's Chromium. INSTALL_BROWSER=1 lets
pip and apt-get install both.
"""

import fcntl
import importlib
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
REQUIREMENTS = Path(__file__).parents[1] / "envs" / "browser-requirements.txt"


def _command():
    return next(filter(None, map(shutil.which, COMMANDS)), None)


def _install():
    """Install what is missing; says nothing and leaves it to the caller to look again."""
    if importlib.util.find_spec("playwright") is None:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        subprocess.run([*pip, "--requirement", REQUIREMENTS], check=False)
        importlib.invalidate_caches()
    if _command() is None and shutil.which("apt-get"):
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        # one at a time: other tests install SLURM
        with open(Path(tempfile.gettempdir(), "apt-of-tests.lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for arguments in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
                subprocess.run(
                    ["apt-get", "-qq", *arguments], env=environment, check=False,
                    stdout=subprocess.DEVNULL,
                )  # fmt: skip


@contextmanager
def chromium():
    """A browser of Playwright; skips the test with a reason if it cannot be had."""
    if os.environ.get("INSTALL_BROWSER"):
        _install()
    if importlib.util.find_spec("playwright") is None:
        pytest.skip("no playwright: pip install --requirement envs/browser-requirements.txt")
    command = _command()
    if command is None:
        pytest.skip(f"no browser: none of {', '.join(COMMANDS)} was found")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=command, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser, path, **options):
    """The page at `path`, ready, in a window with these options; a complaint of it is an error.

    No request may leave the file.
    """
    context = browser.new_context(offline=True, **options)
    page = context.new_page()
    output = []
    page.on("console", lambda message: output.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: output.append(str(error)))
    page.on("request", lambda request: output.append(request.url) if not _is_own(request) else None)
    page.goto(Path(path).resolve().as_uri())
    page.wait_for_selector("html[data-ready]", state="attached")
    try:
        yield page
        assert output == []
    finally:
        context.close()


def _is_own(request):
    return request.url.startswith(("file:", "data:"))
