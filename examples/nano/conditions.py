"""What the transformer is told besides words, exactly as `WanVACEPipeline` prepares it.

The pipeline encodes what is known and what is to be made apart (unknown pixels are exactly 0.0, mid grey), folds the
mask's pixels into channels, and samples the mask in time with mode "nearest-exact". So of five known opening frames one
latent frame says "known" and the next "unknown", though both carry the picture; training must show just that.
A reference picture comes as one more latent frame in front.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - the name everyone uses
from torch import Tensor

from sora_cli.engines.nano.transformer import SEEN_CHANNELS

from .config import FRAMES, LATENT_FRAMES, LATENT_HEIGHT, LATENT_WIDTH, PATCH_FRAMES


def fold_mask(mask: Tensor) -> Tensor:
    """Pixels (clips, frames, rows, columns), 1 where to make, to (clips, pixels of a cell, latent frames, h, w).

    At the size of the film a cell has 1,024 pixels, as in the pipeline; at the size that the encoder looks at, 256.
    """
    clips, frames, rows, columns = mask.shape
    cell = rows // LATENT_HEIGHT
    cells = mask.view(clips, frames, LATENT_HEIGHT, cell, columns // cell, cell)
    cells = cells.permute(0, 3, 5, 1, 2, 4).flatten(1, 2)
    size = ((frames + PATCH_FRAMES - 1) // PATCH_FRAMES, LATENT_HEIGHT, columns // cell)
    return F.interpolate(cells, size=size, mode="nearest-exact")


def control(inactive: Tensor, reactive: Tensor, mask: Tensor, reference: Tensor | None = None) -> Tensor:
    """Join normalised latents of the known, of the grey, and the folded mask; the reference goes in front."""
    latents = torch.cat([inactive, reactive], 1)
    if reference is not None:
        front = torch.cat([reference, torch.zeros_like(reference)], 1)
        latents = torch.cat([front, latents], 2)
        mask = torch.cat([torch.zeros_like(mask[:, :, :1]), mask], 2)
    return torch.cat([latents, mask], 1)


def known_frames(first: int, *, last: bool) -> Tensor:
    """Mask in time (frames,) with the first `first` frames and, if `last`, the last one known."""
    mask = torch.ones(FRAMES)
    mask[:first] = 0
    if last:
        mask[-1] = 0
    return mask


def frames_condition(
    latents: Tensor, grey: Tensor, last_latent: Tensor, first: int, *, last: bool
) -> tuple[Tensor, Tensor]:
    """Inactive latents and half-size folded mask where whole frames are known; one clip, (channels, frames, h, w).

    `grey` are the latents of an all-grey clip, `last_latent` (channels, h, w) those of three grey frames and the last.
    """
    inactive = grey.clone()
    groups = (first + PATCH_FRAMES - 1) // PATCH_FRAMES
    inactive[:, :groups] = latents[:, :groups]
    if last:
        inactive[:, -1] = last_latent
    mask = known_frames(first, last=last).view(1, FRAMES, 1, 1).expand(1, FRAMES, LATENT_HEIGHT, LATENT_WIDTH)
    folded = fold_mask(mask)[0].expand(SEEN_CHANNELS, LATENT_FRAMES, LATENT_HEIGHT, LATENT_WIDTH)
    return inactive, folded
