"""Make the video autoencoder: the encoder in closed form, at once; then the decoder learns for as long as it may.

    python -m examples.nano.autoencoder --minutes 0     the encoder only, in a minute: the next stages can begin
    python -m examples.nano.autoencoder --minutes 60    the decoder too, on from its checkpoint, from `pairs.py`

Latents on disk stay valid while the decoder learns, so it may learn beside the transformer, or after it.
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

from sora_cli.engines.nano.autoencoder import GROUP, PLACE_CHANNELS, SEEN, SMALL, PaperAutoencoder, place_code

from .config import (
    AUTOENCODER,
    FRAMES,
    HEIGHT,
    LATENT_FRAMES,
    LATENT_HEIGHT,
    LATENT_WIDTH,
    SEEN_HEIGHT,
    SEEN_WIDTH,
    TRAINING,
    WIDTH,
    WORK,
    device,
)
from .muon import optimizers
from .scene import draw_scene
from .world import render

FOLDER = WORK / "autoencoder"
PAIRS = WORK / "pairs"
FITTED, TEST = 240, 4  # clips to fit components to, and to measure with
COMPONENT_WEIGHT = 8.0
TRUE_SHARE = 0.4  # of the latents that the decoder learns from are true, with a little noise
NOISE = 0.06
GROUPS, COLUMNS = 2, 4  # latent frames and columns of cells in one lesson
ACTOR_WEIGHT, EDGE_WEIGHT, TIME_WEIGHT = 3.0, 1.0, 0.5
SOFT = 0.02  # errors below this count by their square: most of a picture is plain, and drawing nothing fits it
LOOK_STEPS = 50
MUON_RATE, ADAM_RATE = 1e-3, 2e-4  # of five times as much it learns to draw nothing


class Pool:
    """Rendered clips in memory, as bytes."""

    def __init__(self, clips: int, seed: int, where: torch.device, size: tuple[int, int] = (HEIGHT, WIDTH)) -> None:
        self.rng = np.random.default_rng(seed)
        self.where = where
        self.video = torch.empty(clips, 3, FRAMES, *size, dtype=torch.uint8)
        self.actor = torch.empty(clips, FRAMES, *size, dtype=torch.uint8)
        for first in range(0, clips, 16):
            places = slice(first, min(first + 16, clips))
            scenes = [draw_scene(self.rng, variety=TRAINING.variety) for _ in range(places.start, places.stop)]
            drawn = render(scenes, where, size)
            self.video[places] = (drawn.video * 255).round().byte().cpu()
            self.actor[places] = (drawn.actor * 255).round().byte().cpu()


class Lessons:
    """The pairs on disk, in memory."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng()
        self.chunks: list[dict[str, Any]] = []
        self.seen: set[Path] = set()
        self.place = place_code(LATENT_FRAMES, LATENT_HEIGHT * SMALL, LATENT_WIDTH * SMALL)
        self.look()

    def look(self) -> None:
        """Load chunks that came since."""
        for path in sorted(PAIRS.glob("*.pt")):
            if path not in self.seen:
                self.seen.add(path)
                self.chunks.append(torch.load(path, weights_only=True))
        if not self.chunks:
            raise SystemExit("no pairs yet: run `python -m examples.nano.pairs` first")

    def draw(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Latents, where they are, the video (-1 to 1) and the weight of each pixel, of parts of some clips."""
        start, left = (int(self.rng.integers(n + 1)) for n in (LATENT_FRAMES - GROUPS, LATENT_WIDTH - COLUMNS))
        groups, columns = slice(start, start + GROUPS), slice(left, left + COLUMNS)
        parts = [self._part(groups, columns) for _ in range(TRAINING.autoencoder_batch)]
        latents, video, weight = (torch.stack(part).to(device()) for part in zip(*parts, strict=True))
        place = self.place[:, groups, :, left * SMALL : (left + COLUMNS) * SMALL]
        return latents, place, video, weight

    def _part(self, groups: slice, columns: slice) -> tuple[Tensor, Tensor, Tensor]:
        """One random clip's part."""
        chunk = self.chunks[int(self.rng.integers(len(self.chunks)))]
        i, versions = int(self.rng.integers(len(chunk["video"]))), chunk["latents"].shape[1]
        version = 0 if versions == 1 or self.rng.random() < TRUE_SHARE else int(self.rng.integers(1, versions))
        latents = chunk["latents"][i, version, :, groups, :, columns].float()
        if version == 0:
            latents = latents + NOISE * float(self.rng.random()) * torch.randn_like(latents)
        shown = [max(0, frame - GROUP + 1) for frame in range(groups.start * GROUP, groups.stop * GROUP)]
        side = 2 * SEEN
        video = chunk["video"][i][:, shown, :, columns.start * side : columns.stop * side].float() / 127.5 - 1
        actor = chunk["actor"][i][shown, :, columns.start * SEEN : columns.stop * SEEN].float()
        near = F.interpolate(F.max_pool2d(actor[None], 5, 1, 2), scale_factor=2)[0]
        return latents, video, 1 + ACTOR_WEIGHT * near


def fit_components(model: PaperAutoencoder, pool: Pool) -> None:
    """Set the linear maps of `model`, in place, to the principal components of its cells, the largest first.

    `pool` is drawn at the size that the encoder looks at. Cells with an actor in them weigh more: 0.3 dB better in the
    actors' boxes for nothing elsewhere (measured).
    """
    cells, shares = [], []
    for first in range(0, len(pool.video), 8):
        video = pool.video[first : first + 8].to(pool.where).float() / 127.5 - 1
        actor = pool.actor[first : first + 8, None].to(pool.where).float() / 255
        kept = torch.randperm(8 * 5 * 96, device=pool.where)[:1500]
        cells.append(model.to_cells(video).permute(0, 2, 3, 1).flatten(0, 2)[kept])
        shares.append(model.to_cells(actor.expand(-1, 3, -1, -1, -1)).mean(1).flatten()[kept])
    values, weight = torch.cat(cells), 1 + COMPONENT_WEIGHT * torch.cat(shares)[:, None]
    weight = weight / weight.mean()
    mean = (values * weight).mean(0)
    _, vectors = torch.linalg.eigh(((values - mean) * weight).T @ (values - mean) / len(values))
    chosen = vectors.flip(1)[:, : model.components].T
    latents = (values - mean) @ chosen.T
    size = latents.pow(2).mean().sqrt()
    with torch.no_grad():
        model.project.weight.copy_((chosen / size)[..., None, None])
        model.project.bias.copy_(-(chosen @ mean) / size)
        model.small.weight.copy_(small_picture(chosen.T * size)[..., None, None])
        model.small.bias.copy_(small_picture(mean[:, None])[:, 0])
    standardise(model, latents / size)


def small_picture(cells: Tensor) -> Tensor:
    """The small pictures of cells (CELL_VALUES, n), in the order of `PaperAutoencoder.small`: (values, n)."""
    step = SEEN // SMALL
    pixels = cells.reshape(3, GROUP, SMALL, step, SMALL, step, -1).mean((3, 5))
    return pixels.transpose(0, 1).flatten(0, 3)


SPREAD_POWER = 0.6


def standardise(model: PaperAutoencoder, latents: Tensor) -> None:
    """Write the mean and scale of latents (cells, channels) into the model's configuration, for the pipeline.

    Channels are scaled by their spread to the power 0.6, not to spread 1: what carries little must stay quieter than
    the noise for longer, or the transformer spends itself on it.
    """
    spread = latents.std(0)
    scale = spread**SPREAD_POWER
    scale = scale * (spread / scale).pow(2).mean().sqrt()
    model.register_to_config(
        latents_mean=[round(float(v), 5) for v in latents.mean(0)] + [0.0] * PLACE_CHANNELS,
        latents_std=[round(float(v), 5) for v in scale] + [1.0] * PLACE_CHANNELS,
    )


def spread_of(model: PaperAutoencoder) -> list[float]:
    """The spread of every channel of normalised latents, from their scale: the reverse of `standardise`."""
    scale = torch.tensor(model.config.latents_std[:-PLACE_CHANNELS])
    spread = scale ** (1 / SPREAD_POWER - 1)
    spread = spread / spread.pow(2).mean().sqrt()
    return [round(float(v), 5) for v in spread] + [1.0] * PLACE_CHANNELS


def loss_of(made: Tensor, video: Tensor, weight: Tensor) -> Tensor:
    """Absolute error, which keeps edges sharp, and that of the steps from pixel to pixel and from frame to frame.

    All are softened near nothing (Charbonnier's loss).
    """
    error = made - video
    across, down = error[..., 1:] - error[..., :-1], error[..., 1:, :] - error[..., :-1, :]
    later = error[:, :, 1:] - error[:, :, :-1]
    value = (weight[:, None] * _soft(error)).mean() / weight.mean()
    return value + EDGE_WEIGHT * (_soft(across).mean() + _soft(down).mean()) + TIME_WEIGHT * _soft(later).mean()


def _soft(error: Tensor) -> Tensor:
    """The size of an error, its square where it is small."""
    return (error * error + SOFT**2).sqrt() - SOFT


def decibels(first: Tensor, second: Tensor) -> float:
    """Mean peak signal-to-noise ratio of clips of -1 to 1."""
    return float((-10 * torch.log10((first - second).pow(2).flatten(1).mean(1) / 4)).mean())


@torch.no_grad()
def measure(model: PaperAutoencoder, pool: Pool) -> tuple[float, float]:
    """Decibels over whole clips and inside the actors' boxes."""
    whole, boxes = [], []
    for first in range(0, len(pool.video), 4):
        video = pool.video[first : first + 4].to(pool.where).float() / 127.5 - 1
        again = model.to_video(model.to_latents(video)).clamp(-1, 1)
        whole.append(decibels(video, again))
        covered = pool.actor[first : first + 4].to(pool.where) > 127
        rows, columns = covered.any(3, keepdim=True), covered.any(2, keepdim=True)
        box = (rows & columns)[:, None].float()
        error = ((video - again).pow(2) * box).flatten(1).sum(1) / (3 * box.flatten(1).sum(1)).clamp(min=1)
        seen = box.flatten(1).sum(1) > 0
        boxes.append(float((-10 * torch.log10(error[seen].clamp(min=1e-8) / 4)).mean()))
    return float(np.mean(whole)), float(np.mean(boxes))


def load(folder: Path = FOLDER) -> PaperAutoencoder:
    """The trained autoencoder, ready to use."""
    return PaperAutoencoder.from_pretrained(folder).to(device()).eval()


def first_model() -> PaperAutoencoder:
    """The autoencoder from its checkpoint, or a new one with its encoder fitted."""
    if (FOLDER / "config.json").exists():
        return load()
    channels = AUTOENCODER.components + PLACE_CHANNELS
    model = PaperAutoencoder(channels, AUTOENCODER.widths, AUTOENCODER.blocks).to(device())
    fit_components(model, Pool(FITTED, 20, device(), (SEEN_HEIGHT, SEEN_WIDTH)))
    model.save_pretrained(FOLDER)
    return model


def train(minutes: float) -> None:
    """Train the decoder for some minutes; the learning rate falls to nothing at their end."""
    average = first_model()
    if minutes <= 0:
        return
    test = Pool(TEST, 900_001, device())
    print("at the start: {:.2f} dB, {:.2f} dB in boxes".format(*measure(average, test)), flush=True)
    teacher = Teacher(average)
    began = saved = time.time()
    while (done := (time.time() - began) / (60 * minutes)) < 1:
        teacher.learn(min(1.0, 2 * (1 - done)))
        if teacher.step % LOOK_STEPS == 0:
            teacher.lessons.look()
            print(f"step {teacher.step}, {time.time() - began:.0f} s, loss {teacher.mean_loss():.4f}", flush=True)
        if time.time() - saved > 60 * TRAINING.save_minutes:
            saved = time.time()
            average.save_pretrained(FOLDER)
            print("{:.2f} dB, {:.2f} dB in boxes".format(*measure(average, test)), flush=True)
    average.save_pretrained(FOLDER)
    print("at the end: {:.2f} dB, {:.2f} dB in boxes".format(*measure(average, test)), flush=True)


class Teacher:
    """Teaches a copy of the decoder, of which `average` is the running mean."""

    def __init__(self, average: PaperAutoencoder) -> None:
        self.average, self.model, self.lessons = average, copy.deepcopy(average).train(), Lessons()
        self.model.to(memory_format=torch.channels_last)
        for name, weight in self.model.named_parameters():
            weight.requires_grad_(not name.startswith(("project", "small")))
        self.muon, self.adam = optimizers(self.model.named_parameters(), lambda n, w: w.ndim == 4 and "blocks" in n)
        self.mean = torch.tensor(average.config.latents_mean[:-PLACE_CHANNELS]).view(-1, 1, 1, 1).to(device())
        self.scale = torch.tensor(average.config.latents_std[:-PLACE_CHANNELS]).view(-1, 1, 1, 1).to(device())
        self.step = 0
        self.losses: list[float] = []

    def learn(self, rate: float) -> None:
        """One step."""
        from .transformer import small_floats

        rate *= min(1.0, (self.step + 1) / 50)
        for optimizer, base in ((self.muon, MUON_RATE), (self.adam, ADAM_RATE)):
            for group in optimizer.param_groups:
                group["lr"] = base * rate
            optimizer.zero_grad()
        latents, place, video, weight = self.lessons.draw()
        with torch.autocast(device().type, torch.bfloat16, enabled=small_floats()):
            made = self.model.to_frames(latents * self.scale + self.mean, place)
        loss = loss_of(made, video, weight)
        loss.backward()
        torch.nn.utils.clip_grad_norm_([w for w in self.model.parameters() if w.requires_grad], 1.0)
        self.muon.step()
        self.adam.step()
        self.step += 1
        self.losses.append(loss.item())
        with torch.no_grad():
            keep = min(0.995, (self.step + 1) / (self.step + 10))
            torch._foreach_lerp_(list(self.average.parameters()), list(self.model.parameters()), 1 - keep)

    def mean_loss(self) -> float:
        """Of the steps since it was asked last."""
        mean = float(np.mean(self.losses))
        self.losses.clear()
        return mean


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=TRAINING.autoencoder_minutes)
    train(parser.parse_args().minutes)


if __name__ == "__main__":
    main()
