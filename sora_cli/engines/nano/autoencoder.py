"""The video autoencoder of nano: 4 frames x 32 x 32 pixels become one cell of `z_dim` numbers, and back.

It has the interface that `WanVACEPipeline` wants of `AutoencoderKLWan`, and is made to be trained on a CPU. It looks at
half of the picture's size. Its encoder is closed form: principal components of space-time patches (`project`). The
decoder puts them back together (`restore`), and small residual convolutions add what a linear map cannot know, from the
cells around and the frames before and after (the idea of DC-AE, arXiv 2410.10733). It works at two resolutions: coarse
cells of 4 frames x 16 x 16 pixels, which are the latents, then fine cells of 2 x 8 x 8.

The picture that comes back is soft and shows the tiles of the cells. `Enlarger` draws the film from it, at twice its
size: it begins with a picture so small that no tile is left in it, smoothly enlarged, and adds the edges.

Five more channels of a latent say where in the picture and in the clip its cell is. The transformer's rotary positions
are relative, so in pure noise it could not tell the sky from the ground; the pipeline hands it the latents of a grey
clip even where nothing is known, and so it is told. The decoder passes over them.

The first latent frame stands for the first picture alone (shown four times), each later one for four frames. The
encoder treats every cell by itself, so what is known at the start of a clip encodes to the same latents whatever
follows it. Pictures are -1 to 1; latents are not random: the posterior has no spread.
"""

# ruff: noqa: ARG002, FBT001, FBT002, PLR0917 - the signatures are those of diffusers

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import torch
from diffusers import AutoencoderKLWan
from diffusers.configuration_utils import register_to_config
from diffusers.models.autoencoders.vae import DecoderOutput, DiagonalGaussianDistribution
from diffusers.models.modeling_outputs import AutoencoderKLOutput
from torch import Tensor, nn
from torch.nn import functional

GROUP = 4  # frames in a latent frame
SLICE = 2  # frames in a fine cell
FINE = 8  # pixels along a side of a fine cell
HALF = 2  # how much smaller than the film the picture is that all this works on
AT_ONCE = 4  # pictures that are enlarged at once: what lies between the layers then stays near the processor
SMALL = 4  # how much smaller again the one is that no tile is left in
FINE_VALUES = 3 * SLICE * FINE * FINE
COARSE_VALUES = FINE_VALUES * 8
PLACE_CHANNELS = 5
CERTAIN = -30.0  # log-variance of a posterior without spread


def place_code(frames: int, rows: int, columns: int) -> Tensor:
    """Where each cell is: (PLACE_CHANNELS, frames, rows, columns). Height, width, cosines of both, and time."""
    down = (torch.arange(rows) + 0.5) / rows * 2 - 1
    across = (torch.arange(columns) + 0.5) / columns * 2 - 1
    time = torch.arange(frames) / 2 - 1  # -1 to 1 over the five latent frames of a whole clip
    parts = (down[:, None], across[None, :], torch.cos(torch.pi * down)[:, None], torch.cos(torch.pi * across)[None, :])
    code = [part.expand(frames, rows, columns) for part in (*parts, time[:, None, None])]
    return 1.5 * torch.stack(code)


def smaller(video: Tensor, times: int) -> Tensor:
    """A video `(..., rows, columns)` so many times smaller: means, which `avg_pool3d` takes longer to find."""
    *other, rows, columns = video.shape
    low: Tensor = reduce(torch.add, video.reshape(*other, rows // times, times, columns).unbind(-2))
    small: Tensor = reduce(torch.add, low.reshape(*low.shape[:-1], columns // times, times).unbind(-1))
    return small / times**2


def smoothly_larger(pictures: Tensor, times: int) -> Tensor:
    """Pictures `(..., rows, columns)` so many times larger by cubics: a matrix a side, a tenth of torch's own time."""
    down, across = (cubics(side, times).to(pictures) for side in pictures.shape[-2:])
    return down @ (pictures @ across.T)


def cubics(side: int, times: int) -> Tensor:
    """The matrix that makes `side` values so many times as many, `(side * times, side)`: torch's cubics of each one."""
    ones = torch.eye(side)[:, None, :, None]
    return functional.interpolate(ones, (side * times, 1), mode="bicubic", align_corners=False)[:, 0, :, 0].T


class Block(nn.Module):
    """A residual block: a 3x3 convolution, then a mix over channels and over three frames in time."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width))
        self.space = nn.Conv2d(width, width, 3, padding=1)
        self.mix = nn.Conv2d(width * 3, width, 1)
        for weight in self.mix.parameters():
            nn.init.zeros_(weight)

    def forward(self, x: Tensor, frames: int) -> Tensor:
        """`x` is (clips * frames, width, rows, columns)."""
        scale = torch.rsqrt(x.pow(2).mean(1, keepdim=True) + 1e-6)
        h = functional.silu(self.space(x * scale * self.gain[:, None, None]))
        clips = h.reshape(-1, frames, *h.shape[1:])
        before = torch.cat([clips[:, :1], clips[:, :-1]], 1)
        after = torch.cat([clips[:, 1:], clips[:, -1:]], 1)
        mixed: Tensor = self.mix(torch.cat([before, clips, after], 2).flatten(0, 1))
        return x + mixed


class Residual(nn.Module):
    """A residual block of two 3x3 convolutions."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.gain = nn.Parameter(torch.full((width, 1, 1), 0.3))

    def forward(self, x: Tensor) -> Tensor:
        """`x` is (pictures, width, rows, columns)."""
        change: Tensor = self.second(functional.silu(self.first(x), inplace=not torch.is_grad_enabled()))
        return torch.addcmul(x, self.gain, change)


class Enlarger(nn.Module):
    """Draws a film at twice the size of the picture it is given, through a small picture.

    Three stages work at a quarter of the given size, at half of it and at all of it, `widths` channels wide. Each
    frame sees the small pictures before and after it, so that what stands still stands still.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        small, middle, large = widths
        self.enter = nn.Conv2d(3 * 3 + 3 * SMALL**2 + 2, small, 3, padding=1)
        self.small = nn.Sequential(*(Residual(small) for _ in range(4)))
        self.to_middle = nn.Conv2d(small, middle * 4, 1)
        self.middle = nn.Sequential(*(Residual(middle) for _ in range(2)))
        self.to_large = nn.Conv2d(middle, large * 4, 1)
        self.large = nn.Sequential(Residual(large))
        self.leave = nn.Conv2d(large, 3 * HALF**2, 3, padding=1)

    @staticmethod
    def told(video: Tensor) -> tuple[Tensor, Tensor]:
        """The small pictures of a video (clips, 3, frames, rows, columns), and all that the first layer sees.

        Both have (clips * frames) in front and a quarter of the rows and columns.
        """
        small = smaller(video, SMALL)
        before = torch.cat([small[:, :, :1], small[:, :, :-1]], 2)
        after = torch.cat([small[:, :, 1:], small[:, :, -1:]], 2)
        parts = [part.transpose(1, 2).flatten(0, 1) for part in (small, before, after, video)]
        detail = parts[3] - functional.interpolate(parts[0], scale_factor=SMALL)
        rows, columns = parts[0].shape[-2:]
        down, across = (torch.linspace(-1, 1, n, device=video.device, dtype=video.dtype) for n in (rows, columns))
        place = torch.stack(torch.meshgrid(down, across, indexing="ij")).expand(len(detail), -1, -1, -1)
        return parts[0], torch.cat([*parts[:3], functional.pixel_unshuffle(detail, SMALL), place], 1)

    def draw(self, small: Tensor, told: Tensor) -> Tensor:
        """Pictures (pictures, 3, rows * 8, columns * 8) from what `told` says."""
        h = functional.silu(self.enter(told.contiguous(memory_format=torch.channels_last)))
        h = self.middle(functional.pixel_shuffle(self.to_middle(self.small(h)), 2))
        h = self.large(functional.pixel_shuffle(self.to_large(h), 2))
        edges = functional.pixel_shuffle(self.leave(h), HALF)
        return torch.add(smoothly_larger(small, SMALL * HALF), edges.to(small), alpha=0.3)

    def forward(self, video: Tensor) -> Tensor:
        """Enlarge (clips, 3, frames, rows, columns)."""
        small, told = self.told(video)
        parts = [slice(at, at + AT_ONCE) for at in range(0, len(told), AT_ONCE)]
        drawn = torch.cat([self.draw(small[part], told[part]) for part in parts])
        return drawn.reshape(len(video), -1, *drawn.shape[1:]).transpose(1, 2)


class PaperAutoencoder(AutoencoderKLWan):
    """See the module's docstring.

    `coarse` and `fine` are widths, `*_blocks` how many residual blocks work there, `enlarged` the widths of the
    enlarger's stages. `sample_*` are the clips that it was made for, which its card tells.
    """

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        z_dim: int = 32 + PLACE_CHANNELS,
        coarse: int = 192,
        fine: int = 64,
        coarse_blocks: int = 3,
        fine_blocks: int = 2,
        enlarged: Sequence[int] = (72, 40, 24),
        latents_mean: Sequence[float] = (),  # the pipeline reads this and the next from the config
        latents_std: Sequence[float] = (),
        scale_factor_temporal: int = GROUP,
        scale_factor_spatial: int = HALF * 2 * FINE,
        sample_width: int = 384,
        sample_height: int = 256,
        sample_frames: int = 17,
    ) -> None:
        super(AutoencoderKLWan, self).__init__()  # not its own: none of its layers are wanted
        self.temperal_downsample = [False, True, True, False, False]  # the pipeline reads 4 frames and 2**5 pixels here
        self.components = z_dim - PLACE_CHANNELS
        self.project = nn.Conv2d(COARSE_VALUES, self.components, 1)
        self.restore = nn.Conv2d(self.components, COARSE_VALUES, 1)
        self.decoder_in = nn.Conv2d(self.components, coarse, 1)
        self.decoder_coarse = nn.ModuleList(Block(coarse) for _ in range(coarse_blocks))
        self.decoder_split = nn.Conv2d(coarse, fine * 8, 1)
        self.decoder_fine = nn.ModuleList(Block(fine) for _ in range(fine_blocks))
        self.decoder_out = nn.Conv2d(fine, FINE_VALUES, 1)
        for weight in self.decoder_out.parameters():
            nn.init.zeros_(weight)
        self.enlarger = Enlarger(enlarged)

    def to_cells(self, video: Tensor) -> Tensor:
        """Cut (clips, 3, 4n+1, rows, columns) into fine cells: (clips * 2 * (n+1), FINE_VALUES, rows/8, columns/8)."""
        clips, _, _, rows, columns = video.shape
        padded = torch.cat([video[:, :, :1].expand(-1, -1, GROUP - 1, -1, -1), video], 2)
        cells = padded.reshape(clips, 3, -1, SLICE, rows // FINE, FINE, columns // FINE, FINE)
        return cells.permute(0, 2, 1, 3, 5, 7, 4, 6).reshape(-1, FINE_VALUES, rows // FINE, columns // FINE)

    def from_cells(self, cells: Tensor, clips: int) -> Tensor:
        """The reverse of `to_cells`."""
        _, _, rows, columns = cells.shape
        video = cells.reshape(clips, -1, 3, SLICE, FINE, FINE, rows, columns).permute(0, 2, 1, 3, 6, 4, 7, 5)
        return video.reshape(clips, 3, -1, rows * FINE, columns * FINE)[:, :, GROUP - 1 :]

    @staticmethod
    def merge(fine: Tensor) -> Tensor:
        """2 slices x 2 x 2 fine cells become the channels of one coarse cell."""
        quarters = functional.pixel_unshuffle(fine, 2)
        _, width, rows, columns = quarters.shape
        return quarters.reshape(-1, width * GROUP // SLICE, rows, columns)

    @staticmethod
    def split(coarse: Tensor) -> Tensor:
        """The reverse of `merge`."""
        _, width, rows, columns = coarse.shape
        return functional.pixel_shuffle(coarse.reshape(-1, width * SLICE // GROUP, rows, columns), 2)

    def to_latents(self, video: Tensor) -> Tensor:
        """Encode (clips, 3, frames, rows, columns), half size; (clips, z_dim, latent frames, rows/16, columns/16)."""
        flat: Tensor = self.project(self.merge(self.to_cells(video)))
        latents = flat.reshape(video.shape[0], -1, *flat.shape[1:]).transpose(1, 2)
        place = place_code(*latents.shape[2:]).to(latents)
        return torch.cat([latents, place.expand(video.shape[0], -1, -1, -1, -1)], 1)

    def film_to_latents(self, film: Tensor) -> Tensor:
        """The same of a film at full size."""
        return self.to_latents(smaller(film, HALF))

    def to_video(self, latents: Tensor) -> Tensor:
        """Decode latents to a video at half size, not yet held to -1 to 1."""
        clips, _, frames, _, _ = latents.shape
        flat = latents[:, : self.components].transpose(1, 2).flatten(0, 1)
        h = self.decoder_in(flat)
        for block in self.decoder_coarse:
            h = block(h, frames)
        h = self.split(self.decoder_split(h))
        for block in self.decoder_fine:
            h = block(h, frames * GROUP // SLICE)
        return self.from_cells(self.split(self.restore(flat)) + self.decoder_out(h), clips)

    def encode(self, x: Tensor, return_dict: bool = True) -> AutoencoderKLOutput | tuple[DiagonalGaussianDistribution]:
        """As `AutoencoderKLWan.encode`."""
        latents = self.film_to_latents(x)
        posterior = DiagonalGaussianDistribution(torch.cat([latents, torch.full_like(latents, CERTAIN)], 1))
        return AutoencoderKLOutput(latent_dist=posterior) if return_dict else (posterior,)

    def decode(self, z: Tensor, return_dict: bool = True) -> DecoderOutput | tuple[Tensor]:
        """As `AutoencoderKLWan.decode`."""
        video = self.enlarger(self.to_video(z).clamp(-1, 1)).clamp(-1, 1)
        return DecoderOutput(sample=video) if return_dict else (video,)

    def forward(
        self, sample: Tensor, sample_posterior: bool = False, return_dict: bool = True, generator: object = None
    ) -> DecoderOutput | tuple[Tensor]:
        """Encode and decode; there is nothing to sample."""
        return self.decode(self.film_to_latents(sample), return_dict)
