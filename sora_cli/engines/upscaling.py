"""Pictures enlarged by a network: any of those that spandrel knows by their weights (ESRGAN and its like).

Wang et al. 2018, arXiv 1809.00219. A picture is enlarged in tiles, so that memory does not grow with it; each tile
sees `AROUND` pixels more on every side, which are cut off again, so that no border of tiles shows.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from sora_cli.engines.runtime.device import best_device
from sora_cli.errors import EngineMissing, RequestError, first_line
from sora_cli.media.stream import Frames
from sora_cli.packages import imported

TILE = 256
"""Pixels of a tile's side, before it is enlarged."""
AROUND = 24


class Upscaler:
    """A network that enlarges pictures `scale` times.

    Args:
        path: its weights, `.safetensors` or `.pth`; of the latter tensors alone are read.

    Raises:
        EngineMissing: spandrel is not here, or cannot be imported.
        RequestError: the file holds no network that enlarges pictures.
    """

    def __init__(self, path: Path) -> None:
        with imported("`upscale`", "spandrel", EngineMissing):
            import spandrel
        try:
            found = spandrel.ModelLoader().load_from_file(path)
        except Exception as error:  # it reads whatever is in the file, and raises as many kinds
            hint = "name the weights of an ESRGAN-kind network"
            raise RequestError(f"cannot use {path} to enlarge pictures: {first_line(error)}", hint=hint) from error
        if not isinstance(found, spandrel.ImageModelDescriptor) or found.input_channels != 3 or found.scale < 2:
            raise RequestError(f"cannot use {path} to enlarge pictures: it makes none larger", hint="name another")
        self.device = best_device()
        self.scale = int(found.scale)
        self._network = found.to(self.device).eval()

    def enlarged(self, picture: Frames, size: tuple[int, int], tile: int = TILE) -> Frames:
        """A picture `(height, width, 3)` in `size` (width, height): enlarged, and brought to it by Lanczos."""
        large = self._enlarged(picture, tile)
        if size == (large.shape[1], large.shape[0]):
            return large
        return np.asarray(Image.fromarray(large).resize(size, Image.Resampling.LANCZOS))

    def _enlarged(self, picture: Frames, tile: int) -> Frames:
        high, wide = picture.shape[:2]
        out = np.empty((high * self.scale, wide * self.scale, 3), np.uint8)
        for top, left in itertools.product(range(0, high, tile), range(0, wide, tile)):
            above, before = min(AROUND, top), min(AROUND, left)
            seen = picture[top - above : top + tile + AROUND, left - before : left + tile + AROUND]
            made = self._made(seen)[above * self.scale :, before * self.scale :]
            place = out[top * self.scale : (top + tile) * self.scale, left * self.scale : (left + tile) * self.scale]
            place[:] = made[: place.shape[0], : place.shape[1]]
        return out

    def _made(self, seen: Frames) -> Frames:
        pixels = torch.from_numpy(np.ascontiguousarray(seen)).to(self.device).permute(2, 0, 1)[None].float() / 255
        with torch.no_grad():
            made = self._network(pixels)[0]
        return np.asarray(made.clamp(0, 1).mul(255).round().byte().permute(1, 2, 0).cpu().numpy())
