"""Make the tokenizer and the text encoder: a small UMT5, taught to read captions before any picture is seen.

Reading is learned from captions alone, thousands a second: the encoder must say of each caption which place, time,
framing, camera move, action, shape, colour and size it names, or that it names none. The transformer then starts from
words that already mean something, which saves it most of what it would need to learn them from pictures.

    python -m examples.nano.text
"""

from __future__ import annotations

import math
import time

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name everyone uses
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from torch import Tensor, nn
from transformers import AutoTokenizer, PreTrainedTokenizerFast, UMT5Config, UMT5EncoderModel

from . import scene as vocabulary_of
from .captions import LABELS, describe, junk
from .config import TEXT, TRAINING, WORK, device
from .scene import draw_scene

TOKENIZER = WORK / "tokenizer"
ENCODER = WORK / "text_encoder"
BATCH, RATE = 64, 2e-3
JUNK_SHARE = 0.03

VALUES: dict[str, tuple[str, ...]] = {
    "place": vocabulary_of.PLACES,
    "time": vocabulary_of.TIMES,
    "framing": vocabulary_of.FRAMINGS,
    "camera": vocabulary_of.CAMERAS,
    "action": (*vocabulary_of.ACTIONS, *vocabulary_of.STOPS, *vocabulary_of.HITS, *vocabulary_of.ORBITS),
    "shape": vocabulary_of.SHAPES,
    "colour": vocabulary_of.COLOURS,
    "size": vocabulary_of.SIZES,
    "other_shape": vocabulary_of.SHAPES,
    "other_colour": vocabulary_of.COLOURS,
    "pace": vocabulary_of.PACES,
    "style": vocabulary_of.STYLES,
}


SIDES = ("left", "right")
_PANS = ("pan", "pans", "panning", "tracking", "camera",
         *(f"camera {verb}" for verb in ("moves", "slides", "goes", "tracks", "travels", "trucks")))  # fmt: skip
TOLD_APART = {  # what stands before a side that is the camera's, or where something comes from
    "pan": tuple(verb + slowly + to for verb in _PANS for slowly in ("", " slowly") for to in ("", " to the")),
    "from": ("from", "from the"),
}


def normalizer() -> normalizers.Sequence:
    """What is done to a text before it is cut: among the rest, `pans left` becomes `pans panleft`.

    The encoder hardly heeds the order of words, so that "rolls left, pan right" and "rolls right, pan left" were one to
    it. With words of its own for the camera's side, and for `from left to right`, it need not.
    """
    behind = {whose: "|".join(rf"\b{words} " for words in before) for whose, before in TOLD_APART.items()}
    sides = [
        normalizers.Replace(Regex(f"(?<={before}){side}(?![a-z])"), whose + side)
        for whose, before in behind.items()
        for side in SIDES
    ]
    plain = [normalizers.NFKC(), normalizers.Lowercase(), normalizers.Replace("-", " ")]
    return normalizers.Sequence([*plain, *sides])


def build_tokenizer() -> PreTrainedTokenizerFast:
    """A new tokenizer, which it saves: byte-pair pieces of captions (Sennrich et al. 2016, arXiv 1508.07909).

    A word that it never saw falls into letters.

    A `PreTrainedTokenizerFast` and not a T5 tokenizer, because transformers 5 gives the latter its own pre-tokenizer.
    """
    rng = np.random.default_rng(3)
    texts = [describe(draw_scene(rng, variety=0.4), rng)[0] for _ in range(20000)] + [junk(rng) for _ in range(200)]
    texts += [" ".join("abcdefghijklmnopqrstuvwxyz0123456789") + " - ' ! ? : ; . , ( )"] * 50
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))  # noqa: S106 - no password
    tokenizer.normalizer = normalizer()
    metaspace = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("isolated"), metaspace]
    )
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    special = ["<pad>", "</s>", "<unk>"]
    trainer = trainers.BpeTrainer(vocab_size=TEXT.vocabulary, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=512,
        eos_token="</s>",  # noqa: S106
        unk_token="<unk>",  # noqa: S106
        pad_token="<pad>",  # noqa: S106
    )
    fast.save_pretrained(TOKENIZER)
    return fast


def build_encoder(words: int) -> UMT5EncoderModel:
    """A new, untrained text encoder for a vocabulary of so many pieces."""
    return UMT5EncoderModel(
        UMT5Config(
            vocab_size=words,
            d_model=TEXT.width,
            d_kv=TEXT.width // TEXT.heads,
            d_ff=TEXT.feed_forward,
            num_layers=TEXT.layers,
            num_heads=TEXT.heads,
            dropout_rate=0.0,
            feed_forward_proj="gated-gelu",
            pad_token_id=0,
            eos_token_id=1,
            decoder_start_token_id=0,
        )
    )


class Reader(nn.Module):
    """The encoder with one small classifier for each property, on the last token and on the mean of all."""

    def __init__(self, encoder: UMT5EncoderModel) -> None:
        super().__init__()
        self.encoder = encoder
        self.heads = nn.ModuleDict({n: nn.Linear(TEXT.width, len(VALUES[n]) + 1) for n in LABELS})

    def forward(self, tokens: Tensor, mask: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
        """Two guesses a property, as logits `(captions, values + 1)`; the last value is "not said".

        `tokens` and `mask`, which is 1 where there is a token, are `(captions, tokens)`.
        """
        states = self.encoder(tokens, mask).last_hidden_state
        weight = mask[..., None].float()
        mean = (states * weight).sum(1) / weight.sum(1)
        last = states[torch.arange(len(states)), mask.sum(1) - 1]
        return {n: (head(last), head(mean)) for n, head in self.heads.items()}


def batch_of(rng: np.random.Generator, captions: int) -> tuple[list[str], dict[str, Tensor]]:
    """So many random captions, and what each says by property: its place in `VALUES`, or past the end for none."""
    texts, labels = [], {n: torch.zeros(captions, dtype=torch.long) for n in LABELS}
    for i in range(captions):
        text, said = (
            (junk(rng), dict[str, str]()) if rng.random() < JUNK_SHARE else describe(draw_scene(rng, variety=0.3), rng)
        )
        texts.append(text)
        for name in LABELS:
            labels[name][i] = VALUES[name].index(said[name]) if name in said else len(VALUES[name])
    return texts, labels


@torch.no_grad()
def accuracy(reader: Reader, tokenizer: PreTrainedTokenizerFast, captions: int = 512) -> dict[str, float]:
    """The share, 0 to 1, of held-out captions that are read right from the last token, by property."""
    texts, labels = batch_of(np.random.default_rng(900_002), captions)
    tokens = tokenizer(texts, padding=True, return_tensors="pt").to(device())
    guesses = reader(tokens.input_ids, tokens.attention_mask)
    return {n: float((guesses[n][0].argmax(1).cpu() == labels[n]).float().mean()) for n in LABELS}


def train() -> None:
    """Teach the encoder to read, save it, and print how much of other captions it reads right."""
    torch.manual_seed(0)
    tokenizer = build_tokenizer()
    reader = Reader(build_encoder(len(tokenizer))).to(device())
    optimizer = torch.optim.AdamW(reader.parameters(), lr=RATE, betas=(0.9, 0.98), weight_decay=0.01)
    rng = np.random.default_rng(0)
    began = time.time()
    for step in range(TRAINING.text_steps):
        for group in optimizer.param_groups:
            group["lr"] = (
                RATE * min(1.0, (step + 1) / 100) * (0.5 + 0.5 * math.cos(math.pi * step / TRAINING.text_steps))
            )
        texts, labels = batch_of(rng, BATCH)
        tokens = tokenizer(texts, padding=True, return_tensors="pt").to(device())
        guesses = reader(tokens.input_ids, tokens.attention_mask)
        loss = torch.stack([F.cross_entropy(g, labels[n].to(g.device)) for n in LABELS for g in guesses[n]]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (step + 1) % 200 == 0:
            print(f"step {step + 1}, {time.time() - began:.0f} s, loss {loss.item():.4f}", flush=True)
    reader.encoder.save_pretrained(ENCODER)
    print("read right:", {n: round(v, 3) for n, v in accuracy(reader, tokenizer).items()})


class Words:
    """Turns captions into what the transformer sees of them.

    Raises:
        OSError: tokenizer or encoder was not made yet.
    """

    def __init__(self) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(TOKENIZER)
        self.encoder = UMT5EncoderModel.from_pretrained(ENCODER).to(device()).eval()

    def __call__(self, captions: list[str], length: int = TEXT.max_tokens) -> Tensor:
        """Captions as `(captions, length, width)`, zeros where padded, as the pipeline encodes them."""
        tokens = self.tokenizer(captions, padding=True, max_length=length, truncation=True, return_tensors="pt")
        tokens = tokens.to(device())
        states = self.encoder(tokens.input_ids, tokens.attention_mask).last_hidden_state
        states = states * tokens.attention_mask[..., None]
        return F.pad(states, (0, 0, 0, length - states.shape[1]))


if __name__ == "__main__":
    train()
