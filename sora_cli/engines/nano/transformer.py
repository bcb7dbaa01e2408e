"""The transformer of nano: a Wan VACE transformer whose output is preconditioned.

Of the velocity that flow matching asks for, a part is plain: what the noisy latents, the spread of clean ones and the
given pixels tell together, without looking at anything else. For clean latents of mean m and spread s and noise level
t, x_t = (1 - t) x + t n, the best straight-line guess of the velocity n - x from x_t is

    a (x_t - (1 - t) m) - m,  a = (t - (1 - t) s^2) / (t^2 + (1 - t)^2 s^2),

and what remains has spread b = s / sqrt(t^2 + (1 - t)^2 s^2). So the network only learns that remainder, at spread 1:
velocity = a (x_t - (1 - t) m) - m + b F(x_t). The idea is that of EDM (arXiv 2206.00364, section 5), carried over to
flow matching. In the first minutes of training it was worth half of the samples (measured).

Where nothing is given, m is 0 and s the spread of all clean latents. The encoder is linear, so of a cell whose pixels
are given in part, k of them, the latents of the given (the rest grey) without that grey are m, and s shrinks with
sqrt(1 - k). A cell that is given whole is so returned as it was given, whatever the network says. Of one that is given
in part, what is given comes back too (`given.py`), where nothing is learned.
"""

# ruff: noqa: B006, FBT001, FBT002, PLR0917 - the signatures are those of diffusers

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from diffusers.configuration_utils import register_to_config
from diffusers.models.activations import GELU
from diffusers.models.modeling_outputs import Transformer2DModelOutput
from diffusers.models.transformers.transformer_wan_vace import WanVACETransformer3DModel
from torch import Tensor, nn
from torch.nn import functional

from .autoencoder import COARSE_VALUES, PLACE_CHANNELS
from .given import GivenInPart

TIMESTEPS = 1000  # of the scheduler: a noise level of 1
CELL = 32  # pixels along a side of a cell
MASK_CHANNELS = CELL * CELL  # of the pipeline: one for every pixel of a cell
SEEN_CHANNELS = 16 * 16  # of the network: one for every 2 x 2 pixels, as the encoder sees them
CERTAIN = 1e-4  # what stays unknown of a cell that is given whole: with nothing, rounding would count for too much


def halved(mask: Tensor) -> Tensor:
    """A folded mask (clips, MASK_CHANNELS, ...) at half of its pixels' size: (clips, SEEN_CHANNELS, ...).

    A mask that has that size already, as in training, stays as it is.
    """
    if mask.shape[1] == SEEN_CHANNELS:
        return mask
    half = CELL // 2
    pixels = mask.reshape(len(mask), half, 2, half, 2, *mask.shape[2:]).unbind(4)
    rows = pixels[0] + pixels[1]  # a mean over both sides takes torch 40 times as long, a tenth of the whole forward
    return ((rows[:, :, 0] + rows[:, :, 1]) / 4).flatten(1, 2)


class Gelu(GELU):
    """Diffusers' layer, whose curve is found without a hyperbolic tangent where nothing is learned.

    With 2u the argument of the curve's tangent, twice, (1 + tanh u) / 2 is the logistic function of 2u. torch has that
    as quickly as its exponential: the curve takes less than half of the time, and comes out the same to within 5e-7.
    """

    ROOT = 2 * (2 / torch.pi) ** 0.5

    def gelu(self, gate: Tensor) -> Tensor:
        """`gate` times (1 + tanh(sqrt(2 / pi) (gate + 0.044715 gate^3))) / 2."""
        if torch.is_grad_enabled():
            return functional.gelu(gate, approximate="tanh")
        twice = gate.square().mul_(0.044715 * self.ROOT).add_(self.ROOT).mul_(gate)
        return twice.sigmoid_().mul_(gate)


class Seen(nn.Module):
    """What the network sees of the given: a layer without weights, told the same at every step of a clip."""

    def __init__(self, latents: int) -> None:
        super().__init__()
        self.latents = latents

    def forward(self, control: Tensor) -> Tensor:
        """The latents that the pipeline hands over, and its folded mask behind them at half of its pixels' size."""
        latents, mask = control.tensor_split((self.latents,), 1)
        return torch.cat([latents, halved(mask)], 1)


class PaperTransformer(WanVACETransformer3DModel):
    """See the module's docstring. `spread` is that of every channel of normalised, clean latents."""

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        patch_size: tuple[int, ...] = (1, 2, 2),
        num_attention_heads: int = 4,
        attention_head_dim: int = 48,
        in_channels: int = 37,
        out_channels: int = 37,
        text_dim: int = 192,
        freq_dim: int = 256,
        ffn_dim: int = 768,
        num_layers: int = 6,
        cross_attn_norm: bool = True,
        qk_norm: str | None = "rms_norm_across_heads",
        eps: float = 1e-6,
        image_dim: int | None = None,
        added_kv_proj_dim: int | None = None,
        rope_max_seq_len: int = 64,
        pos_embed_seq_len: int | None = None,
        vace_layers: list[int] = [0, 3],
        vace_in_channels: int = 330,
        spread: list[float] = [],
    ) -> None:
        super().__init__(
            patch_size,
            num_attention_heads,
            attention_head_dim,
            in_channels,
            out_channels,
            text_dim,
            freq_dim,
            ffn_dim,
            num_layers,
            cross_attn_norm,
            qk_norm,
            eps,
            image_dim,
            added_kv_proj_dim,
            rope_max_seq_len,
            pos_embed_seq_len,
            vace_layers,
            vace_in_channels,
        )
        for block in (*self.blocks, *self.vace_blocks):
            block.ffn.net[0] = Gelu(num_attention_heads * attention_head_dim, ffn_dim, approximate="tanh")
        self.spread = tuple(spread)
        self.seen = Seen(2 * in_channels)
        latents = max(0, in_channels - PLACE_CHANNELS)
        self.given_in_part = GivenInPart(latents, SEEN_CHANNELS, COARSE_VALUES // SEEN_CHANNELS)

    def forward(
        self,
        hidden_states: Tensor,
        timestep: Tensor,
        encoder_hidden_states: Tensor,
        encoder_hidden_states_image: Tensor | None = None,
        control_hidden_states: Tensor | None = None,
        control_hidden_states_scale: Tensor | None = None,
        return_dict: bool = True,
        attention_kwargs: dict[str, object] | None = None,
    ) -> Transformer2DModelOutput | tuple[Tensor]:
        """As `WanVACETransformer3DModel.forward`: the velocity of `hidden_states` (clips, channels, frames, h, w).

        `control_hidden_states` are the latents of the given, those of what is to be made, and the folded mask.
        """
        if control_hidden_states is None:
            raise ValueError("nano's transformer is always told what is given")
        channels = hidden_states.shape[1]
        seen = self.seen(control_hidden_states)
        rest = self.remainder(
            hidden_states,
            timestep,
            encoder_hidden_states,
            encoder_hidden_states_image,
            seen,
            control_hidden_states_scale,
            attention_kwargs=attention_kwargs,
        )
        given, grey, mask = seen.float().tensor_split((channels, 2 * channels), 1)
        unknown = mask.mean(1, keepdim=True)
        mean = given - unknown * grey
        spread = torch.tensor(self.spread, dtype=torch.float32, device=mean.device).view(1, -1, 1, 1, 1)
        spread = spread * unknown.clamp(min=CERTAIN).sqrt()
        level = (timestep.float() / TIMESTEPS).view(-1, 1, 1, 1, 1)
        square = level**2 + ((1 - level) * spread) ** 2
        plain = (level - (1 - level) * spread**2) / square * (hidden_states - (1 - level) * mean) - mean
        velocity = plain + spread * square.rsqrt() * rest
        if not torch.is_grad_enabled():
            clean = hidden_states - level * velocity
            told = self.given_in_part(clean, given, mask)
            velocity = velocity if told is clean else (hidden_states - told) / level
        velocity = velocity.to(hidden_states.dtype)
        return Transformer2DModelOutput(sample=velocity) if return_dict else (velocity,)

    def remainder(self, *told: Tensor | None, attention_kwargs: dict[str, object] | None = None) -> Tensor:
        """The network's own output: the part of the velocity that is not plain, at spread 1."""
        forward = cast("Callable[..., tuple[Tensor]]", super().forward)
        return forward(*told, return_dict=False, attention_kwargs=attention_kwargs)[0]
