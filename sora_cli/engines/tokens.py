"""How long a prompt is in a model's own tokens: by its tokenizer where it is here, else by a rule of thumb."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sora_cli.engines.base import EngineCard

if TYPE_CHECKING:  # who asks for no count need not wait for it
    from tokenizers import Tokenizer

PER_WORD = 1.4
"""Tokens of an English word, generously: subword vocabularies of 32,000 to 256,000 make 1.2 to 1.4 of one."""
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_]+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Length:
    """Tokens of a text, whether they were counted or are an estimate, and the characters that the model reads."""

    tokens: int
    counted: bool
    read: int


def estimate(text: str) -> int:
    """About how many tokens a text has."""
    return round(PER_WORD * len(_WORD.findall(text)))


def length(text: str, card: EngineCard) -> Length:
    """How long a text is for a model; all is read where no limit is known."""
    file = card.location / "tokenizer" / "tokenizer.json" if card.location else None
    if file is None or not file.is_file():
        return Length(estimate(text), counted=False, read=len(text))
    tokenizer = _tokenizer(file)
    if tokenizer is None:
        return Length(estimate(text), counted=False, read=len(text))
    found = tokenizer.encode(text)
    limit = card.prompt_tokens
    over = 0 < limit < len(found.ids)
    return Length(len(found.ids), counted=True, read=found.offsets[limit - 2][1] if over else len(text))


@cache
def _tokenizer(file: Path) -> Tokenizer | None:
    """The tokenizer in a file; None where it cannot be read, which whoever opens the model will say."""
    from tokenizers import Tokenizer

    with suppress(Exception):  # tokenizers raises no narrower class
        made = Tokenizer.from_file(str(file))
        made.no_truncation()
        made.no_padding()
        return made
    return None
