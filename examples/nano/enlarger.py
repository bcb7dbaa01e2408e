"""Teach the autoencoder's last part to draw the film, at full size, from what the decoder makes at half of it.

    python -m examples.nano.enlarger --minutes 60       from the start, or on from the checkpoint

It learns from `pairs.py`: what the decoder makes of true latents, and of those that the transformer makes.
"""

from __future__ import annotations

import argparse
import copy
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name everyone uses
from torch import Tensor

from sora_cli.engines.nano.autoencoder import HALF, SMALL, Enlarger

from .autoencoder import FOLDER, Pool, load, measure
from .config import FRAMES, HEIGHT, TRAINING, WIDTH, WORK, device, small_floats

PAIRS = WORK / "pairs"
TEST = 4  # clips to measure with
TRUE_SHARE = 0.35  # of what it learns from comes of true latents
NOISE = 0.06  # at most, added to the small picture
ACTOR_WEIGHT, EDGE_WEIGHT, TIME_WEIGHT = 4.0, 1.0, 0.5
RATE, WARMUP, LOG_STEPS = 2e-3, 50, 50


class Lessons:
    """The pairs on disk, in memory.

    Raises:
        SystemExit: there are none yet.
    """

    def __init__(self) -> None:
        self.rng = np.random.default_rng()
        self.chunks: list[dict[str, Any]] = []
        self.seen: set[Path] = set()
        self.look()

    def look(self) -> None:
        """Load the chunks that came since the last look.

        Raises:
            SystemExit: there are none at all.
        """
        for path in sorted(PAIRS.glob("*.pt")):
            if path not in self.seen:
                self.seen.add(path)
                self.chunks.append(torch.load(path, weights_only=True))
        if not self.chunks:
            raise SystemExit("no pairs yet: run `python -m examples.nano.pairs` first")

    def draw(self) -> tuple[Tensor, Tensor, Tensor]:
        """What is seen, what is to be drawn, and how much each pixel counts.

        Four frames at half size `(clips, 3, 4, rows / 2, columns / 2)`, the two in the middle at full size `(clips, 3,
        2, rows, columns)`, both -1 to 1, and weights `(clips, 1, 2, rows, columns)`.
        """
        parts = [self._part() for _ in range(TRAINING.enlarger_batch // 2)]
        seen, film, weight = (torch.stack(part).to(device()) for part in zip(*parts, strict=True))
        rows, columns = seen.shape[-2] // SMALL, seen.shape[-1] // SMALL
        noise = NOISE * torch.rand(len(seen), 1, 1, 1, 1) * torch.randn(*seen.shape[:3], rows, columns)
        noise = F.interpolate(noise, scale_factor=(1, SMALL, SMALL)).to(seen)
        return seen + noise, film, weight

    def _part(self) -> tuple[Tensor, Tensor, Tensor]:
        """Two neighbouring frames of a random clip, and the frames around them."""
        chunk = self.chunks[int(self.rng.integers(len(self.chunks)))]
        i, versions = int(self.rng.integers(len(chunk["film"]))), chunk["seen"].shape[1]
        true = versions == 1 or self.rng.random() < TRUE_SHARE
        version = 0 if true else int(self.rng.integers(1, versions))
        frame = int(self.rng.integers(FRAMES - 1))
        around = [max(0, frame - 1), frame, frame + 1, min(FRAMES - 1, frame + 2)]
        seen = chunk["seen"][i, version][:, around].float() / 127.5 - 1
        film = chunk["film"][i][:, frame : frame + 2].float() / 127.5 - 1
        actor = chunk["actor"][i][frame : frame + 2].float()
        near = F.interpolate(F.max_pool2d(actor[None], 5, 1, 2), scale_factor=HALF)
        return seen, film, 1 + ACTOR_WEIGHT * near


def loss_of(made: Tensor, film: Tensor, weight: Tensor) -> Tensor:
    """What the enlarger is trained on: one number.

    Absolute error, which keeps edges sharp, and that of the steps from pixel to pixel and from frame to frame. `made`
    and `film` are `(clips, 3, frames, rows, columns)`, -1 to 1.
    """
    error = made - film
    across, down = error[..., 1:] - error[..., :-1], error[..., 1:, :] - error[..., :-1, :]
    later = error[:, :, 1:] - error[:, :, :-1]
    value = (weight * error.abs()).mean()
    return value + EDGE_WEIGHT * (across.abs().mean() + down.abs().mean()) + TIME_WEIGHT * later.abs().mean()


class Teacher:
    """Teaches a copy of an enlarger, which becomes the running mean of what is learned."""

    def __init__(self, average: Enlarger) -> None:
        self.average, self.model, self.lessons = average, copy.deepcopy(average).train(), Lessons()
        self.adam = torch.optim.AdamW(self.model.parameters(), lr=0.0, betas=(0.9, 0.98), weight_decay=1e-4)
        self.step = 0
        self.losses: list[float] = []

    def learn(self, rate: float) -> None:
        """Take one step; `rate` is a share of the learning rate, 0 to 1."""
        for group in self.adam.param_groups:
            group["lr"] = RATE * rate * min(1.0, (self.step + 1) / WARMUP)
        seen, film, weight = self.lessons.draw()
        small, told = (part.unflatten(0, (len(seen), -1))[:, 1:3].flatten(0, 1) for part in self.model.told(seen))
        with torch.autocast(device().type, torch.bfloat16, enabled=small_floats()):
            made = self.model.draw(small, told).unflatten(0, (len(seen), -1)).transpose(1, 2)
        loss = loss_of(made, film, weight)
        self.adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.adam.step()
        self.step += 1
        self.losses.append(loss.item())
        with torch.no_grad():
            keep = min(0.99, self.step / (self.step + 10))
            torch._foreach_lerp_(list(self.average.parameters()), list(self.model.parameters()), 1 - keep)

    def mean_loss(self) -> float:
        """The mean loss of the steps since it was asked last."""
        mean = float(np.mean(self.losses))
        self.losses.clear()
        return mean


def train(minutes: float) -> None:
    """Train for so many minutes; the rate falls over the last third of them. It is saved every few minutes."""
    model = load()
    test = Pool(TEST, 900_001, device(), (HEIGHT, WIDTH))
    teacher = Teacher(model.enlarger)
    began = saved = time.time()
    while (done := (time.time() - began) / (60 * minutes)) < 1:
        teacher.learn(min(1.0, 3 * (1 - done) + 0.02))
        if teacher.step % LOG_STEPS == 0:
            teacher.lessons.look()
            print(f"step {teacher.step}, {time.time() - began:.0f} s, loss {teacher.mean_loss():.4f}", flush=True)
        if time.time() - saved > 60 * TRAINING.save_minutes:
            saved = time.time()
            model.save_pretrained(FOLDER)
            print("{:.2f} dB, {:.2f} dB in boxes".format(*measure(model, test)), flush=True)
    model.save_pretrained(FOLDER)
    print("at the end: {:.2f} dB, {:.2f} dB in boxes".format(*measure(model, test)), flush=True)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=TRAINING.enlarger_minutes)
    train(parser.parse_args().minutes)


if __name__ == "__main__":
    main()
