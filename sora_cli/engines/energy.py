"""What energy this machine draws, by its own counters: NVML's of the GPU in use, RAPL's of the processors.

They count all that the GPU and the processors draw, for other programs too, and nothing of memory, disks and fans.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")
"""Where Linux tells of RAPL's counters, often to root alone."""


class Meter:
    """Counts from now on. `tick` is called now and then, since counters begin anew."""

    def __init__(self, powercap: Path | None = None) -> None:
        self._counters: list[_Counter] = [_Package(folder) for folder in _packages(powercap or POWERCAP)]
        with suppress(Exception):  # no GPU, no driver, one that counts no energy: NVML's errors have no other base
            self._counters += _gpu()
        self._last = [counter.read() for counter in self._counters]
        self._joules = [0.0 for _ in self._counters]

    def tick(self) -> None:
        """Add the energy drawn since the last call. A counter that can no longer be read is left out from then on."""
        for place, counter in enumerate(self._counters):
            now, last = counter.read(), self._last[place]
            if now is None or last is None:
                self._last[place] = None
                continue
            self._joules[place] += now - last if now >= last else now - last + counter.turn
            self._last[place] = now

    def read(self) -> tuple[float, str]:
        """Read the joules that were drawn, and by which counters; nothing where there are no counters."""
        self.tick()
        told = [at for at, last in enumerate(self._last) if last is not None]
        names = dict.fromkeys(self._counters[at].name for at in told)
        return sum(self._joules[at] for at in told), " and ".join(names)


class _Counter:
    name = ""
    turn = 0.0
    """Joules at which it begins anew."""

    def read(self) -> float | None:
        """Joules, from anywhere; None where it cannot be read."""
        return None


class _Package(_Counter):
    """A processor's."""

    name = "RAPL"

    def __init__(self, folder: Path) -> None:
        self._file = folder / "energy_uj"
        self.turn = _number(folder / "max_energy_range_uj") or 0.0

    def read(self) -> float | None:
        return _number(self._file)


def _packages(powercap: Path) -> list[Path]:
    """The folders of whole processors: what their cores and memory draw is counted in them."""
    with suppress(OSError):
        found = sorted(folder for folder in powercap.iterdir() if folder.name.startswith("intel-rapl:"))
        return [folder for folder in found if folder.name.count(":") == 1 and _number(folder / "energy_uj") is not None]
    return []


def _number(file: Path) -> float | None:
    """Microjoules in a file, in joules."""
    with suppress(OSError, ValueError):
        return int(file.read_text(encoding="ascii")) / 1e6
    return None


class _Gpu(_Counter):
    """A GPU's, from Volta on."""

    name = "NVML"

    def __init__(self, handle: object) -> None:
        self._handle = handle

    def read(self) -> float | None:
        import pynvml

        with suppress(pynvml.NVMLError):
            return float(pynvml.nvmlDeviceGetTotalEnergyConsumption(self._handle)) / 1e3
        return None


def _gpu() -> list[_Counter]:
    """The GPU that engines use, where they use one; an idle one does not count."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return []
    import pynvml

    pynvml.nvmlInit()
    gpu = _Gpu(pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{torch.cuda.get_device_properties(0).uuid}"))
    return [gpu] if gpu.read() is not None else []
