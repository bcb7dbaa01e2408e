"""The devices that workers are bound to."""

from __future__ import annotations

import math
import os
import shutil
import subprocess


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
    if not shutil.which("nvidia-smi"):
        return []
    asked = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=20)
    return done.stdout.split() if done.returncode == 0 else []


def memory_gb(device: str) -> float:
    """GB of memory of a GPU, by its name in `CUDA_VISIBLE_DEVICES`; no bound where the driver does not tell."""
    if not device or not shutil.which("nvidia-smi"):
        return math.inf
    asked = ["nvidia-smi", f"--id={device}", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=20)
    told = done.stdout.strip()
    return float(told) * (1 << 20) / 1e9 if done.returncode == 0 and told.isdigit() else math.inf


def cores() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
