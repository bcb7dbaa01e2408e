"""What a storyboard wants that this machine lacks: packages, GPUs, weights of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from sora_cli.adapters import SUFFIX, weights_in
from sora_cli.bounded import expanded
from sora_cli.errors import Problem, counted
from sora_cli.packages import here, lacking
from sora_cli.storyboard.model import Storyboard


def _upscale_problems(board: Storyboard, weights: Path) -> Iterator[Problem]:
    """What is wrong with what enlarges takes, as far as it is known without loading it."""
    from sora_cli.engines.options import not_safetensors

    mark = board.mark(("output", "upscale"))
    if told := lacking("`upscale`", "spandrel"):
        yield Problem(*told, mark, code=3)
    if weights.suffix.lower() == ".safetensors" and weights.is_file() and (wrong := not_safetensors(weights)):
        yield Problem(f"cannot use {weights} to enlarge pictures: {wrong}", "name the weights of a network", mark)


def lacks(board: Storyboard) -> Iterator[Problem]:
    """What is not installed, cannot be used or is not there of what a storyboard wants."""
    if board.upscale is not None:
        yield from _upscale_problems(board, board.upscale)
    on_ray = (board.executor or os.environ.get("SORA_EXECUTOR")) == "ray"
    if on_ray and (told := lacking("the executor ray", "ray")):
        yield Problem(*told, board.mark(("executor",)), code=3)
    from sora_cli.engines.options import PACKAGES, listed, not_safetensors

    if board.memory and not on_ray:  # whose workers are elsewhere
        yield from _memory_problems(board)
    for shot in board.shots:
        for beat in shot.shown:
            loc = beat.origin.get("options.lora", (*beat.loc, "options"))
            written = beat.options.get("lora")
            named = [each.get("path") for each in listed(written) if isinstance(each, dict)] if written else []
            adapters = [weights_in(board.folder / expanded(str(path or ""))) for path in named]
            adapters += [each for name in beat.cast if (each := board.cast[name].lora)]
            if adapters and (told := lacking("LoRA", PACKAGES["lora"])):
                yield Problem(*told, board.mark(loc), code=3)
            for path in adapters:
                if path.suffix == SUFFIX and path.is_file() and (wrong := not_safetensors(path)):
                    yield Problem(f"cannot use {path} as a LoRA: {wrong}", "name a .safetensors file", board.mark(loc))


def _memory_problems(board: Storyboard) -> Iterator[Problem]:
    """What a storyboard says of memory that this machine cannot do."""
    from sora_cli.engines import devices
    from sora_cli.engines.options import ATTENTION, PACKAGES

    kind, attention = (str(board.memory.get(key)) for key in ("quantize", "attention"))
    if kind in PACKAGES and (told := lacking(f"quantize: {kind}", PACKAGES[kind])):
        yield Problem(*told, board.mark(("memory", "quantize")), code=3)
    module = ATTENTION.get(attention)
    if module and not here(module):
        message = f"attention: {attention} needs the package {module}, which is not installed"
        yield Problem(message, "install it, or leave `attention` out", board.mark(("memory", "attention")), code=3)
    if board.memory.get("offload") in ("model", "group") and devices.without():
        message = "there is no GPU here to offload from"
        yield Problem(message, "leave `offload` out", board.mark(("memory", "offload")), code=3)
    gpus = board.memory.get("gpus")
    if isinstance(gpus, int) and gpus > 1 and len(found := devices.gpus()) < gpus:
        message = f"gpus: {counted(len(found), 'GPU')} can be used here, not {gpus}"
        yield Problem(message, "write a smaller number, or leave `gpus` out", board.mark(("memory", "gpus")), code=3)
