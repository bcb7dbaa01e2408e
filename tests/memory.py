"""The most memory that a process has held, by Linux's kernel.

`ru_maxrss` will not do: a new process begins with what its parent held, and it never falls.
"""

from __future__ import annotations

from pathlib import Path

_PROCESSES = Path("/proc")


def forget() -> None:
    """Let the peak of this process begin at what it holds now."""
    (_PROCESSES / "self" / "clear_refs").write_text("5", encoding="ascii")


def peak(process: int | str = "self") -> int:
    """The peak of a process, by default this one, since it began or since `forget`: kB, resident."""
    status = (_PROCESSES / str(process) / "status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0])
