"""What measures generated clips: a small network that finds the actor in a picture, and one that reads the camera.

Both are trained on rendered clips only, blurred and noisy, never on the transformer's work, and `score.py` first tests
them on held-out rendered clips: below 97 % they measure nothing.

    python -m examples.nano.examiner
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name everyone uses
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from .config import FRAMES, SEEN_HEIGHT, SEEN_WIDTH, device
from .scene import CAMERAS, COLOURS, PLACES, SHAPES, TIMES, Scene, draw_scene
from .world import render

STATE = Path(__file__).with_name("examiner.safetensors")  # kept with the code, so that scores stay comparable
SMALL = (64, 96)  # rows and columns it looks at
CLIPS, SEED = 1500, 910_001
STEPS, BATCH, RATE = 700, 48, 3e-3
HEADS = {"shape": SHAPES, "colour": COLOURS, "place": PLACES, "time": TIMES}
LOOKED_AT = range(0, FRAMES, (FRAMES - 1) // 4)  # the frames whose shifts from one to the next are measured
ACROSS, DOWN = range(-13, 14), range(-7, 8)  # shifts tried, in small pixels
BANDS, HALVES = 8, 4


class Eye(nn.Module):
    """Finds the actor in pictures `(pictures, 3, *SMALL)`, 0 to 1, and guesses what is seen."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, b, 3, 2, 1), nn.BatchNorm2d(b), nn.ReLU(), *extra)
            for a, b, extra in (
                (3, 24, ()),
                (24, 48, ()),
                (48, 96, (nn.Conv2d(96, 96, 3, padding=1), nn.BatchNorm2d(96), nn.ReLU())),
            )
        )
        self.up = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU()) for a, b in ((144, 24), (48, 16))
        )
        self.mask = nn.Conv2d(16, 1, 3, padding=1)
        self.outline = nn.Sequential(nn.Linear(16 * 16 * 4, 128), nn.ReLU(), nn.Linear(128, len(SHAPES) + len(COLOURS)))
        self.scenery = nn.Linear(96 * 4 * 2, len(PLACES) + len(TIMES))

    def forward(self, pictures: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Logits of the actor's mask `(pictures, 1, ...)`, at half of the size, and of each of `HEADS`."""
        first = self.down[0](pictures)
        second = self.down[1](first)
        third = self.down[2](second)
        h = self.up[0](torch.cat([F.interpolate(third, scale_factor=2), second], 1))
        h = self.up[1](torch.cat([F.interpolate(h, scale_factor=2), first], 1))
        mask = self.mask(h)
        crop = cut_out(pictures, mask.detach().sigmoid())
        actor = self.outline(crop.flatten(1))
        scenery = self.scenery(F.adaptive_avg_pool2d(third, (4, 2)).flatten(1))
        parts = [actor[:, : len(SHAPES)], actor[:, len(SHAPES) :], scenery[:, : len(PLACES)], scenery[:, len(PLACES) :]]
        return mask, dict(zip(HEADS, parts, strict=True))


def locate(mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Centre (x, y downwards, in heights from the middle) and area (in square heights) of soft masks (n, 1, r, c)."""
    rows, columns = mask.shape[-2:]
    weight = mask[:, 0] * (mask[:, 0] > 0.3)
    total = weight.flatten(1).sum(1).clamp(min=1e-3)
    x = ((torch.arange(columns, device=mask.device) + 0.5 - columns / 2) / rows)[None, None, :]
    y = ((torch.arange(rows, device=mask.device) + 0.5 - rows / 2) / rows)[None, :, None]
    return (weight * x).flatten(1).sum(1) / total, (weight * y).flatten(1).sum(1) / total, total / rows**2


def foot_of(mask: Tensor) -> Tensor:
    """The height of the lower edge of soft masks (n, 1, r, c), y downwards in heights from the middle."""
    rows = mask.shape[-2]
    profile = F.pad(mask[:, 0].amax(2), (0, 1))
    covered = profile > 0.5
    index = torch.arange(rows + 1, device=mask.device)
    last = torch.where(covered, index, -1).amax(1).clamp(min=0)
    here = profile.gather(1, last[:, None])[:, 0]
    below = profile.gather(1, (last + 1).clamp(max=rows)[:, None])[:, 0]
    part = ((here - 0.5) / (here - below).clamp(min=1e-3)).clamp(0, 1)
    return (last + 0.5 + part) / rows - 0.5


def cut_out(pictures: Tensor, mask: Tensor) -> Tensor:
    """The actor and its mask, cut out around its centre and brought to 16 x 16: (n, 4, 16, 16)."""
    x, y, area = locate(mask)
    half = (area.clamp(min=0.01).sqrt() * 0.85).clamp(max=0.45)
    grid = torch.linspace(-1, 1, 16, device=mask.device)
    across = (x[:, None, None] + half[:, None, None] * grid[None, None, :]) / (SMALL[1] / SMALL[0] / 2)
    down = (y[:, None, None] + half[:, None, None] * grid[None, :, None]) / 0.5
    where = torch.stack([across.expand(-1, 16, -1), down.expand(-1, -1, 16)], -1)
    both = torch.cat([pictures, F.interpolate(mask, size=SMALL, mode="bilinear")], 1)
    return F.grid_sample(both, where, align_corners=False)


class Compass(nn.Module):
    """Tells the camera's move and its size from what `shift_costs` gives: `(clips, features)`."""

    def __init__(self) -> None:
        super().__init__()
        size = len(ACROSS) * BANDS * 2 + len(DOWN) * HALVES * 2
        self.layers = nn.Sequential(nn.LayerNorm(size), nn.Linear(size, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU())
        self.move = nn.Linear(128, len(CAMERAS))
        self.amount = nn.Linear(128, 3)

    def forward(self, costs: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of `CAMERAS`, and pan, tilt and zoom over a clip as shares of the world's, `(clips, 3)`."""
        h = self.layers(costs)
        return self.move(h), self.amount(h)


def shift_costs(video: Tensor, masks: Tensor) -> Tensor:
    """How badly shifts explain the background: `(clips, features)`, absolute differences times 10.

    `video` is `(clips, 3, frames, *SMALL)`, 0 to 1, of the frames `LOOKED_AT`; `masks` are the actors' in them at half
    of the size, `(clips, frames, ...)`.

    Left and right halves apart, since a zoom moves them apart; rows in bands, since near sheets move more than far.
    """
    away = (F.max_pool2d(masks.flatten(0, 1)[:, None], 5, 1, 2) < 0.5).float()
    away = F.interpolate(away, size=SMALL).unflatten(0, masks.shape[:2])[:, :, 0]
    features = []
    for shifts, axis in ((ACROSS, -1), (DOWN, -2)):
        for shift in shifts:
            costs = []
            for first in range(len(LOOKED_AT) - 1):
                after = torch.roll(video[:, :, first + 1], shift, axis)
                error = (video[:, :, first] - after).abs().mean(1)
                seen = away[:, first] * torch.roll(away[:, first + 1], shift, axis)
                costs.append(_pool(error * seen, axis) / (_pool(seen, axis) + 0.02))
            features.append(torch.stack(costs).mean(0))
    return torch.cat([f.flatten(1) for f in features], 1) * 10


def _pool(x: Tensor, axis: int) -> Tensor:
    """Means over bands and halves, leaving out the margin that a shift wraps round."""
    margin = max(ACROSS) if axis == -1 else max(DOWN)
    if axis == -1:
        return F.adaptive_avg_pool2d(x[:, None, :, margin:-margin], (BANDS, 2))
    return F.adaptive_avg_pool2d(x[:, None, margin:-margin, :], (2, HALVES))


@dataclass
class Findings:
    """What the examiner sees in a batch of clips."""

    names: dict[str, list[str]]  # property -> the guess for each clip
    colours: list[list[str]]  # of every frame
    x: Tensor  # (clips, frames): the actor's centre in heights from the middle, y downwards
    y: Tensor
    foot: Tensor  # (clips, frames): the actor's lower edge
    area: Tensor  # (clips, frames): of the actor, in square heights; near 0 where there is none
    moves: Tensor  # (clips, 3): pan to the right, tilt upwards, zoom in, as shares of the world's


class Examiner:
    """Both networks: trained, from the file beside this one, or new."""

    def __init__(self, *, trained: bool = True) -> None:
        self.eye, self.compass = Eye().to(device()), Compass().to(device())
        if trained:
            self.both().load_state_dict(load_file(STATE))
        self.eye.eval()
        self.compass.eval()

    def both(self) -> nn.ModuleDict:
        """The two networks as one, to load and save."""
        return nn.ModuleDict({"eye": self.eye, "compass": self.compass})

    @torch.no_grad()
    def look(self, video: Tensor) -> Findings:
        """Examine clips (clips, 3, frames, rows, columns), 0 to 1."""
        small = shrink(video)
        clips, _, frames, _, _ = small.shape
        logits, guesses = self.eye(small.transpose(1, 2).flatten(0, 1))
        mask = logits.sigmoid()
        x, y, area, foot = (value.unflatten(0, (clips, frames)) for value in (*locate(mask), foot_of(mask)))
        seen = (area > 0.25 * area.amax(1, keepdim=True)).float()[..., None]
        names, colours = {}, []
        for name, values in HEADS.items():
            chances = guesses[name].log_softmax(1).unflatten(0, (clips, frames))
            weight = seen if name in ("shape", "colour") else torch.ones_like(seen)
            names[name] = [values[int(i)] for i in (chances * weight).sum(1).argmax(1)]
            if name == "colour":
                colours = [[values[int(i)] for i in row] for row in chances.argmax(2)]
        masks = mask[:, 0].unflatten(0, (clips, frames))
        move, amount = self.compass(shift_costs(small[:, :, LOOKED_AT], masks[:, LOOKED_AT]))
        names["camera"] = [CAMERAS[int(i)] for i in move.argmax(1)]
        return Findings(names, colours, x.cpu(), y.cpu(), foot.cpu(), area.cpu(), amount.cpu())


def shrink(video: Tensor) -> Tensor:
    """Clips `(clips, 3, frames, rows, columns)` at the size that the examiner looks at, `SMALL`."""
    clips, _, frames = video.shape[:3]
    small = F.adaptive_avg_pool2d(video.transpose(1, 2).flatten(0, 1), SMALL)
    return small.unflatten(0, (clips, frames)).transpose(1, 2)


def true_moves(scenes: Sequence[Scene]) -> Tensor:
    """Pan, tilt and zoom of scenes as shares of the world's: (clips, 3)."""
    table = {
        "right": (1, 0, 0),
        "left": (-1, 0, 0),
        "up": (0, 1, 0),
        "down": (0, -1, 0),
        "in": (0, 0, 1),
        "out": (0, 0, -1),
    }
    return torch.tensor([table.get(s.camera, (0, 0, 0)) for s in scenes], dtype=torch.float32)


class Lessons:
    """Small rendered clips to learn from: (clips, 3, frames, *SMALL) as bytes, masks, and the scenes."""

    def __init__(self, clips: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.scenes = [draw_scene(rng, switches=0.1) for _ in range(clips)]
        self.video = torch.empty(clips, 3, len(LOOKED_AT), *SMALL, dtype=torch.uint8)
        self.mask = torch.empty(clips, len(LOOKED_AT), SMALL[0] // 2, SMALL[1] // 2, dtype=torch.uint8)
        for first in range(0, clips, 32):
            cut = slice(first, min(first + 32, clips))
            drawn = render(self.scenes[cut], device(), (SEEN_HEIGHT, SEEN_WIDTH), LOOKED_AT)
            self.video[cut] = (shrink(drawn.video) * 255).round().byte().cpu()
            self.mask[cut] = (F.adaptive_avg_pool2d(drawn.actor, (SMALL[0] // 2, SMALL[1] // 2)) * 255).byte().cpu()
        self.labels = {n: torch.tensor([v.index(getattr(s, n)) for s in self.scenes]) for n, v in HEADS.items()}

    def pictures(self, rng: np.random.Generator, count: int) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Random frames, a little blurred and noisy, as `Eye` takes them; masks as it gives them; places in `HEADS`."""
        clip, frame = rng.integers(len(self.scenes), size=count), rng.integers(len(LOOKED_AT), size=count)
        pictures = self.video[clip, :, frame].to(device()).float() / 255
        if rng.random() < 0.6:
            soft = F.avg_pool2d(F.pad(pictures, (1, 1, 1, 1), mode="replicate"), 3, 1)
            pictures = torch.lerp(pictures, soft, float(rng.random()))
        pictures = pictures + 0.03 * float(rng.random()) * torch.randn_like(pictures)
        masks = self.mask[clip, frame].to(device()).float()[:, None] / 255
        return pictures, masks, {n: v[clip].to(device()) for n, v in self.labels.items()}


def train_eye(eye: Eye, lessons: Lessons) -> None:
    """Teach the eye to find the actor and to name what it sees: `STEPS` steps of AdamW. It changes `eye`."""
    optimizer = torch.optim.AdamW(eye.parameters(), lr=RATE, weight_decay=0.01)
    rng = np.random.default_rng(0)
    eye.train()
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1.0, (step + 1) / 50) * (0.5 + 0.5 * math.cos(math.pi * step / STEPS))
        pictures, masks, labels = lessons.pictures(rng, BATCH)
        logits, guesses = eye(pictures)
        shown = masks.flatten(1).sum(1) > 20  # small pixels: of an actor mostly out of sight nothing is asked
        loss = 4 * F.binary_cross_entropy_with_logits(logits, masks)
        for name, guess in guesses.items():
            errors = F.cross_entropy(guess, labels[name], reduction="none")
            loss = loss + (errors * shown if name in ("shape", "colour") else errors).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (step + 1) % 250 == 0:
            print(f"eye, step {step + 1}, loss {loss.item():.4f}", flush=True)
    eye.eval()


def train_compass(examiner: Examiner, lessons: Lessons) -> None:
    """Teach the compass of an examiner, whose eye is trained, to read camera moves. It changes the examiner."""
    costs = []
    with torch.no_grad():
        for first in range(0, len(lessons.scenes), 16):
            video = lessons.video[first : first + 16].to(device()).float() / 255
            mask = examiner.eye(video.transpose(1, 2).flatten(0, 1))[0].sigmoid()
            costs.append(shift_costs(video, mask[:, 0].unflatten(0, (len(video), -1))))
    features = torch.cat(costs)
    moves = true_moves(lessons.scenes).to(device())
    labels = torch.tensor([CAMERAS.index(s.camera) for s in lessons.scenes], device=device())
    optimizer = torch.optim.AdamW(examiner.compass.parameters(), lr=1e-3, weight_decay=0.05)
    examiner.compass.train()
    for _ in range(STEPS):
        chosen = torch.randint(len(labels), (128,), device=device())
        noisy = features[chosen] * (1 + 0.1 * torch.randn_like(features[chosen]))
        move, amount = examiner.compass(noisy)
        loss = F.cross_entropy(move, labels[chosen]) + 3 * (amount - moves[chosen]).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"compass, loss {loss.item():.4f}", flush=True)
    examiner.compass.eval()


def main() -> None:
    """Train both and save them."""
    torch.manual_seed(0)
    began = time.time()
    lessons = Lessons(CLIPS, SEED)
    print(f"{CLIPS} clips rendered, {time.time() - began:.0f} s", flush=True)
    examiner = Examiner(trained=False)
    train_eye(examiner.eye, lessons)
    train_compass(examiner, lessons)
    weights = {n: w.half() if w.is_floating_point() else w for n, w in examiner.both().state_dict().items()}
    save_file(weights, STATE)
    print(f"wrote {STATE}, {time.time() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
