"""What a model runs on: the device, its floats, a generator for its noise, and libraries that keep quiet."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import diffusers
import torch
import transformers

from sora_cli.engines.estimate import SMALL

log = logging.getLogger(__name__)


def best_device() -> torch.device:
    """The first CUDA device, else Apple's GPU, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def name_of(device: torch.device) -> str:
    """Name a device. The same take may give other frames on a device of another name."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type} ({torch.backends.cpu.get_cpu_capability()})" if device.type == "cpu" else device.type


def best_dtype(device: torch.device, weight_bytes: int) -> torch.dtype:
    """bfloat16 wherever weights are large or a GPU is there; float32 for small models on a CPU."""
    if device.type == "cuda" and not torch.cuda.is_bf16_supported():
        return torch.float16
    if device.type == "cpu" and weight_bytes < SMALL:
        return torch.float32
    return torch.bfloat16


def seeded(seed: int, device: str | torch.device = "cpu") -> torch.Generator:
    """A generator on the CPU, so that noise is the same whatever the device and offloading."""
    return torch.Generator(device).manual_seed(seed)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the libraries off the screen: no bars, no warnings; warnings go to our log at debug level."""
    for library in (diffusers.utils.logging, transformers.utils.logging):
        library.set_verbosity_error()
        library.disable_progress_bar()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for warning in caught:
        log.debug("%s: %s", warning.category.__name__, warning.message)
