"""A contact sheet of the model as it is: the same eight prompts and seeds every time.

python -m examples.nano.sheet               from the training checkpoint
python -m examples.nano.sheet --shipped     from sora_cli/engines/nano
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from diffusers import WanVACEPipeline
from PIL import Image
from torch import Tensor

from .config import CHECKPOINT, FRAMES, HEIGHT, TEXT, WIDTH, WORK
from .world import strip

PROMPTS = (
    "a red ball bounces on the grass",
    "a large blue cube rolls right in the snow",
    "a yellow star floats up in the city at night",
    "a green triangle falls by the sea at sunset",
    "a forest at night, moonlight. close-up. a pink heart stays still. camera pans left. paper cut-out animation",
    "a desert. an orange ring rolls left. zoom in",
    "a white star is jumping in a living room",
    "a meadow at sunset, warm light. wide shot. pip, a purple ball, rolls to the right. camera pans right",
)
STEPS, GUIDANCE = 24, 3.0  # chosen on the tuning cases of `score.py`


def opened(*, shipped: bool) -> WanVACEPipeline:
    """The pipeline that ships, or that of the trained parts; it draws no bars."""
    if shipped:
        pipe = WanVACEPipeline.from_pretrained(CHECKPOINT, dtype=torch.float32)
    else:
        from .assemble import pipeline  # which looks for the trained parts

        pipe = pipeline()
    pipe.set_progress_bar_config(disable=True)
    return pipe


def generate(pipe: WanVACEPipeline, prompt: str, seed: int, steps: int = STEPS, guidance: float = GUIDANCE) -> Tensor:
    """One clip `(3, frames, rows, columns)`, 0 to 1, by a plain call of the pipeline."""
    frames = pipe(
        prompt,
        height=HEIGHT,
        width=WIDTH,
        num_frames=FRAMES,
        num_inference_steps=steps,
        guidance_scale=guidance,
        max_sequence_length=TEXT.max_tokens,
        generator=torch.Generator().manual_seed(seed),
        output_type="np",
    ).frames[0]
    return torch.from_numpy(np.asarray(frames)).permute(3, 0, 1, 2)


def main() -> None:
    """Read the command line and write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shipped", action="store_true")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--guidance", type=float, default=GUIDANCE)
    parser.add_argument("--out", type=Path, default=WORK / "sheet.png")
    options = parser.parse_args()
    pipe = opened(shipped=options.shipped)
    began = time.time()
    rows = [strip(generate(pipe, prompt, 7 + i, options.steps, options.guidance)) for i, prompt in enumerate(PROMPTS)]
    half = len(rows) // 2
    Image.fromarray(np.concatenate([np.concatenate(rows[:half]), np.concatenate(rows[half:])], 1)).save(options.out)
    print(f"wrote {options.out}, {(time.time() - began) / len(rows):.1f} s a clip")


if __name__ == "__main__":
    main()
