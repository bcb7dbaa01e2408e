"""Models of transformers that find a box by words (Grounding DINO, OWL), and one that follows what is in it (SAM 2).

Liu et al. 2023, arXiv 2303.05499; Minderer et al. 2023, arXiv 2306.09683; Ravi et al. 2024, arXiv 2408.00714.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn.functional import interpolate
from transformers import AutoModel, AutoModelForZeroShotObjectDetection, AutoProcessor
from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession
from transformers.utils.constants import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD

from sora_cli.engines.changes import point_of
from sora_cli.engines.families.diffusion import Loadable
from sora_cli.engines.families.language import LOCAL, whole
from sora_cli.engines.runtime.device import best_device, quiet
from sora_cli.engines.runtime.errors import told_as_answering, told_as_opening
from sora_cli.engines.segmenting import HINT
from sora_cli.media.stream import Frames

WHAT = "segmenter"
SEEN_AGAIN = 32
"""Frames that SAM 2 may look back at; what it made of earlier ones is let go."""
CORNERS, INSIDE = [2, 3], [1]
"""How SAM 2 labels the corners of a box, and a point that lies in the thing."""
Mask = NDArray[np.bool_]
Place = tuple[float, ...]
"""A box (left, top, right, bottom) or a point, in parts of the picture's width and height."""


class Finder:
    """Finds the box of what words name."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        with told_as_opening(name, WHAT, HINT), quiet():
            self.processor: Any = AutoProcessor.from_pretrained(str(folder), **LOCAL)  # type: ignore[no-untyped-call]
            kind: Loadable[Any] = AutoModelForZeroShotObjectDetection
            self.model = whole(kind, folder).to(best_device()).eval()

    def box(self, picture: Frames, words: str) -> Place | None:
        """Left, top, right and bottom of what fits the words best; None where nothing does well enough.

        How well is enough, the library says of each kind.
        """
        with told_as_answering(self.name, WHAT, HINT), quiet(), torch.inference_mode():
            given = self.processor(images=picture, text=[[words.lower()]], return_tensors="pt").to(self.model.device)
            high, wide = picture.shape[:2]  # some look at a square around the picture: they tell boxes by pixels alone
            found = self.processor.post_process_grounded_object_detection(
                self.model(**given), target_sizes=[(high, wide)]
            )[0]
            if not len(found["scores"]):
                return None
            box = found["boxes"][int(found["scores"].argmax())].cpu() / torch.tensor([wide, high, wide, high])
            sides = box.clamp(0, 1).tolist()
        return tuple(sides) if sides[0] < sides[2] and sides[1] < sides[3] else None


class Follower:
    """Makes a mask of what is in a box or at a point, and follows it from picture to picture.

    Pictures are prepared here as the model's own processor does it, which wants a package more.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        kind: Loadable[Any] = AutoModel  # no library types what it is given and gives back
        with told_as_opening(name, WHAT, HINT), quiet():
            self.model = whole(kind, folder).to(best_device()).eval()
            side = self.model.config.image_size
            self.side: int = side if isinstance(side, int) else side[0]

    def masks(self, pictures: Iterable[Frames], place: Place) -> Iterator[Mask]:
        """Where it is in each picture: in the first one it is at `place`, in parts of it."""
        device = self.model.device
        session = Sam2VideoInferenceSession(None, None, None, device, "cpu", device, self.model.dtype)
        points = torch.tensor(place).reshape(1, 1, -1, 2) * self.side
        labels = CORNERS if len(place) == 4 else INSIDE
        thing = session.obj_id_to_idx(1)
        session.add_point_inputs(thing, 0, {"point_coords": points, "point_labels": torch.tensor([[labels]]).int()})
        session.obj_with_new_inputs = [1]
        for number, picture in enumerate(pictures):
            with told_as_answering(self.name, WHAT, HINT), quiet(), torch.inference_mode():
                session.video_height, session.video_width = picture.shape[:2]
                made = self.model(inference_session=session, frame=self._prepared(picture), frame_idx=number)
                large = interpolate(made.pred_masks.float(), picture.shape[:2], mode="bilinear")
                mask = np.asarray(large[0, 0].cpu().numpy() > 0)
            (session.processed_frames or {}).pop(number)
            session.output_dict_per_obj[thing]["non_cond_frame_outputs"].pop(number - SEEN_AGAIN, None)
            yield mask

    def _prepared(self, picture: Frames) -> torch.Tensor:
        """A picture `(h, w, 3)` as the model wants it: `(1, 3, side, side)`."""
        small = Image.fromarray(picture).resize((self.side, self.side), Image.Resampling.BILINEAR)
        mean, spread = np.array(IMAGENET_DEFAULT_MEAN), np.array(IMAGENET_DEFAULT_STD)
        values = (np.asarray(small) / 255 - mean) / spread
        return torch.from_numpy(values).permute(2, 0, 1)[None].to(self.model.device, self.model.dtype)


class Segmenting:
    """What finds, what follows, or both; see `Segmenter`."""

    def __init__(self, finder: tuple[str, Path] | None, follower: tuple[str, Path] | None) -> None:
        self.finder = Finder(*finder) if finder else None
        self.follower = Follower(*follower) if follower else None

    def masks(self, pictures: Iterable[Frames], named: str) -> Iterator[Mask]:
        """Where it is in each picture: from the first one on in which it is found, if it is followed."""
        shown = iter(pictures)
        for picture in shown:
            place = self._place(picture, named)
            if place is not None and self.follower is not None:
                yield from self.follower.masks(_again(picture, shown), place)
            else:
                yield _filled(picture, place)

    def _place(self, picture: Frames, named: str) -> Place | None:
        point = point_of(named)
        return point if point is not None or self.finder is None else self.finder.box(picture, named)

    def close(self) -> None:
        """Give the device's memory back."""
        self.finder = self.follower = None
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _again(first: Frames, others: Iterator[Frames]) -> Iterator[Frames]:
    yield first
    yield from others


def _filled(picture: Frames, place: Place | None) -> Mask:
    high, wide = picture.shape[:2]
    mask = np.zeros((high, wide), np.bool_)
    if place is not None:
        left, right = int(place[0] * wide), math.ceil(place[2] * wide)
        mask[int(place[1] * high) : math.ceil(place[3] * high), left:right] = True
    return mask
