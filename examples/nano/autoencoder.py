"""Make the video autoencoder: the encoder in closed form, at once; then the decoder learns, as long as you let it.

    python -m examples.nano.autoencoder --minutes 0     the encoder only, in a minute: the next stages can begin
    python -m examples.nano.autoencoder --minutes 60    the decoder too, or on from its checkpoint

Latents on disk stay valid while the decoder learns, so it may learn beside the transformer, or after it.
"""

from __future__ import annotations

import argparse
import copy
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name everyone uses
from torch import Tensor

from sora_cli.engines.nano.autoencoder import PLACE_CHANNELS, PaperAutoencoder

from .config import AUTOENCODER, FRAMES, PATCH_FRAMES, SEEN_HEIGHT, SEEN_WIDTH, TRAINING, WORK, device
from .muon import optimizers
from .scene import draw_scene
from .world import render

FOLDER = WORK / "autoencoder"
FITTED, POOL, TEST = 240, 400, 24  # clips to fit components to, to train on (always renewed), to measure with
COMPONENT_WEIGHT = 8.0
NOISE = 0.06  # added to latents in training: what the transformer hands over is never exact
ACTOR_WEIGHT = 3.0
MUON_RATE, ADAM_RATE = 2e-3, 5e-4


class Pool:
    """Rendered clips in memory, as bytes.

    `video` is `(clips, 3, frames, rows, columns)`; `actor`, how much of a pixel the actor covers, has no colours.

    Args:
        clips: how many.
        seed: of their scenes.
        where: the device to draw on.
        size: rows and columns.
    """

    def __init__(
        self, clips: int, seed: int, where: torch.device, size: tuple[int, int] = (SEEN_HEIGHT, SEEN_WIDTH)
    ) -> None:
        self.size = size
        self.rng = np.random.default_rng(seed)
        self.where = where
        self.video = torch.empty(clips, 3, FRAMES, *size, dtype=torch.uint8)
        self.actor = torch.empty(clips, FRAMES, *size, dtype=torch.uint8)
        for first in range(0, clips, 16):
            self._render(slice(first, min(first + 16, clips)))

    def _render(self, places: slice) -> None:
        clips = render(
            [draw_scene(self.rng, variety=TRAINING.variety) for _ in range(places.start, places.stop)],
            self.where,
            self.size,
        )
        self.video[places] = (clips.video * 255).round().byte().cpu()
        self.actor[places] = (clips.actor * 255).round().byte().cpu()

    def refresh(self) -> None:
        """Replace one clip by a new one."""
        place = int(self.rng.integers(len(self.video)))
        self._render(slice(place, place + 1))

    def batch(self, rng: np.random.Generator, clips: int, frames: int) -> tuple[Tensor, Tensor]:
        """Random stretches `(clips, 3, frames, rows, columns)`, -1 to 1, and weights, which have one channel."""
        chosen = torch.from_numpy(rng.integers(len(self.video), size=clips))
        start = int(rng.integers(FRAMES - frames + 1))
        cut = slice(start, start + frames)
        video = self.video[chosen][:, :, cut].to(self.where).float() / 127.5 - 1
        actor = self.actor[chosen][:, cut].to(self.where).float() / 255
        near = F.max_pool3d(actor[:, None], (1, 9, 9), 1, (0, 4, 4))
        return video, 1 + ACTOR_WEIGHT * near


def fit_components(model: PaperAutoencoder, pool: Pool) -> None:
    """Set the linear maps of `model`, in place, to the principal components of its cells, the largest first.

    Principal components: Pearson 1901; here the eigenvectors of the cells' covariance. Cells with an actor in them
    weigh more: 0.3 dB better in the actors' boxes, and no worse elsewhere (measured).
    """
    cells, shares = [], []
    for first in range(0, len(pool.video), 8):
        video = pool.video[first : first + 8].to(pool.where).float() / 127.5 - 1
        actor = pool.actor[first : first + 8, None].to(pool.where).float() / 255
        kept = torch.randperm(8 * 5 * 96, device=pool.where)[:1500]
        cells.append(model.merge(model.to_cells(video)).permute(0, 2, 3, 1).flatten(0, 2)[kept])
        shares.append(model.merge(model.to_cells(actor.expand(-1, 3, -1, -1, -1))).mean(1).flatten()[kept])
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
        model.restore.weight.copy_((chosen.T * size)[..., None, None])
        model.restore.bias.copy_(mean)
    standardise(model, latents / size)


SPREAD_POWER = 0.6


def standardise(model: PaperAutoencoder, latents: Tensor) -> None:
    """Write the mean and scale of latents `(cells, channels)` into the model's configuration, for the pipeline.

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
    """The standard deviation of each channel of normalised latents, from their scale: the reverse of `standardise`."""
    scale = torch.tensor(model.config.latents_std[:-PLACE_CHANNELS])
    spread = scale ** (1 / SPREAD_POWER - 1)
    spread = spread / spread.pow(2).mean().sqrt()
    return [round(float(v), 5) for v in spread] + [1.0] * PLACE_CHANNELS


def maps_of(model: PaperAutoencoder) -> tuple[Tensor, Tensor, Tensor]:
    """What `GivenInPart` learns: the encoder, the first part of the decoder, and grey latents, all normalised."""
    told = (model.config.latents_mean, model.config.latents_std)
    mean, scale = (torch.tensor(values)[: model.components].to(model.project.weight) for values in told)
    restore = model.restore.weight.flatten(1)
    encoder = _by_pixel(model, model.project.weight.flatten(1) / scale[:, None])
    decoder = _by_pixel(model, torch.cat([restore.T * scale[:, None], (restore @ mean + model.restore.bias)[None]]))
    return encoder.permute(1, 0, 2), decoder.permute(1, 2, 0), (model.project.bias - mean) / scale


def _by_pixel(model: PaperAutoencoder, cells: Tensor) -> Tensor:
    """Coarse cells `(count, values)` as pixels: (count, rows * columns of a cell, colours * frames)."""
    group = torch.cat([cells[:1], cells])[..., None, None]  # of a video's first group all frames but one are left out
    video = model.from_cells(model.split(group), 1)[0, :, 1:]
    return video.unflatten(1, (-1, PATCH_FRAMES)).permute(1, 3, 4, 0, 2).flatten(3).flatten(1, 2)


def loss_of(error: Tensor, weight: Tensor) -> Tensor:
    """What the decoder is trained on: one number.

    Squared error for fidelity, absolute error and that of gradients for clean edges. `error` is `(clips, 3, frames,
    rows, columns)` in units of -1 to 1, `weight` as `Pool.batch` gives it.
    """
    across, down = error[..., 1:] - error[..., :-1], error[..., 1:, :] - error[..., :-1, :]
    value = (weight * (error.abs() + 4 * error.pow(2))).mean() / weight.mean()
    return value + 0.3 * (across.abs().mean() + down.abs().mean())


def decibels(first: Tensor, second: Tensor) -> float:
    """The mean peak signal-to-noise ratio of clips `(clips, ...)` of -1 to 1, in dB."""
    return float((-10 * torch.log10((first - second).pow(2).flatten(1).mean(1) / 4)).mean())


def through(model: PaperAutoencoder, video: Tensor) -> Tensor:
    """A video `(clips, 3, frames, rows, columns)`, -1 to 1, there and back.

    At full size the enlarger is used, at half size it is not.
    """
    if video.shape[-1] == SEEN_WIDTH:
        return model.to_video(model.to_latents(video)).clamp(-1, 1)
    return model(video).sample


@torch.no_grad()
def measure(model: PaperAutoencoder, pool: Pool) -> tuple[float, float]:
    """The peak signal-to-noise ratio of what comes back, in dB: over whole clips, and inside the actors' boxes."""
    whole, boxes = [], []
    for first in range(0, len(pool.video), 4):
        video = pool.video[first : first + 4].to(pool.where).float() / 127.5 - 1
        again = through(model, video)
        whole.append(decibels(video, again))
        covered = pool.actor[first : first + 4].to(pool.where) > 127
        rows, columns = covered.any(3, keepdim=True), covered.any(2, keepdim=True)
        box = (rows & columns)[:, None].float()
        error = ((video - again).pow(2) * box).flatten(1).sum(1) / (3 * box.flatten(1).sum(1)).clamp(min=1)
        seen = box.flatten(1).sum(1) > 0
        boxes.append(float((-10 * torch.log10(error[seen].clamp(min=1e-8) / 4)).mean()))
    return float(np.mean(whole)), float(np.mean(boxes))


def load(folder: Path = FOLDER) -> PaperAutoencoder:
    """The trained autoencoder, on the device of `config.device`.

    Raises:
        OSError: it was not trained yet.
    """
    return PaperAutoencoder.from_pretrained(folder).to(device()).eval()


def first_model() -> PaperAutoencoder:
    """The autoencoder from its checkpoint, or a new one with its encoder fitted."""
    if (FOLDER / "config.json").exists():
        return load()
    sizes = AUTOENCODER
    channels = sizes.components + PLACE_CHANNELS
    widths = (sizes.coarse, sizes.fine, sizes.coarse_blocks, sizes.fine_blocks, sizes.enlarged)
    model = PaperAutoencoder(channels, *widths).to(device())
    fit_components(model, Pool(FITTED, 20, device()))
    model.save_pretrained(FOLDER)
    return model


def train(minutes: float) -> None:
    """Train the decoder for so many minutes, and save it every few. The learning rate falls to 0 along a cosine."""
    where = device()
    average = first_model()
    test = Pool(TEST, 900_001, where)
    print("at the start: {:.2f} dB, {:.2f} dB in boxes".format(*measure(average, test)), flush=True)
    if minutes <= 0:
        return
    model = copy.deepcopy(average).train()
    for name, weight in model.named_parameters():
        weight.requires_grad_("project" not in name)
    pool = Pool(POOL, int(time.time()), where)
    rng = np.random.default_rng()
    muon, adam = optimizers(model.named_parameters(), lambda n, w: w.ndim == 4 and "decoder" in n)
    began = saved = time.time()
    step = 0
    while (done := (time.time() - began) / (60 * minutes)) < 1:
        rate = min(1.0, (step + 1) / 50) * (0.5 + 0.5 * math.cos(math.pi * done))
        for optimizer, base in ((muon, MUON_RATE), (adam, ADAM_RATE)):
            for group in optimizer.param_groups:
                group["lr"] = base * rate
            optimizer.zero_grad()
        video, weight = pool.batch(
            rng, TRAINING.autoencoder_batch, FRAMES if rng.random() < 0.3 else 2 * PATCH_FRAMES + 1
        )
        with torch.no_grad():
            latents = model.to_latents(video)
        loss = loss_of(model.to_video(latents + NOISE * torch.randn_like(latents)) - video, weight)
        loss.backward()
        torch.nn.utils.clip_grad_norm_([w for w in model.parameters() if w.requires_grad], 1.0)
        muon.step()
        adam.step()
        step += 1
        if step % 4 == 0:
            pool.refresh()
        with torch.no_grad():
            keep = min(0.99, (step + 1) / (step + 10))
            torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1 - keep)
        if time.time() - saved > 60 * TRAINING.save_minutes:
            average.save_pretrained(FOLDER)
            saved = time.time()
            print(
                "step {}, {:.0f} s, {:.2f} dB, {:.2f} dB in boxes".format(step, saved - began, *measure(average, test)),
                flush=True,
            )
    average.save_pretrained(FOLDER)
    print("at the end: {:.2f} dB, {:.2f} dB in boxes".format(*measure(average, test)), flush=True)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=TRAINING.autoencoder_minutes)
    train(parser.parse_args().minutes)


if __name__ == "__main__":
    main()
