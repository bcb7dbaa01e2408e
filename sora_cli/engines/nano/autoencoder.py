"""The video autoencoder of nano: 4 frames x 32 x 32 pixels become one cell of `z_dim` numbers, and back.

It has the interface that `WanVACEPipeline` wants of `AutoencoderKLWan`, and is made to be trained on a CPU.

The encoder is closed form. It looks at half of the picture's size, and takes principal components of space-time patches
there (`project`). The decoder goes through a small picture, a quarter of that again: 4 x 4 pixels a cell for each of
its frames, which is a linear map of the cell's numbers, in closed form too (`small`). Residual convolutions over the
small pictures of neighbouring cells and frames tell what is to be drawn, and steps of pixel shuffling enlarge it by
eight. What they draw is added to the small picture, enlarged smoothly: so no edge of a cell is ever an edge of what the
decoder starts from, and the tiles of the cells do not show.

Five more channels of a latent say where in the picture and in the clip its cell is. The transformer's rotary positions
are relative, so in pure noise it could not tell the sky from the ground; the pipeline hands it the latents of a grey
clip even where nothing is known, and so it is told. The decoder passes over them: it knows where a cell is.

The first latent frame stands for the first picture alone (shown four times), each later one for four frames. The
encoder treats every cell by itself, so what is known at the start of a clip encodes to the same latents whatever
follows it. Pictures are -1 to 1; latents are not random: the posterior has no spread.
"""

# ruff: noqa: ARG002, FBT001, FBT002, PLR0917 - the signatures are those of diffusers

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 - the name everyone uses
from diffusers import AutoencoderKLWan
from diffusers.configuration_utils import register_to_config
from diffusers.models.autoencoders.vae import DecoderOutput, DiagonalGaussianDistribution
from diffusers.models.modeling_outputs import AutoencoderKLOutput
from torch import Tensor, nn

GROUP = 4  # frames in a latent frame
HALF = 2  # the encoder looks at half of the size
SEEN = 16  # pixels along a side of a cell, at that size
CELL_VALUES = 3 * GROUP * SEEN * SEEN
SMALL = 4  # pixels along a side of a cell, in the small picture
ENLARGED = HALF * SEEN // SMALL  # how much larger than the small picture the film is
PLACE_CHANNELS = 5
CERTAIN = -30.0  # log-variance of a posterior without spread
SHIFTED = 8  # one channel in so many comes from the frame before, and one from the frame after


def place_code(frames: int, rows: int, columns: int) -> Tensor:
    """Where each cell is: (PLACE_CHANNELS, frames, rows, columns). Height, width, cosines of both, and time."""
    down = (torch.arange(rows) + 0.5) / rows * 2 - 1
    across = (torch.arange(columns) + 0.5) / columns * 2 - 1
    time = torch.arange(frames) / 2 - 1  # -1 to 1 over the five latent frames of a whole clip
    parts = (down[:, None], across[None, :], torch.cos(torch.pi * down)[:, None], torch.cos(torch.pi * across)[None, :])
    code = [part.expand(frames, rows, columns) for part in (*parts, time[:, None, None])]
    return 1.5 * torch.stack(code)


def look_around(x: Tensor, frames: int) -> Tensor:
    """Exchange some channels of (clips * frames, width, rows, columns) with the frames before and after.

    It mixes time at no cost (temporal shift, arXiv 1811.08383).
    """
    clips = x.unflatten(0, (-1, frames))
    part = x.shape[1] // SHIFTED
    before = torch.cat([clips[:, :1, :part], clips[:, :-1, :part]], 1)
    after = torch.cat([clips[:, 1:, part : 2 * part], clips[:, -1:, part : 2 * part]], 1)
    return torch.cat([before, after, clips[:, :, 2 * part :]], 2).flatten(0, 1)


class Block(nn.Module):
    """A residual block of two 3x3 convolutions, which looks a frame back and a frame ahead."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.gain = nn.Parameter(torch.full((width, 1, 1), 0.3))

    def forward(self, x: Tensor, frames: int) -> Tensor:
        """`x` is (clips * frames, width, rows, columns)."""
        change: Tensor = self.second(F.silu(self.first(look_around(x, frames))))
        return x + self.gain * change


class PaperAutoencoder(AutoencoderKLWan):
    """See the module's docstring.

    `widths` and `blocks` are those of the decoder's three stages: groups of frames at the size of the small picture,
    single frames at twice its size, and at four times. `detail` is how many more channels a cell unfolds to beside the
    small picture.
    """

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        z_dim: int = 32 + PLACE_CHANNELS,
        widths: Sequence[int] = (128, 48, 24),
        blocks: Sequence[int] = (4, 2, 1),
        detail: int = 24,
        latents_mean: Sequence[float] = (),  # the pipeline reads this and the next from the config
        latents_std: Sequence[float] = (),
        scale_factor_temporal: int = GROUP,
        scale_factor_spatial: int = HALF * SEEN,
    ) -> None:
        super(AutoencoderKLWan, self).__init__()  # not its own: none of its layers are wanted
        self.temperal_downsample = [False, True, True, False, False]  # the pipeline reads 4 frames and 2**5 pixels here
        self.components = z_dim - PLACE_CHANNELS
        group, frame, fine = widths
        self.project = nn.Conv2d(CELL_VALUES, self.components, 1)
        self.small = nn.Conv2d(self.components, GROUP * 3 * SMALL**2, 1)
        self.details = nn.Conv2d(self.components, detail * SMALL**2, 1)
        self.group_in = nn.Conv2d(GROUP * 3 + detail + PLACE_CHANNELS - 1, group, 3, padding=1)
        self.group_blocks = nn.ModuleList(Block(group) for _ in range(blocks[0]))
        self.frame_in = nn.Conv2d(group, GROUP * frame * 4, 1)
        self.frame_blocks = nn.ModuleList(Block(frame) for _ in range(blocks[1]))
        self.fine_in = nn.Conv2d(frame, fine * 4, 1)
        self.fine_blocks = nn.ModuleList(Block(fine) for _ in range(blocks[2]))
        self.out = nn.Conv2d(fine, 3 * 4, 3, padding=1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):  # torch's own start lets what is drawn fade from layer to layer
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    @staticmethod
    def to_cells(seen: Tensor) -> Tensor:
        """Cut a video at half size (clips, 3, 4n+1, rows, columns) into cells.

        They are (clips * (n+1), CELL_VALUES, rows/16, columns/16).
        """
        clips, _, _, rows, columns = seen.shape
        padded = torch.cat([seen[:, :, :1].expand(-1, -1, GROUP - 1, -1, -1), seen], 2)
        cells = padded.reshape(clips, 3, -1, GROUP, rows // SEEN, SEEN, columns // SEEN, SEEN)
        return cells.permute(0, 2, 1, 3, 5, 7, 4, 6).reshape(-1, CELL_VALUES, rows // SEEN, columns // SEEN)

    def to_latents(self, video: Tensor, *, halved: bool = False) -> Tensor:
        """Encode (clips, 3, frames, rows, columns) to (clips, z_dim, latent frames, rows/32, columns/32).

        A video that is `halved` has half of the rows and columns already.
        """
        seen = video if halved else F.avg_pool3d(video, (1, HALF, HALF))
        flat: Tensor = self.project(self.to_cells(seen))
        latents = flat.reshape(video.shape[0], -1, *flat.shape[1:]).transpose(1, 2)
        place = place_code(*latents.shape[2:]).to(latents)
        return torch.cat([latents, place.expand(video.shape[0], -1, -1, -1, -1)], 1)

    def to_frames(self, components: Tensor, place: Tensor) -> Tensor:
        """Decode (clips, components, n, rows, columns) to all 4n frames, (clips, 3, 4n, rows*32, columns*32).

        `place` (PLACE_CHANNELS, n, rows*4, columns*4) says where the pixels of the small picture are.
        """
        clips, _, groups, _, _ = components.shape
        cells = components.transpose(1, 2).flatten(0, 1).contiguous(memory_format=torch.channels_last)
        small = F.pixel_shuffle(self.small(cells), SMALL)
        where = place[:-1].transpose(0, 1).to(small).repeat(clips, 1, 1, 1)
        h = self.group_in(torch.cat([small, F.pixel_shuffle(self.details(cells), SMALL), where], 1))
        for block in self.group_blocks:
            h = block(h, groups)
        h = F.pixel_shuffle(self.frame_in(F.silu(h)), 2)
        h = h.unflatten(1, (GROUP, -1)).flatten(0, 1).contiguous(memory_format=torch.channels_last)
        for block in self.frame_blocks:
            h = block(h, groups * GROUP)
        h = F.pixel_shuffle(self.fine_in(F.silu(h)), 2)
        for block in self.fine_blocks:
            h = block(h, groups * GROUP)
        drawn = F.pixel_shuffle(self.out(F.silu(h)), 2)
        frames = small.unflatten(1, (GROUP, 3)).flatten(0, 1).to(components)
        smooth = F.interpolate(frames, scale_factor=ENLARGED, mode="bicubic", align_corners=False)
        return (smooth + drawn.to(smooth)).unflatten(0, (clips, -1)).transpose(1, 2)

    def to_video(self, latents: Tensor) -> Tensor:
        """Decode latents to a video, not yet held to -1 to 1."""
        _, _, groups, rows, columns = latents.shape
        place = place_code(groups, rows * SMALL, columns * SMALL)
        return self.to_frames(latents[:, : self.components], place)[:, :, GROUP - 1 :]

    def encode(self, x: Tensor, return_dict: bool = True) -> AutoencoderKLOutput | tuple[DiagonalGaussianDistribution]:
        """As `AutoencoderKLWan.encode`."""
        latents = self.to_latents(x)
        posterior = DiagonalGaussianDistribution(torch.cat([latents, torch.full_like(latents, CERTAIN)], 1))
        return AutoencoderKLOutput(latent_dist=posterior) if return_dict else (posterior,)

    def decode(self, z: Tensor, return_dict: bool = True) -> DecoderOutput | tuple[Tensor]:
        """As `AutoencoderKLWan.decode`."""
        video = self.to_video(z).clamp(-1, 1)
        return DecoderOutput(sample=video) if return_dict else (video,)

    def forward(
        self, sample: Tensor, sample_posterior: bool = False, return_dict: bool = True, generator: object = None
    ) -> DecoderOutput | tuple[Tensor]:
        """Encode and decode; there is nothing to sample."""
        return self.decode(self.to_latents(sample), return_dict)
