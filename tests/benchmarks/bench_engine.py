"""An engine against the bare script: `python -m tests.benchmarks.bench_engine [--rounds 15] [--engine nano]`.

The same takes by `Engine.generate` and by a plain diffusers script that loads the pipeline once and loops: same
weights, steps, guidance, seeds and number types, in one process, turn about, so that a busy machine slows both. Prints
the median of the rounds' ratios, ours / bare; it should be at most 1.02. Prompts differ from take to take, so that what
we keep of them helps neither.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from sora_cli.engines import catalogue
from sora_cli.engines.base import EngineCard, Given, Take
from sora_cli.engines.options import WanVaceOptions

WORDS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white")


def take_of(card: EngineCard, number: int) -> Take:
    """A take in the card's own size and length; no two have the same prompt."""
    width, height = card.native_size
    prompt = f"a {WORDS[number % len(WORDS)]} ball bounces on the grass, take {number}"
    return Take(
        name=f"take {number}", key="", engine=card.name, revision=card.revision, prompt=prompt, avoid="", width=width,
        height=height, fps=card.fps, frames=card.frames_for(min(17, card.max_frames)), skip=0, play=1, seed=number,
        options={},
    )  # fmt: skip


def bare(card: EngineCard) -> Any:
    """The pipeline as a plain script loads it."""
    import torch
    from diffusers import DiffusionPipeline

    import sora_cli.engines.nano  # noqa: F401  diffusers wants the class imported

    pipe = DiffusionPipeline.from_pretrained(str(card.location), torch_dtype=torch.float32)
    pipe.set_progress_bar_config(disable=True)
    return pipe.to("cuda" if torch.cuda.is_available() else "cpu")


def run_bare(pipe: Any, card: EngineCard, take: Take) -> np.ndarray[Any, Any]:
    """One take as a plain script makes it."""
    import torch

    options = card.options()
    assert isinstance(options, WanVaceOptions)
    frames = pipe(
        prompt=take.prompt, negative_prompt=options.quality_avoid, height=take.height, width=take.width,
        num_frames=take.frames, num_inference_steps=options.steps, guidance_scale=options.guidance,
        max_sequence_length=card.prompt_tokens, generator=torch.Generator("cpu").manual_seed(take.seed),
        output_type="np",
    ).frames[0]  # fmt: skip
    return (frames * 255).round().astype(np.uint8)


def main() -> int:
    """Measure, print, and fail where the ratio is above 1.02."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--engine", default="nano")
    asked = parser.parse_args()
    card = catalogue.card(asked.engine)
    engine = catalogue.open_engine(card)
    pipe = bare(card)
    runs: dict[str, Callable[[Take], Any]] = {
        "ours": lambda take: engine.generate(take, Given(), lambda *_: None).frames,
        "bare": lambda take: run_bare(pipe, card, take),
    }
    warm = take_of(card, 999)
    same = np.abs(runs["ours"](warm).astype(int) - runs["bare"](warm)).max()
    spent: dict[str, list[float]] = {"ours": [], "bare": []}
    for number in range(asked.rounds):
        take = take_of(card, number)
        for name in sorted(runs, reverse=bool(number % 2)):
            started = time.process_time()
            runs[name](take)
            spent[name].append(time.process_time() - started)
    ours, theirs = spent["ours"], spent["bare"]
    ratio = statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True))
    print(f"ours {statistics.median(ours):.3f} s, bare {statistics.median(theirs):.3f} s of processor time a round")
    print(f"ratio {ratio:.3f} (at most 1.02); largest difference of a byte: {same}")
    return 0 if ratio <= 1.02 else 1


if __name__ == "__main__":
    sys.exit(main())
