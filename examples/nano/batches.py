"""Batches for the transformer: latents from disk, each with a task, its condition and a caption."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sora_cli.engines.nano.autoencoder import place_code
from sora_cli.engines.nano.transformer import SEEN_CHANNELS

from .autoencoder import load
from .captions import junk
from .conditions import control, fold_mask, frames_condition
from .config import AUTOENCODER, FRAMES, LATENT_FRAMES, LATENT_HEIGHT, LATENT_WIDTH, TRAINING, device
from .latents import FOLDER, STILLS_FOLDER, Encoder
from .scene import ACTIONS, CAMERAS, COLOURS, HITS, ORBITS, SHAPES, STOPS, Scene

REFERENCE_SHARE = {False: 0.5, True: 0.8}  # of batches of clips; of stills, which learn to copy at a fifth of the cost
TASKS = {  # name: share, known opening frames, last frame known
    "text": (0.50, 0, False),
    "first": (0.09, 1, False),
    "carry": (0.23, 5, False),
    "carry9": (0.04, 9, False),
    "carry13": (0.02, 13, False),
    "last": (0.04, 0, True),
    "first_last": (0.04, 1, True),
    "carry_last": (0.04, 5, True),
}
GIVEN_WEIGHT = 2.0  # times the extra weight of an actor's cells, for cells that are given around or in a box
CHANGE_WEIGHT = 1.0  # times the same, for cells that change: most of a set is plain, and says little of the camera
CAMERA_KEPT = {"static": 0.4, "up": 0.6, "down": 0.6}  # of the clips with such a camera are taken: others are harder
BOX_SHARE = 0.5  # of the clips that are kept with a box hidden: a seventh of all
CARRYING = ("carry", "carry", "carry", "carry9", "carry_last")  # what suits a clip whose action changes after 5 frames
TEXT_LENGTHS = (64,) * 14 + (48, 128)
NAMES = {"shape": SHAPES, "colour": COLOURS, "action": (*ACTIONS, *STOPS, *HITS, *ORBITS), "camera": CAMERAS}
UNSEEN = -100  # what torch's cross entropy passes over

# latents, inactive latents, folded mask, weight, where the actor is, caption, reference, scene of one sample, and
# whether caption and reference tell of it
Member = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, str, Tensor, Scene, bool]


@dataclass
class Batch:
    """What one training step needs."""

    latents: Tensor  # (clips, channels, latent frames, rows, columns), with the reference in front if there is one
    control: Tensor
    weight: Tensor  # (clips, 1, latent frames, rows, columns): what counts, from 0 for the rest
    shown: Tensor  # (clips, latent frames, rows, columns): the share of a cell that the actor covers
    captions: list[str]
    names: dict[str, Tensor]  # shape, colour, action, camera: (clips,), the place in `NAMES`, or UNSEEN
    text_length: int
    reference: bool

    @property
    def stills(self) -> bool:
        """Whether these are first frames only."""
        return self.latents.shape[2] - self.reference == 1

    @property
    def name(self) -> str:
        """What the log calls such batches."""
        return ("stills" if self.stills else "clips") + (" with reference" if self.reference else "")


def with_places(chunk: dict[str, Any]) -> dict[str, Any]:
    """A chunk whose latents `(..., channels, frames, rows, columns)` have the channels that say where a cell is.

    They are the same for all clips, and are not kept on disk.
    """
    code = place_code(LATENT_FRAMES, LATENT_HEIGHT, LATENT_WIDTH).half()

    def add(latents: Tensor, part: Tensor) -> Tensor:
        return torch.cat([latents, part.expand(*latents.shape[: -part.ndim], *part.shape)], -part.ndim)

    frames = chunk["latents"].shape[2]
    added = {"latents": add(chunk["latents"], code[:, :frames]), "references": add(chunk["references"], code[:, :1])}
    if "ends" in chunk:
        added["ends"] = add(chunk["ends"], code[:, -1])
        added["boxes"] = {i: (add(known, code), box) for i, (known, box) in chunk["boxes"].items()}
    return {**chunk, **added}


class Batches:
    """All chunks on disk, in memory.

    Raises:
        SystemExit: there are none yet.
    """

    def __init__(self) -> None:
        self.rng = np.random.default_rng()
        self.clips: list[dict[str, Any]] = []
        self.stills: list[dict[str, Any]] = []
        self.seen: set[Path] = set()
        self.grey = Encoder(load()).grey().cpu()
        self.look()

    def __str__(self) -> str:
        clips, stills = (sum(len(c["named"]) for c in chunks) for chunks in (self.clips, self.stills))
        return f"{clips} clips and {stills} stills on disk"

    def look(self) -> None:
        """Load the chunks that came since the last look.

        Raises:
            SystemExit: there are none at all.
        """
        for folder, chunks in ((FOLDER, self.clips), (STILLS_FOLDER, self.stills)):
            for path in sorted(folder.glob("*.pt")):
                if path not in self.seen:
                    self.seen.add(path)
                    chunks.append(with_places(torch.load(path, weights_only=False)))
        if not self.clips and not self.stills:
            raise SystemExit("no latents yet: run `python -m examples.nano.latents --stills` and without it first")

    def draw(self, samples: int) -> Batch:
        """A random batch for a model that has learned from so many samples: stills alone at first, then clips too."""
        stills = samples < TRAINING.stills_first or self.rng.random() < TRAINING.stills_share
        stills = bool(self.stills and (stills or not self.clips))
        reference = bool(self.rng.random() < REFERENCE_SHARE[stills])
        if stills:
            members = [self._still(reference=reference) for _ in range(TRAINING.stills_batch)]
            length = 40
        else:
            members = [self._clip(reference=reference) for _ in range(TRAINING.batch)]
            length = int(self.rng.choice(TEXT_LENGTHS))
        latents, inactive, mask, weight, shown = (
            torch.stack([m[i] for m in members]).to(device()).float() for i in range(5)
        )
        pictures = None
        if reference:
            pictures = torch.stack([m[6] for m in members]).to(device()).float()
            latents = torch.cat([pictures, latents], 2)
            weight, shown = (torch.cat([torch.zeros_like(w[:, :1]), w], 1) for w in (weight, shown))
        grey = self.grey[:, : inactive.shape[2]].to(device()).expand_as(inactive)
        return Batch(
            latents,
            control(inactive, grey, mask, pictures),
            weight[:, None],
            shown,
            [m[5] for m in members],
            {name: self._names(name, members, stills=stills, reference=reference) for name in NAMES},
            length,
            reference,
        )

    def _names(self, name: str, members: list[Member], *, stills: bool, reference: bool) -> Tensor:
        """What each scene has under a name; a still shows no motion, and another's reference tells nothing."""
        hidden = stills and name in ("action", "camera")
        places = [
            UNSEEN if hidden or (reference and not told) else NAMES[name].index(getattr(scene, name))
            for *_, scene, told in members
        ]
        return torch.tensor(places, device=device())

    def _told(self, chunk: dict[str, Any], i: int, *, reference: bool) -> tuple[str, Tensor, Scene, bool]:
        """A caption of a clip, its reference and scene, and whether the first two tell of it.

        What is sampled without words, the guidance leads away from (arXiv 2207.12598). So that it leads towards the
        reference too, a clip without words gets the reference of another: the model learns to pass it over then.
        """
        scene, pictures = chunk["scenes"][i], chunk["references"]
        if self.rng.random() < TRAINING.empty_caption:
            text = "" if self.rng.random() < 0.6 else junk(self.rng)
            return text, pictures[int(self.rng.integers(len(pictures)))], scene, False
        if reference and self.rng.random() < 0.7:
            return str(chunk["named"][i]), pictures[i], scene, True
        return str(chunk["captions"][i][int(self.rng.integers(len(chunk["captions"][i])))]), pictures[i], scene, True

    def _still(self, *, reference: bool) -> Member:
        """A first frame, as a clip of one frame of which nothing is known."""
        chunk = self.stills[int(self.rng.integers(len(self.stills)))]
        i = int(self.rng.integers(len(chunk["named"])))
        latents: Tensor = chunk["latents"][i]
        mask = torch.ones(SEEN_CHANNELS, *latents.shape[1:])
        return (
            latents,
            self.grey[:, :1],
            mask,
            chunk["weight"][i],
            chunk["weight"][i],
            *self._told(chunk, i, reference=reference),
        )

    def _clip(self, *, reference: bool) -> Member:
        """A random clip with a random task."""
        chunk = self.clips[int(self.rng.integers(len(self.clips)))]
        i = int(self.rng.integers(len(chunk["named"])))
        if self.rng.random() > CAMERA_KEPT.get(chunk["scenes"][i].camera, 1.0):
            return self._clip(reference=reference)
        latents: Tensor = chunk["latents"][i]
        inactive, mask = self._condition(chunk, i, latents)
        change = latents[: AUTOENCODER.components].float().diff(dim=1).pow(2).mean(0).sqrt().clamp(max=1)
        weight = chunk["weight"][i].float().clone()
        weight[1:] = torch.maximum(weight[1:], CHANGE_WEIGHT * change)
        if mask.float().var((2, 3)).amax() > 0:  # a box: what is given must stay
            weight = torch.maximum(weight, GIVEN_WEIGHT * (1 - mask.float().mean(0)).to(weight))
        return (
            latents,
            inactive,
            mask,
            weight,
            chunk["weight"][i],
            *self._told(chunk, i, reference=reference),
        )

    def _condition(self, chunk: dict[str, Any], i: int, latents: Tensor) -> tuple[Tensor, Tensor]:
        """Inactive latents and folded mask for a task that suits the clip."""
        if i in chunk["boxes"] and self.rng.random() < BOX_SHARE:
            known, box = chunk["boxes"][i]
            return known, fold_mask(box.float().expand(1, FRAMES, *box.shape))[0]
        if chunk["scenes"][i].opening is not None:
            task = CARRYING[int(self.rng.integers(len(CARRYING)))]
        else:
            task = str(self.rng.choice(list(TASKS), p=[share for share, _, _ in TASKS.values()]))
        _, first, last = TASKS[task]
        return frames_condition(latents, self.grey.half(), chunk["ends"][i], first, last=last)
