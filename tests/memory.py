"""The most memory that this process has held, by Linux's kernel.

`ru_maxrss` will not do: a new process begins with what its parent held, and it never falls.
"""

from __future__ import annotations

from pathlib import Path

_HERE = Path("/proc/self")


def forget() -> None:
    """Let the peak begin at what is held now."""
    (_HERE / "clear_refs").write_text("5", encoding="ascii")


def peak() -> int:
    """The peak since the process began, or since `forget`: kB, resident."""
    return int((_HERE / "status").read_text(encoding="utf-8").partition("VmHWM:")[2].split()[0])
