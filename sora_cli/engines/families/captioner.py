"""An image-text-to-text model of transformers, as a captioner."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import torch
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor, BatchFeature

from sora_cli.engines.families.language import LOCAL, loaded
from sora_cli.engines.runtime.device import best_device, quiet
from sora_cli.engines.runtime.errors import told_as_answering, told_as_opening
from sora_cli.media.stream import Frames

ASKED = "Describe this picture in one sentence: what is seen, what it does, the place, the light and the framing."
"""What a model that chats is asked; others describe without being asked."""
LONGEST = 96
"""Tokens of a description."""
WHAT = "captioner"
HINT = "name a captioner with its processor and .safetensors weights: BLIP, GIT, or a vision model that chats"


class Processing(Protocol):
    """What is used of a processor of transformers; some have a `chat_template` as well."""

    def __call__(self, *, images: Image.Image, return_tensors: str) -> BatchFeature:
        """A picture as the model wants it."""
        ...

    def apply_chat_template(self, chat: list[dict[str, object]], **how: object) -> BatchFeature:
        """A conversation as the model was taught to hold it."""
        ...

    def batch_decode(self, tokens: torch.Tensor, *, skip_special_tokens: bool) -> list[str]:
        """Tokens `(n, tokens)` in words."""
        ...


class Describing:
    """A captioner on the best device here; see `Captioner`."""

    def __init__(self, name: str, folder: Path) -> None:
        weights = [path.stat() for path in sorted(folder.glob("*.safetensors"))]
        self.name, self.identity = name, f"{folder} {[(each.st_size, each.st_mtime_ns) for each in weights]} {ASKED}"
        device = best_device()
        with told_as_opening(name, WHAT, HINT), quiet():
            self.processor: Processing = AutoProcessor.from_pretrained(str(folder), **LOCAL)  # type: ignore[no-untyped-call]
            size = sum(each.st_size for each in weights)
            self.model = loaded(AutoModelForImageTextToText, folder, device, size)

    def describe(self, picture: Frames) -> str:
        """What it sees."""
        with told_as_answering(self.name, WHAT, HINT), quiet(), torch.inference_mode():
            given = self._given(Image.fromarray(picture)).to(self.model.device, self.model.dtype)
            made = self.model.generate(**given, max_new_tokens=LONGEST, do_sample=False)
            new = made[:, given["input_ids"].shape[1] :] if "input_ids" in given else made
            return " ".join(self.processor.batch_decode(new, skip_special_tokens=True)[0].split())

    def _given(self, picture: Image.Image) -> BatchFeature:
        """The picture as the model wants it, with the question where it was taught to be asked one."""
        if not getattr(self.processor, "chat_template", None):
            return self.processor(images=picture, return_tensors="pt")
        asked = [{"type": "image", "image": picture}, {"type": "text", "text": ASKED}]
        return self.processor.apply_chat_template(
            [{"role": "user", "content": asked}],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
        )
