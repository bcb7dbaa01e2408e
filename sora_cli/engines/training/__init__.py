"""Training adapters (LoRA) on an engine: what is asked for and what comes back, as plain data. No torch here.

`open_course` loads the engine with the classes beside this file.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, cast

from msgspec import Struct
from msgspec.structs import replace

from sora_cli.engines.base import Ability, EngineCard
from sora_cli.engines.checkpoint import Checkpoint
from sora_cli.engines.options import PACKAGES
from sora_cli.errors import EngineMissing, RequestError
from sora_cli.packages import require

if TYPE_CHECKING:
    from sora_cli.events import Report
    from sora_cli.media.stream import Frames

FAMILIES = ("wan-vace", "wan", "ltx2")
TRAINED = "nano, Wan text to video (2.1, 2.2 with one transformer or two, VACE) and LTX-2"
LAYERS = r"(transformer_)?blocks\.\d+\.(attn[12]\.to_(q|k|v|out\.0)|ffn?\.net\.(0\.proj|2))"
"""Matrices that get an adapter: those of the picture in the main blocks; sound and conditions keep theirs."""
Quantized = Literal["float8", "int8"]
SMALL = 100_000_000
"""Weights of a transformer below which it is small."""
ROOM = 1.25
"""How much larger the smallest crop of a clip or picture is drawn: frames are read so much larger, where they are."""
FEW = 4
"""With fewer examples than this none is held out: nothing then tells when to stop early."""


class Example(Struct, frozen=True):
    """Frames that the model learns, and the words for them.

    `identity` tells its frames apart from all others: a file's hash, and which of its frames. `read` gives them,
    `(n, h, w, 3)` at the size of the training, or larger. `others` are captions of other things: what the model makes
    of them stays. What is `held` is not learned, and tells when to stop.
    """

    name: str
    identity: str
    frames: int
    caption: str
    read: Callable[[], Frames]
    others: tuple[str, ...] = ()
    held: bool = False


class CourseSettings(Struct, frozen=True, kw_only=True):
    """How an adapter is trained. `size` is (width, height) in pixels, `rate` the highest learning rate."""

    size: tuple[int, int]
    rank: int = 16
    steps: int = 1000
    batch: int = 1
    rate: float = 1e-4
    shift: float = 0.0
    """How far noise levels are moved towards noise; 0: as the scheduler moves them."""
    crops: int = 4
    """How many crops of each clip and picture are learned: the whole, and parts of it moved and enlarged."""
    seed: int = 0
    checks: int = 10
    """How often the held-out loss is measured, and samples are made."""
    checkpointing: bool | None = None
    """Whether activations are computed again on the way back, to save memory; None: on a GPU."""
    quantize: Quantized | None = None
    """How the weights that do not learn are kept in 8 bits; None: as they are."""


class LossCheck(Struct, frozen=True):
    """How far the training is: the mean loss since the last check, the held-out one (None: none are held out)."""

    step: int
    loss: float
    held: float | None
    best: bool
    """Whether these are the best weights so far."""


class Course(Protocol):
    """The training of one adapter."""

    def prepare(self, examples: Sequence[Example], told: Callable[[int, int], None]) -> None:
        """Make all latents and text embeddings, but those that are kept; `told` hears (done, of)."""
        ...

    def resume(self, state: Path) -> int:
        """Continue from a state that `save_state` wrote, if it is one of this course; the steps that are done."""
        ...

    def study(self, told: Callable[[int, int], None]) -> LossCheck:
        """Train up to the next check; `told` hears (steps done, of), and may raise to stop."""
        ...

    @property
    def over(self) -> bool:
        """Whether all steps are done, or the held-out loss has turned."""
        ...

    def save_state(self, state: Path) -> None:
        """Write all that `resume` needs. Raises `OSError`."""
        ...

    def save(self, path: Path, facts: Mapping[str, str]) -> None:
        """Write the best adapter so far in diffusers' form, with facts in its header. Raises `OSError`."""
        ...

    def sample(self, prompt: str, seed: int, frames: int) -> Frames:
        """What the model makes of a prompt now, with the steps of a draft."""
        ...

    def close(self) -> None:
        """Give the device's memory back."""
        ...


def require_packages(quantize: Quantized | None) -> None:
    """Refuse to train without what it needs.

    Raises:
        EngineMissing: a package is not installed: peft, or the one that keeps weights in 8 bits.
    """
    for package in packages_for(quantize):
        require("training", package, EngineMissing)


def refuse_untrained(card: EngineCard) -> None:
    """Refuse an engine for which no adapter can be trained.

    Raises:
        RequestError: it is of another family, or wants pictures.
    """
    why = ""
    if card.family not in FAMILIES:
        why = f"no LoRA can be trained for engine {card.name}"
    elif Ability.FIRST_FRAMES in card.needs:
        why = f"engine {card.name} starts from a picture; a LoRA is trained on what it makes of words"
    if why:
        raise RequestError(why, hint=f"training works for {TRAINED}")


def packages_for(quantize: Quantized | None) -> list[str]:
    """What training needs beside what is always installed."""
    return [package for what in ("lora", quantize or "") if (package := PACKAGES.get(what))]


def usual(card: EngineCard, size: tuple[int, int]) -> CourseSettings:
    """How adapters of such an engine are mostly trained: small models faster, and more at a time."""
    small = card.location is not None and Checkpoint.read(card.location).parameters_of("transformer") < SMALL
    settings = CourseSettings(size=size)
    return replace(settings, steps=1500, batch=8, rate=3e-3) if small else settings


def open_course(card: EngineCard, settings: CourseSettings, kept: Path, report: Report) -> Course:
    """Load an engine, ready to train an adapter; `kept` is the folder for latents and text embeddings.

    Raises:
        RequestError, EngineMissing: as `refuse_untrained` and `require_packages` do, or it cannot be loaded.
        OutOfMemory: it does not fit.
    """
    refuse_untrained(card)
    require_packages(settings.quantize)
    made = importlib.import_module("sora_cli.engines.training.course")
    return cast("Course", made.LoraCourse(card, settings, kept, report))
