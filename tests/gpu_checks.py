"""Helpers for tests of the GPU check's parts: their check, and the rows they wrote."""

import io
import json
import time

import torch

from diffusion_classifier.gpu_check.check import HELD, Check

CPU = torch.device("cpu")


def check(**values):
    """A check on the CPU that has 100 seconds left."""
    options = {"device": CPU, "rehearse": True, "until": time.time() + 100, "rows": io.StringIO()}
    return Check(**options | values)


def written(check, table=None):
    """The rows that a part wrote, or those of one table."""
    rows = [json.loads(line) for line in check.rows.getvalue().splitlines()]
    return [row for row in rows if table in (None, row["table"])]


def held(check):
    """Requirement -> whether it holds."""
    return {row["name"]: row["held"] for row in written(check, HELD)}
