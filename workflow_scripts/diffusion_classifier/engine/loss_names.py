"""The losses that errors are measured by, named without PyTorch; `losses` computes them."""

from __future__ import annotations

MEASURED = ("l1", "l2", "huber", "vlb")
"""What is stored of every evaluation; `vlb` where the model has a learned variance."""

LOSSES = {"l1": "L1", "l2": "L2", "huber": "Huber", "vlb": "VLB", "l2+vlb": "L2+VLB"}
"""The losses that a config may choose, and what tables and figures call them."""
