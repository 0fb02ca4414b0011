"""Describe the machine of a measurement, without its name or its users' names."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

CPUINFO, MEMINFO = Path("/proc/cpuinfo"), Path("/proc/meminfo")


def describe(device: torch.device, threads: int) -> dict[str, Any]:
    """CPU model, usable cores, memory in GiB, software versions, threads and device."""
    import diffusers
    import torch

    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else ""
    return {
        "cpu": processor(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "matrix_unit": "AMX" if "amx_bf16" in _field(CPUINFO, "flags").split() else "",
        "memory_gib": round(int((_field(MEMINFO, "MemTotal") or "0 kB").split()[0]) / 2**20, 1),
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "diffusers": diffusers.__version__,
        "threads": threads,
        "device": gpu or str(device),
    }


def processor() -> str:
    """The maker's name of the CPU model."""
    return _field(CPUINFO, "model name") or platform.machine()


def sentence(machine: dict[str, Any]) -> str:
    """The description as a sentence."""
    cores = f"{machine['cores']} core{'s' * (machine['cores'] != 1)}"
    unit = f", with {machine['matrix_unit']} for bfloat16" if machine["matrix_unit"] else ""
    memory = f"{machine['memory_gib']:g} GiB of memory" if machine["memory_gib"] else ""
    where = f"{machine['cpu']} ({', '.join(filter(None, [cores, memory]))}{unit})"
    versions = (
        f"Python {machine['python']}, PyTorch {machine['torch']}, diffusers {machine['diffusers']}"
    )
    on = "its CPU" if machine["device"] == "cpu" else machine["device"]
    return f"Measured on {on}: {where}, {machine['system']}; {versions}."


def _field(path: Path, name: str) -> str:
    """The value of the first line `name: value` of a file in /proc; empty if there is none."""
    if not path.is_file():
        return ""
    lines = (line.partition(":") for line in path.read_text().splitlines())
    return next((value.strip() for key, _, value in lines if key.strip() == name), "")
