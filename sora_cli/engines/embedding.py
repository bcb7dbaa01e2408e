"""Pictures as vectors, by a model of the user's: CLIP, SigLIP or DINO, from a folder or the hub's cache here.

None comes with `sora`: no package that can be installed brings such weights. Nothing is downloaded here.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sora_cli.errors import MachineError, first_of
from sora_cli.media.stream import Frames

if TYPE_CHECKING:
    import torch

BATCH = 16
"""Pictures that are embedded at once."""
POOLER = "pooler."
"""What some do without, such as the first DINO: a picture is then what its first token became."""


class Embedding:
    """A model that tells how alike pictures are. Its weights are safetensors, and no code of its folder is run."""

    def __init__(
        self, model: torch.nn.Module, processor: Callable[..., Mapping[str, torch.Tensor]], *, pooled: bool
    ) -> None:
        self._model, self._processor, self._pooled = model, processor, pooled

    def __call__(self, pictures: Sequence[Frames]) -> NDArray[np.float32]:
        """A unit vector for each picture `(h, w, 3)` of sRGB bytes: `(n, d)`; their products are cosines."""
        import torch

        found = []
        with torch.inference_mode():
            for first in range(0, len(pictures), BATCH):
                some = [np.array(picture) for picture in pictures[first : first + BATCH]]  # torch wants its own
                given = self._processor(images=some, return_tensors="pt")
                seen = getattr(self._model, "get_image_features", self._model)(**given)
                vector = getattr(seen, "pooler_output", seen) if self._pooled else seen.last_hidden_state[:, 0]
                found.append(vector.float())
        vectors: NDArray[np.float32] = torch.nn.functional.normalize(torch.cat(found), dim=-1).numpy()
        return vectors


def open_embedding(name: str) -> Embedding:
    """The embedding of a folder in transformers' layout, or of a hub id whose files are on this machine.

    Raises:
        MachineError: it is not here, or it is none.
    """
    transformers = importlib.import_module("transformers")
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    here = {"local_files_only": True, "trust_remote_code": False}
    try:
        processor = transformers.AutoImageProcessor.from_pretrained(name, **here)
        model, told = transformers.AutoModel.from_pretrained(
            name, use_safetensors=True, output_loading_info=True, **here
        )
    except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
        raise MachineError(
            f"cannot open the embedding {name}: {str(error).strip().splitlines()[0]}",
            hint="name a folder with a CLIP, SigLIP or DINO model in safetensors, or get one: hf download MODEL",
        ) from error
    lacks = sorted(told["missing_keys"])  # they would be random
    if not all(key.startswith(POOLER) for key in lacks):
        raise MachineError(
            f"cannot open the embedding {name}: its files lack the weights {first_of(lacks, 1)}", hint="get it again"
        )
    if not hasattr(model, "get_image_features") and model.main_input_name != "pixel_values":
        raise MachineError(f"{name} is no model of pictures", hint="name a CLIP, SigLIP or DINO model")
    return Embedding(model.eval(), processor, pooled=not lacks)
