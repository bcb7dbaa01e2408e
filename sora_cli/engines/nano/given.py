"""What the pixels that are given of a cell tell of its latents, where they are a part of it.

The encoder is linear, and so is the first part of the decoder. Of a cell with latents z the pixels are D z + d, and
where the mask m says what is given, the pipeline hands over what the encoder E makes of that: E m (D z + d). Of all
latents that look so, these are the ones nearest to a guess (the null-space step of DDNM, arXiv 2212.00490, with room
for what the decoder's first part leaves out).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

ROOM = 0.002  # of variance that the given has for what it does not tell: too little, and cells given in slivers run off


class GivenInPart(nn.Module):
    """The maps of the autoencoder, a pixel at a time, in normalised latents. While they are 0 nothing changes.

    Args:
        latents: how many channels the maps have; others, which say where a cell is, stay as they are.
        pixels: of a cell, and `values` of a pixel: its colours in each frame.
    """

    encoder: Tensor
    decoder: Tensor
    grey: Tensor

    def __init__(self, latents: int, pixels: int, values: int) -> None:
        super().__init__()
        self.register_buffer("encoder", torch.zeros(pixels, latents, values))
        self.register_buffer("decoder", torch.zeros(pixels, values, latents + 1))  # d stands in the last column
        self.register_buffer("grey", torch.zeros(latents))  # the latents of a cell of which nothing is known

    def learn(self, encoder: Tensor, decoder: Tensor, grey: Tensor) -> None:
        """Take the maps from an autoencoder (`maps_of` of `examples/nano/autoencoder.py`)."""
        for own, told in ((self.encoder, encoder), (self.decoder, decoder), (self.grey, grey)):
            own.copy_(told.detach())

    def forward(self, guess: Tensor, given: Tensor, mask: Tensor) -> Tensor:
        """The latents `(clips, channels, frames, rows, columns)` nearest to `guess` that look as `given` does.

        `mask` `(clips, pixels, frames, rows, columns)` is 1 where a pixel is to be made. Cells that are given whole,
        and those of which nothing is given, stay as they are guessed.
        """
        unknown = mask.mean(1)
        where = (unknown > 0) & (unknown < 1)
        if not where.any():
            return guess
        count = len(self.grey)
        maps = torch.einsum("plv,pvk->plk", self.encoder.float(), self.decoder.float())
        seen = torch.einsum("np,plk->nlk", 1 - mask.movedim(1, -1)[where], maps)
        through, lack = seen[..., :count], given[:, :count].movedim(1, -1)[where] - self.grey.float() - seen[..., count]
        told = guess.clone()
        cells = told[:, :count].movedim(1, -1)
        old = cells[where]
        lack = lack - torch.einsum("nlk,nk->nl", through, old)
        room = through @ through.mT + ROOM * torch.eye(count, device=guess.device)
        cells[where] = old + torch.einsum("nlk,nl->nk", through, torch.linalg.solve(room, lack))
        return told
