"""Tiny randomly weighted models that find by words, and one that follows: of the true classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers

from tests.engines.tiny import louder

SIDE, READ = 64, 24


def _save(kind: type[Any], config: Any, folder: Path) -> None:
    """Its weights, the same each time."""
    transformers.utils.logging.disable_progress_bar()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = kind(config)
    with torch.no_grad():  # it is sure enough of something
        if isinstance(model, transformers.Owlv2ForObjectDetection):
            model.class_head.logit_shift.bias.fill_(3)
        if isinstance(model, transformers.Sam2VideoModel):
            louder(model, 4)
            model.mask_decoder.pred_obj_score_head.proj_out.bias.fill_(20)
    model.save_pretrained(folder)


def _tokenizer(*special: str) -> Any:
    words = [*special, ".", "the", "red", "ball", "a"]
    made = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token=special[0]))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    return made


def sam2(folder: Path) -> None:
    """SAM 2 for films."""
    eye = transformers.Sam2HieraDetConfig(
        hidden_size=8, num_attention_heads=1, image_size=[SIDE, SIDE], blocks_per_stage=[1, 1, 2, 1],
        embed_dim_per_stage=[8, 16, 32, 64], num_attention_heads_per_stage=[1, 1, 2, 4],
        window_size_per_stage=[8, 4, 4, 2], global_attention_blocks=[3],
    )  # fmt: skip
    vision = transformers.Sam2VisionConfig(
        backbone_config=eye, backbone_channel_list=[64, 32, 16, 8], fpn_hidden_size=128,
        backbone_feature_sizes=[[16, 16], [8, 8], [4, 4]],
    )  # fmt: skip
    config = transformers.Sam2VideoConfig(
        vision_config=vision,
        prompt_encoder_config={"hidden_size": 128, "image_size": SIDE, "mask_input_channels": 4},
        mask_decoder_config={
            "hidden_size": 128, "mlp_dim": 16, "num_attention_heads": 2, "iou_head_hidden_dim": 16,
            "num_hidden_layers": 1,
        },
        image_size=SIDE, memory_attention_hidden_size=128, memory_attention_num_layers=1,
        memory_attention_feed_forward_hidden_size=16, memory_attention_rope_feat_sizes=[4, 4],
        memory_encoder_hidden_size=128, mask_downsampler_embed_dim=128, memory_fuser_embed_dim=128,
        memory_fuser_intermediate_dim=16,
    )  # fmt: skip
    _save(transformers.Sam2VideoModel, config, folder)


def grounding_dino(folder: Path) -> None:
    """Grounding DINO, with its processor."""
    words = transformers.BertTokenizerFast(tokenizer_object=_tokenizer("[UNK]", "[PAD]", "[CLS]", "[SEP]", "[MASK]"))
    config = transformers.GroundingDinoConfig(
        backbone_config=transformers.SwinConfig(
            image_size=SIDE, embed_dim=8, depths=[1, 1, 1], num_heads=[1, 1, 1], window_size=4,
            out_features=["stage1", "stage2", "stage3"],
        ),
        text_config=transformers.BertConfig(
            vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
        ),
        d_model=32, encoder_layers=1, decoder_layers=2, encoder_ffn_dim=16, decoder_ffn_dim=16, num_queries=6,
        encoder_attention_heads=2, decoder_attention_heads=2, num_feature_levels=3, max_text_len=32,
    )  # fmt: skip
    _save(transformers.GroundingDinoForObjectDetection, config, folder)
    seen = transformers.GroundingDinoImageProcessor(size={"shortest_edge": SIDE, "longest_edge": SIDE})
    transformers.GroundingDinoProcessor(seen, words).save_pretrained(folder)


def owlv2(folder: Path) -> None:
    """OWLv2, with its processor."""
    letters = [*"abcdefghijklmnopqrstuvwxyz", *(f"{letter}</w>" for letter in "abcdefghijklmnopqrstuvwxyz")]
    vocabulary = {word: number for number, word in enumerate(["!", "<|startoftext|>", "<|endoftext|>", *letters])}
    words = transformers.CLIPTokenizerFast(vocab=vocabulary, merges=[], model_max_length=READ)
    small = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.Owlv2Config(
        text_config={**small, "vocab_size": len(words), "max_position_embeddings": READ},
        vision_config={**small, "image_size": SIDE, "patch_size": 16},
        projection_dim=16,
    )
    _save(transformers.Owlv2ForObjectDetection, config, folder)
    seen = transformers.Owlv2ImageProcessor(size={"height": SIDE, "width": SIDE})
    transformers.Owlv2Processor(seen, words).save_pretrained(folder)


BUILDERS = {"sam2": sam2, "grounding-dino": grounding_dino, "owlv2": owlv2}
