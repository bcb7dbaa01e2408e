"""The devices that workers are bound to."""

from __future__ import annotations

import math
import os
import shutil
import subprocess

MEBI = 1 << 20
"""Bytes in the unit in which nvidia-smi tells memory."""


def gpus() -> list[str]:
    """The GPUs that engines may use, as `CUDA_VISIBLE_DEVICES` names them; torch is asked where there are several."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = _listed() if named is None else [name.strip() for name in named.split(",") if name.strip()]
    if len(names) > 1:
        import torch

        return names[: torch.cuda.device_count()]
    return names


def _listed() -> list[str]:
    """The numbers of the GPUs that the driver knows."""
    return told("--query-gpu=index")


def told(*asked: str) -> list[str]:
    """What the driver's own tool, nvidia-smi, answers: a line for each GPU; none where it is missing or fails."""
    if not shutil.which("nvidia-smi"):
        return []
    command = ["nvidia-smi", *asked, "--format=csv,noheader,nounits"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    return [line.strip() for line in done.stdout.strip().splitlines()] if done.returncode == 0 else []


def memory_gb(device: str) -> float:
    """GB of memory of a GPU, by its name in `CUDA_VISIBLE_DEVICES`; no bound where the driver does not tell."""
    found = told(f"--id={device}", "--query-gpu=memory.total") if device else []
    return float(found[0]) * MEBI / 1e9 if len(found) == 1 and found[0].isdigit() else math.inf


def cores() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
