"""The devices that workers are bound to."""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
from itertools import takewhile
from pathlib import Path

_NAME = re.compile(r"\d|GPU-|MIG-", re.IGNORECASE)
"""How the name of a GPU begins: a number, or its UUID."""
PATIENCE = 20.0
"""Seconds that the driver's tool may take."""
ROCM = "/dev/kfd"
"""What the driver of AMD's GPUs puts there."""
MEBI = 1 << 20
"""Bytes in the unit in which nvidia-smi tells memory."""


def gpus() -> list[str]:
    """The GPUs that engines may use, as `CUDA_VISIBLE_DEVICES` names them; torch is asked where there are several."""
    named = visible()
    names = _listed() if named is None else named
    if len(names) > 1:
        import torch

        return names[: torch.cuda.device_count()]
    return names


def visible() -> list[str] | None:
    """The GPUs that `CUDA_VISIBLE_DEVICES` names, up to the first that is none, as `-1`; None where it is not set."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is None:
        return None
    return list(takewhile(_NAME.match, (name.strip() for name in named.split(","))))


def _listed() -> list[str]:
    """The numbers of the GPUs that the driver knows."""
    return told("--query-gpu=index")


def told(*asked: str) -> list[str]:
    """What the driver's own tool, nvidia-smi, answers: a line for each GPU; none where it is missing or fails."""
    if not shutil.which("nvidia-smi"):
        return []
    command = ["nvidia-smi", *asked, "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    except (OSError, subprocess.TimeoutExpired):  # a driver that hangs answers nothing
        return []
    return [line.strip() for line in done.stdout.strip().splitlines()] if done.returncode == 0 else []


def without() -> bool:
    """Whether there is no GPU here that weights are moved to and from, as far as is known without torch."""
    return visible() == [] or not (shutil.which("nvidia-smi") or Path(ROCM).exists())


def amd() -> tuple[str, float] | None:
    """The name and the GB of memory of the first GPU of AMD that torch uses; it is asked where their driver is alone.

    AMD's tools are many and often not installed, and a torch without ROCm does not use what they tell of.
    """
    if shutil.which("nvidia-smi") or not Path(ROCM).exists():
        return None
    import torch

    if torch.version.hip is None or not torch.cuda.is_available():
        return None
    found = torch.cuda.get_device_properties(0)
    return found.name, found.total_memory / 1e9


def memory_gb(device: str) -> float:
    """GB of memory of a GPU, by its name in `CUDA_VISIBLE_DEVICES`; no bound where the driver does not tell."""
    found = told(f"--id={device}", "--query-gpu=memory.total") if device else []
    return float(found[0]) * MEBI / 1e9 if len(found) == 1 and found[0].isdigit() else math.inf


def cores() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
