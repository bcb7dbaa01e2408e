"""What holds for all tests."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from numpy.typing import NDArray

from sora_cli.media.stream import Frames
from sora_cli.policy import pictures
from tests.unattended import forks

# How long an example takes says more of the machine than of the code.
settings.register_profile("sora", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("sora")

# Whoever starts tests in the background (`make test &`, a CI runner) may have signals ignored, which programs inherit.
# Tests that send signals want a program as a person starts it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# What the extras of pyproject.toml need lies apart (see Makefile): these tests have it, programs that they start do not
# and so they start as quickly as a plain install.
EXTRAS = Path(sys.prefix) / "extras"
if EXTRAS.is_dir():
    sys.path.append(str(EXTRAS))


def let_torchvision_in() -> None:
    """Have torchvision imported beside a torch that it was not built for, as the CPU build here is.

    Its compiled operators are missing then, and its import ends at two that it describes. No model of ours calls one.
    """
    import torch

    try:
        import torchvision  # noqa: F401  does it come in as it is?
    except ModuleNotFoundError:
        return
    except RuntimeError:
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        for name in ("nms", "qnms"):
            torch.library.define(f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


# Importing what is tested makes millions of objects that stay. Python would look through them again and again.
gc.disable()


def pytest_collection_finish() -> None:
    """Look for garbage once, behind the imports: what they made is not looked through while tests run."""
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_configure(config: pytest.Config) -> None:
    """Make the process ready that runs tests; where xdist starts several, start what they share: see `forks`."""
    if config.getoption("dist", "no") == "no":
        let_torchvision_in()
    elif forks.POSSIBLE:
        shared = contextlib.ExitStack()
        os.environ[forks.SHARED] = str(shared.enter_context(forks.served()))
        config.add_cleanup(shared.close)


class Looked:
    """Scores pictures as the checker does, but looks only once at those that are the same byte for byte."""

    def __init__(self) -> None:
        self._look, self._model, self._known = pictures._scores, None, {}

    def __call__(self, frames: Frames) -> NDArray[np.float32]:
        if (model := pictures._model()) is not self._model:  # a test took it away, or put another in its place
            self._model, self._known = model, {}
        names = [(frame.shape, sha256(frame.tobytes()).digest()) for frame in frames]
        new = {name: frame for name, frame in zip(names, frames, strict=True) if name not in self._known}
        if new:
            self._known |= zip(new, self._look(np.stack(list(new.values()))), strict=True)
        return np.array([self._known[name] for name in names], np.float32)


@pytest.fixture(scope="session", autouse=True)
def kept_checker() -> Iterator[None]:
    """The checker of pictures stays in memory from one film to the next: loading it takes as long as a small film."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "forget", lambda: None)
        patch.setattr(pictures, "_scores", Looked())
        yield
