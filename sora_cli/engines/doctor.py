"""What works on this machine, what is missing, and what to type: checks as plain data."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from msgspec import Struct

from sora_cli.engines import catalogue, devices, folders, hub
from sora_cli.engines.estimate import Machine
from sora_cli.errors import SoraError, first_of
from sora_cli.packages import absent, install

RATES = {
    "B200": 2250, "H200": 989, "H100": 989, "A100": 312, "L40S": 362, "L40": 181, "5090": 210, "4090": 165, "3090": 71,
    "MI325X": 1307, "MI300X": 1307, "7900 XTX": 123,
}  # fmt: skip
"""Dense bfloat16 TFLOP/s of some cards, the most that their makers' data sheets tell: takes need at least so long."""
PURPOSES = {
    "moderation": "full look at words and pictures by the policy", "speech": "voices for lines",
    "sound": "sounds found by the meaning of words", "sound-models": "sounds made by a model", "search": "search",
    "serve": "`sora serve`", "sheets": "lists as spreadsheets", "lora": "LoRAs", "quantize": "models in 8 bits",
    "upscale": "networks that enlarge takes", "minimax-h3": "MiniMax-H3",
    "cluster": "work on Ray, and stores in buckets",
}  # fmt: skip
"""What each extra of sora's brings."""
LITTLE = 1.0
"""GB that a disk should have free."""
CPU_RATE = 0.1
"""TFLOP/s of two cores, float32."""


class Check(Struct, frozen=True):
    """The finding of one check: `ok` is None for a fact that is neither right nor wrong."""

    name: str
    ok: bool | None
    found: str
    hint: str = ""


def machine() -> Machine:
    """The first GPU's memory and rate, and the host's memory, found without torch but for AMD's GPUs."""
    host = _host_gb()
    visible = devices.visible()
    asked = [f"--id={visible[0]}"] if visible else []
    if visible != [] and (found := devices.told(*asked, "--query-gpu=name,memory.total")):
        name, _, mebi = (part.strip() for part in found[0].rpartition(","))
        own = float(mebi) * devices.MEBI / 1e9 if mebi.isdigit() else host  # [N/A]: it shares the host's
        return Machine(own, host, _rate(name), name)
    if visible != [] and (other := devices.amd()):
        name, own = other
        return Machine(own, host, _rate(name), name)
    return Machine(0.0, host, CPU_RATE * max(1, (os.cpu_count() or 2) // 2), platform.machine())


def _rate(name: str) -> float:
    return next((rate for key, rate in RATES.items() if key in name), 0)


def doctor(*, deep: bool = True) -> list[Check]:
    """All checks; `deep` also imports torch, which takes seconds.

    Nothing raises: what goes wrong is what is told.
    """
    checks: list[Callable[[], Check]] = [_python, _packages, _gpu, _memory, _disk, _hub, _engine]
    if deep:
        checks.insert(2, _torch)
    return [*(_safely(check) for check in checks), *map(_extra, PURPOSES)]


def _safely(check: Callable[[], Check]) -> Check:
    try:
        return check()
    except Exception as error:  # noqa: BLE001  a doctor tells what goes wrong
        hint = error.hint if isinstance(error, SoraError) else ""
        return Check(check.__name__.strip("_"), ok=False, found=f"{type(error).__name__}: {error}", hint=hint)


def _python() -> Check:
    return Check("Python", sys.version_info >= (3, 11), platform.python_version(), "sora wants Python 3.11 or newer")


def _packages() -> Check:
    names = ("torch", "diffusers", "transformers", "av", "c2pa-python")
    return Check("packages", ok=True, found=", ".join(f"{name} {metadata.version(name)}" for name in names))


def _torch() -> Check:
    import torch

    if torch.cuda.is_available():
        return Check("torch", ok=True, found=f"{torch.__version__} on {torch.cuda.get_device_name()}")
    if torch.backends.mps.is_available():
        return Check("torch", ok=True, found=f"{torch.__version__} on Apple's GPU")
    seen = machine().device_gb > 0
    hint = "torch does not see your GPU: install a CUDA build of it, see pytorch.org" if seen else ""
    return Check("torch", ok=not seen, found=f"{torch.__version__} on the CPU", hint=hint)


def _gpu() -> Check:
    found = machine()
    if not found.device_gb:
        hidden = " that CUDA_VISIBLE_DEVICES names" if devices.visible() == [] else ""
        return Check("GPU", ok=None, found=f"none{hidden}: nano runs without, released models want one")
    return Check("GPU", ok=True, found=f"{found.name}, {found.device_gb:.0f} GB")


def _memory() -> Check:
    host = _host_gb()
    return Check("memory", host >= 3.5, f"{host:.0f} GB", "nano wants 4 GB; released models as much as their weights")


def _disk() -> Check:
    folder = _there(folders.hub_cache())
    free, may = shutil.disk_usage(folder).free / 1e9, writable(folder)
    found = f"{free:.0f} GB free at {folder}" if may else f"nothing may be written to {folder}"
    return Check("disk for models", may and free > LITTLE, found, "HF_HOME names another folder")


def _there(folder: Path) -> Path:
    """A folder, or the nearest one around it that is there."""
    return next(place for place in (folder, *folder.absolute().parents) if place.exists())


def writable(folder: Path) -> bool:
    """Whether a folder may be written to, or be made."""
    return os.access(_there(folder), os.W_OK | os.X_OK)


def _hub() -> Check:
    offline = os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")
    found = hub.models()
    told = f"{sum(model.here for model in found)} on this machine" + (", offline is set" if offline else "")
    gone, faults = folders.model_folders(there=False), hub.faults(found)
    words = f"{told}; {first_of(faults, 1)}" if faults else told
    return Check("models", ok=False if gone else None, found=words, hint="see all: sora models" if faults else "")


def _engine() -> Check:
    card = catalogue.card(None)
    return Check("engine", ok=True, found=f"{card.name} ({card.revision[:12]}) at {card.location}")


def _extra(name: str) -> Check:
    """Whether the packages of an extra of sora's are here."""
    lacking = [package for package in absent(name) if package != "bitsandbytes" or sys.platform == "linux"]
    if not lacking:
        return Check(name, ok=True, found=PURPOSES[name])
    return Check(name, ok=None, found=f"no {PURPOSES[name]}: {', '.join(lacking)} missing", hint=install(name))


def _host_gb() -> float:
    """The host's memory, within the limit of the container it runs in, in GB."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9 if hasattr(os, "sysconf") else 0.0
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.is_file() and (text := limit.read_text(encoding="ascii").strip()).isdigit():
        return min(total, int(text) / 1e9)
    return total
