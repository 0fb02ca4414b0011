"""The names of the losses, without importing PyTorch; `losses` computes them."""

from __future__ import annotations

MEASURED = ("l1", "l2", "huber", "vlb")
"""The losses stored for every evaluation; `vlb` only if the model has a learned variance."""

LOSSES = {"l1": "L1", "l2": "L2", "huber": "Huber", "vlb": "VLB", "l2+vlb": "L2+VLB"}
"""The losses that a config may choose, and their names in tables and figures."""
