"""Every number of the recipe that you may want to change, in one place.

The stages, in order (each resumes where it stopped, by the same command):

    python -m examples.nano.world          a preview sheet of the world, with captions
    python -m examples.nano.text           the tokenizer, and the text encoder taught to read captions
    python -m examples.nano.autoencoder    the video autoencoder, which works at half of the film's size
    python -m examples.nano.latents        rendered clips, encoded once, kept on disk
    python -m examples.nano.transformer    the diffusion transformer
    python -m examples.nano.pairs          films, and the latents that the transformer makes of them
    python -m examples.nano.enlarger       the autoencoder's last part, taught to draw the film from those
    python -m examples.nano.assemble       the folder that `WanVACEPipeline.from_pretrained` loads
    python -m examples.nano.score          the table of the model card
    python -m examples.nano.picture        how its pictures look, as numbers and as docs/nano-world-and-sampled.png
    python -m examples.nano.resume         the way back: training state from the folder that ships

With `NANO_SIZE=large` in the environment the same commands make a larger nano, of `LARGE`, in `.nano/large`: for a GPU,
since a clip has sixteen times as many tokens. `resume` gives it autoencoder and words of the nano that ships.

With `NANO_COURSE=steering` weights that are trained go on by `STEERING`: cameras that pan against the actor or zoom, at
high noise, where that is decided. After `resume`: `latents`, then `transformer --minutes 66 --cooldown 33`. What it
made was not better and does not ship (docs/nano.md).

`examples.nano.sides` taught weights that were trained before it words of their own for the camera's side.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import torch


@dataclass(frozen=True)
class ClipSizes:
    """What one clip is, and how many cells a token of the transformer covers: latent frames, rows, columns."""

    width: int
    height: int
    frames: int
    token: tuple[int, int, int]


NANO, LARGE = ClipSizes(384, 256, 17, (1, 2, 2)), ClipSizes(480, 320, 49, (1, 1, 1))
CLIP = LARGE if os.environ.get("NANO_SIZE") == "large" else NANO

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / ".nano" / ("large" if CLIP is LARGE else "")  # training state: git-ignored, safe to delete
SHIPPED = ROOT / "sora_cli" / "engines" / "nano"
CHECKPOINT = WORK / "model" if CLIP is LARGE else SHIPPED

WIDTH, HEIGHT, FRAMES, FPS = CLIP.width, CLIP.height, CLIP.frames, 12
SEEN_WIDTH, SEEN_HEIGHT = WIDTH // 2, HEIGHT // 2  # what the encoder looks at: clips for latents are drawn at this size
PATCH, PATCH_FRAMES = 16, 4  # one latent cell covers 4 frames x 16 x 16 pixels of what the encoder looks at
LATENT_FRAMES = (FRAMES - 1) // PATCH_FRAMES + 1  # the first latent frame stands for one picture
LATENT_HEIGHT, LATENT_WIDTH = SEEN_HEIGHT // PATCH, SEEN_WIDTH // PATCH


@dataclass(frozen=True)
class AutoencoderSizes:
    """Widths of the autoencoder; see `sora_cli/engines/nano/autoencoder.py` for what they mean."""

    components: int = 32  # principal components of a cell: the latents without the channels that say where it is
    coarse: int = 192
    fine: int = 64
    coarse_blocks: int = 3
    fine_blocks: int = 2
    enlarged: tuple[int, int, int] = (72, 40, 24)


@dataclass(frozen=True)
class TransformerSizes:
    """Widths of the diffusion transformer (a `WanVACETransformer3DModel`)."""

    heads: int = 4
    head_dim: int = 48
    feed_forward: int = 768
    layers: int = 6
    vace_layers: tuple[int, ...] = (0, 3)


@dataclass(frozen=True)
class TextSizes:
    """Widths of the text encoder (a `UMT5EncoderModel`) and of its vocabulary."""

    vocabulary: int = 900
    width: int = 192
    layers: int = 2
    heads: int = 4
    feed_forward: int = 384
    max_tokens: int = 64


@dataclass(frozen=True)
class Training:
    """How long and how hard each stage trains."""

    text_steps: int = 2000
    autoencoder_minutes: float = 60.0
    autoencoder_batch: int = 6
    enlarger_minutes: float = 60.0
    enlarger_batch: int = 6
    pairs_per_chunk: int = 16
    pairs: int = 512
    steered: float = 0.0  # share of scenes whose camera moves, by `scene.STEERED`
    variety: float = 0.2  # share of scenes with something rarer: a second actor, friction, slow motion, a style
    clips_per_chunk: int = 64
    clips: int = 24576
    stills: int = 10_240
    batch: int = 24
    stills_batch: int = 96
    stills_first: int = 24_000  # samples of stills alone before any clip: what things look like, at a fifth of the cost
    stills_share: float = 0.3  # of batches after that
    muon: bool = True  # for the matrices, else AdamW for them too
    matrix_rate: float = 1e-2
    adam_rate: float = 1.5e-3
    text_rate: float = 2e-4  # of the text encoder, which has learned to read before
    empty_caption: float = 0.2  # share of samples that see no caption: what guidance needs
    actor_weight: float = 4.0  # an actor's cells weigh 1 + this much in the loss
    time_shift: float = 2.0  # noise levels are drawn shifted towards noise by this factor
    save_minutes: float = 4.0


AUTOENCODER = AutoencoderSizes()
TRANSFORMER = TransformerSizes()
TEXT = TextSizes()
STEERING = Training(
    clips=4096,
    stills_share=0.0,
    steered=0.75,
    muon=False,
    matrix_rate=2e-4,
    adam_rate=3e-4,
    text_rate=0.0,
    time_shift=6.0,
)
TRAINING = STEERING if os.environ.get("NANO_COURSE") == "steering" else Training()


def device() -> torch.device:
    """The fastest device here."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def small_floats() -> bool:
    """Whether this machine multiplies matrices of bfloat16 faster than those of float32."""
    return device().type == "cuda" or torch.cpu._is_avx512_bf16_supported()  # noqa: SLF001 - torch has no public way to ask
