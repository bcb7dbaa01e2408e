"""Fit the weights that tell a place from its picture, so that it can be heard: a ridge regression on the world.

Hoerl and Kennard 1970: weights `(X'X + r I)^-1 X'Y`.

python -m examples.nano.hear
"""

from __future__ import annotations

import numpy as np
import torch

from sora_cli.sound.foley.scenery import PLACES, WEIGHTS, view

from .config import FRAMES
from .scene import draw_scene
from .world import render

CLIPS, SEED, RIDGE = 1400, 930_001, 0.3
SIZE = (96, 144)
LOOKED_AT = (0, (FRAMES - 1) // 2, FRAMES - 1)


def views(clips: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Views of random scenes `(clips, figures)` as `scenery.view` has them, and what they show, `(clips, places + 1)`.

    One column a place, and one for night; 1 where it is so, else 0.
    """
    rng = np.random.default_rng(seed)
    scenes = [draw_scene(rng, variety=0.1) for _ in range(clips)]
    seen = []
    for first in range(0, clips, 32):
        video = render(scenes[first : first + 32], torch.device("cpu"), SIZE, LOOKED_AT).video
        frames = (video.permute(0, 2, 3, 4, 1) * 255).round().byte().numpy()
        seen += [view(one) for one in frames]
    wanted = [[float(s.place == name) for name in PLACES] + [float(s.time == "night")] for s in scenes]
    return np.stack(seen), np.array(wanted)


def main() -> None:
    """Fit the weights, keep them, and print which share of other scenes they tell right."""
    x, y = views(CLIPS, SEED)
    weights = np.linalg.solve(x.T @ x + RIDGE * np.eye(x.shape[1]), x.T @ y)
    np.savez_compressed(WEIGHTS, weights=weights.astype(np.float32))
    x, y = views(CLIPS // 4, SEED + 1)
    scores = x @ weights
    right = scores[:, :-1].argmax(1) == y[:, :-1].argmax(1)
    night = (scores[:, -1] > 0.5) == (y[:, -1] > 0.5)
    sure = scores[:, :-1].max(1)
    print(f"place {right.mean():.1%}, night {night.mean():.1%}, least sure tenth {np.percentile(sure, 10):.2f}")


if __name__ == "__main__":
    main()
