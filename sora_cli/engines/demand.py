"""What a model demands, as plain numbers traced from its true configuration: `tests/engines/test_estimates.py`.

Numbers are of bfloat16 and of attention as one kernel. The driver's own memory and fragments are not in them.
"""

from __future__ import annotations

import math

from msgspec import Struct


class Coding(Struct, frozen=True):
    """Bytes that an autoencoder holds beside its weights: for each pixel of a picture, and of the whole clip.

    With `tile` it works on squares of so many pixels. `beside` is the bytes for each pixel of the clip meanwhile, and
    `kept` those when the tiles are put together.
    """

    area: float = 0.0
    volume: float = 0.0
    tile: int = 0
    beside: float = 0.0
    kept: float = 0.0

    def bytes_for(self, width: int, height: int, frames: int) -> float:
        """What it holds for a clip of so many pixels."""
        pixels = width * height
        seen, clip = min(pixels, self.tile**2) if self.tile else pixels, pixels * frames
        return max(seen * (self.area + self.volume * frames) + clip * self.beside, clip * self.kept)


class Demand(Struct, frozen=True, kw_only=True):
    """A model's needs beside its weights.

    A token covers `frames` x `pixels` x `pixels`; 17 frames of H3 are 5 tokens. `held` is the bytes of a forward pass
    for each token. `per_token` and `per_pair` are its floating point operations for each token and each pair of tokens,
    `per_pixel` those of decoding for each pixel of the clip. `chunk` is how many frames are sampled and decoded at a
    time (0: all). `batched` says that guidance's two passes are one of twice the tokens, `exact` which parts stay in
    float32. `words` is the bytes of the text encoder's table of words, the largest layer that there is.
    """

    frames: float
    pixels: int
    held: float
    per_token: float
    per_pair: float
    per_pixel: float = 0.0
    decode: Coding
    tiled: Coding
    encode: Coding = Coding()
    encode_tiled: Coding = Coding()
    chunk: int = 0
    batched: bool = False
    exact: frozenset[str] = frozenset()
    words: float = 0.0

    def tokens(self, width: int, height: int, frames: int) -> int:
        """Of one pass over a clip."""
        seen = min(frames, self.chunk or frames)
        return math.ceil(seen / self.frames) * (width // self.pixels) * (height // self.pixels)
