"""Any image-text-to-text model of transformers, as a captioner."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor

from sora_cli.engines.families.diffusion import best_device, best_dtype, quiet
from sora_cli.engines.runtime.errors import told_as_answering, told_as_opening
from sora_cli.media.stream import Frames

ASKED = "Describe this picture in one sentence: what is seen, what it does, the place, the light and the framing."
"""What a model that chats is asked; others describe without being asked."""
LONGEST = 96
"""Tokens of a description."""
WHAT = "captioner"
HINT = "name a captioner with its processor and .safetensors weights: BLIP, GIT, or a vision model that chats"


class Describing:
    """A captioner on the best device here; see `Captioner`."""

    def __init__(self, name: str, folder: Path) -> None:
        weights = [path.stat() for path in sorted(folder.glob("*.safetensors"))]
        self.name, self.identity = name, f"{folder} {[(each.st_size, each.st_mtime_ns) for each in weights]} {ASKED}"
        device = best_device()
        local = {"local_files_only": True, "trust_remote_code": False}
        with told_as_opening(name, WHAT, HINT), quiet():
            self.processor: Any = AutoProcessor.from_pretrained(str(folder), **local)  # type: ignore[no-untyped-call]
            model: Any = AutoModelForImageTextToText.from_pretrained(
                str(folder),
                dtype=best_dtype(device, sum(each.st_size for each in weights)),
                use_safetensors=True,
                **local,
            )
            self.model = model.to(device).eval()

    def describe(self, picture: Frames) -> str:
        """What it sees."""
        with told_as_answering(self.name, WHAT, HINT), quiet(), torch.inference_mode():
            given = self._given(Image.fromarray(picture)).to(self.model.device, self.model.dtype)
            made = self.model.generate(**given, max_new_tokens=LONGEST, do_sample=False)
            new = made[:, given["input_ids"].shape[1] :] if "input_ids" in given else made
            return " ".join(self.processor.batch_decode(new, skip_special_tokens=True)[0].split())

    def _given(self, picture: Image.Image) -> Any:
        """The picture as the model wants it, with the question where it was taught to be asked one."""
        if not getattr(self.processor, "chat_template", None):
            return self.processor(images=picture, return_tensors="pt")
        asked = [{"type": "image", "image": picture}, {"type": "text", "text": ASKED}]
        return self.processor.apply_chat_template(
            [{"role": "user", "content": asked}],
            add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt",
        )  # fmt: skip
