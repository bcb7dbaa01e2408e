"""A captioner of the user's describes clips: tiny random checkpoints of the true classes take the same road."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers

from sora_cli.engines.captioning import open_captioner
from sora_cli.engines.families.captioner import ASKED
from sora_cli.errors import EngineMissing

SMALL = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
SEEN = {**SMALL, "image_size": 16, "patch_size": 8}
WORDS = ["<pad>", "<s>", "</s>", "<unk>", "<image>", *ASKED.lower().replace(".", " .").replace(",", " ,").split()]


def tokenizer() -> transformers.PreTrainedTokenizerFast:
    vocabulary = {word: number for number, word in enumerate(dict.fromkeys(WORDS))}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))  # noqa: S106 - no password
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    named = {"unk_token": "<unk>", "pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>"}
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, additional_special_tokens=["<image>"], model_input_names=["input_ids"], **named
    )


def save(model: type[Any], config: Any, folder: Path) -> None:
    """Its weights, the same each time: random ones may say nothing."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model(config).save_pretrained(folder)


def blip(folder: Path) -> None:
    """It describes without being asked."""
    words = tokenizer()
    written = {**SMALL, "vocab_size": len(words), "bos_token_id": 1, "sep_token_id": 2, "pad_token_id": 0}
    config = transformers.BlipConfig(text_config=written, vision_config=SEEN, projection_dim=8)
    save(transformers.BlipForConditionalGeneration, config, folder)
    seen = transformers.BlipImageProcessor(size={"height": 16, "width": 16})
    transformers.BlipProcessor(seen, words).save_pretrained(folder)


def llava(folder: Path) -> None:
    """It chats."""
    words = tokenizer()
    written = transformers.LlamaConfig(**SMALL, vocab_size=len(words), max_position_embeddings=256)
    config = transformers.LlavaConfig(
        vision_config=transformers.CLIPVisionConfig(**SEEN), text_config=written, image_token_id=4
    )
    config.vision_feature_layer = -1
    save(transformers.LlavaForConditionalGeneration, config, folder)
    transformers.LlavaProcessor(
        transformers.CLIPImageProcessor(size={"shortest_edge": 16}, crop_size={"height": 16, "width": 16}),
        words,
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        image_token="<image>",  # noqa: S106
        chat_template="{% for m in messages %}{% for c in m.content %}"
        "{{ '<image> ' if c.type == 'image' else c.text }}{% endfor %}{% endfor %}",
    ).save_pretrained(folder)


@pytest.mark.parametrize("write", [blip, llava])
def test_a_picture_is_described_and_the_same_one_the_same(write: Callable[[Path], None], tmp_path: Path) -> None:
    transformers.utils.logging.disable_progress_bar()
    write(tmp_path)
    captioner = open_captioner(str(tmp_path))
    picture = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    said = captioner.describe(picture)
    assert set(said.split()) <= set(WORDS) - {"<image>", "<s>", "</s>", "<pad>"}
    assert said
    assert not said.startswith("describe this picture"), "the question is no part of the answer"
    assert open_captioner(str(tmp_path)).describe(picture) == said
    (tmp_path / "model.safetensors").write_bytes(b"torn")
    with pytest.raises(EngineMissing, match="cannot be opened as a captioner") as caught:
        open_captioner(str(tmp_path))
    assert "BLIP" in caught.value.hint


def test_weights_that_are_missing_are_told(tmp_path: Path) -> None:
    blip(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    del weights["vision_model.post_layernorm.weight"]
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(EngineMissing, match=r"lack the weights vision_model\.post_layernorm\.weight"):
        open_captioner(str(tmp_path))


def test_what_is_not_here_is_told(tmp_path: Path) -> None:
    for name, words in ((str(tmp_path), "holds no captioner"), ("nobody/nothing", "captioner nobody/nothing is not")):
        with pytest.raises(EngineMissing, match=words):
            open_captioner(name)
