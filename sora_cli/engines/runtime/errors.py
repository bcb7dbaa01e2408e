"""What torch, diffusers and transformers raise, in our own words and with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from sora_cli.engines.base import EngineCard, Take
from sora_cli.engines.sounds import SoundCard
from sora_cli.errors import DeviceLost, EngineMissing, OutOfMemory, RenderError, SoraError, WorkError, first_line
from sora_cli.packages import install

LOST = (
    "device-side assert", "unspecified launch failure", "illegal memory access", "device lost", "gpu is lost",
    "ecc error", "launch timed out", "hardware stack error", "misaligned address", "cuda driver is shutting down",
)  # fmt: skip
"""What drivers say when a device is gone for this process: only a new one finds it again."""
FULL = ("out of memory", "can't allocate memory", "not enough memory", "alloc_failed", "cannot allocate memory")


def is_full(error: BaseException) -> bool:
    """Whether an error means that the device or the host has no memory left."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in FULL)


@contextmanager
def told_as_loading(card: EngineCard | SoundCard) -> Iterator[None]:
    """Turn what loading raises into `EngineMissing` or `OutOfMemory`, with what to do about it."""
    of_hub = "/" in card.source and not Path(card.source).is_absolute()
    again = f"get it again: sora models pull {card.source}" if of_hub else "copy or download the model again"
    try:
        yield
    except SoraError:
        raise
    except Exception as error:  # torch, diffusers, transformers and safetensors share no narrower class
        if is_full(error):
            raise OutOfMemory(
                f"engine {card.name} does not fit in this machine's memory", hint="try: --memory low"
            ) from error
        kind = type(error).__name__
        if isinstance(error, ImportError):
            raise EngineMissing(
                f"engine {card.name} needs a package that is not installed: {first_line(error)}",
                hint=f"install what the message names, beside sora: {install('minimax-h3')} for MiniMax-H3, "
                f"{install('sound-models')} for Stable Audio",
            ) from error
        if kind == "SafetensorError":
            raise EngineMissing(f"engine {card.name}: a weight file is damaged ({error})", hint=again) from error
        if isinstance(error, OSError):
            raise EngineMissing(
                f"engine {card.name}: a file is missing or unreadable ({first_line(error)})", hint=again
            ) from error
        raise EngineMissing(
            f"engine {card.name} cannot be loaded from {card.location}: {kind}: {first_line(error)}",
            hint="check that the checkpoint is complete, and of the classes that its index names",
        ) from error


@contextmanager
def told_as_rendering(card: EngineCard, take: Take) -> Iterator[None]:
    """Turn what a pipeline raises into `RenderError` or `OutOfMemory`."""
    try:
        yield
    except (SoraError, CallbackError):
        raise
    except Exception as error:  # drivers and pipelines raise RuntimeError, ValueError and classes of their own
        if is_full(error):
            size = f"{take.width}x{take.height}, {take.frames} frames"
            raise OutOfMemory(
                f"{take.name}: {card.name} ran out of memory ({size})",
                hint="try --memory low, a smaller output.size, or shorter beats",
            ) from error
        if any(sign in str(error).lower() for sign in LOST):
            raise DeviceLost(f"{take.name}: the device went away: {first_line(error)}") from error
        raise RenderError(f"{take.name}: {card.name} failed: {type(error).__name__}: {first_line(error)}") from error


@contextmanager
def told_as_opening(name: str, what: str, hint: str) -> Iterator[None]:
    """Turn what opening a model of transformers raises into `EngineMissing` or `OutOfMemory`; `what` it should be."""
    try:
        yield
    except Exception as error:  # as in `told_as_loading`
        if is_full(error):
            raise _too_large(name, what) from error
        raise EngineMissing(f"{name} cannot be opened as a {what}: {first_line(error)}", hint=hint) from error


@contextmanager
def told_as_answering(name: str, what: str, hint: str = "") -> Iterator[None]:
    """Turn what such a model raises at work into `WorkError` or `OutOfMemory`."""
    try:
        yield
    except SoraError:
        raise
    except Exception as error:  # as in `told_as_rendering`
        if is_full(error):
            raise _too_large(name, what) from error
        raise WorkError(f"{name} failed: {type(error).__name__}: {first_line(error)}", hint=hint) from error


def _too_large(name: str, what: str) -> OutOfMemory:
    return OutOfMemory(f"{name} does not fit in this machine's memory", hint=f"name a smaller {what}")


class CallbackError(Exception):
    """Carries what `progress` raised (an interruption) through the pipeline and our translation."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause
