"""How long a prompt is in a model's own tokens: by its tokenizer where it is here, else by a rule of thumb."""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from sora_cli.engines.base import EngineCard
from sora_cli.remembered import cache_folder, remembered

if TYPE_CHECKING:  # who asks for no count need not wait for it
    from tokenizers import Tokenizer

PER_WORD = 1.4
"""Tokens of an English word, generously: subword vocabularies of 32,000 to 256,000 make 1.2 to 1.4 of one."""
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_]+|[^\w\s]")


class Length(Struct, frozen=True):
    """Tokens of a text, whether they were counted or are an estimate, and the characters that the model reads."""

    tokens: int
    counted: bool
    read: int


def estimate(text: str) -> int:
    """About how many tokens a text has."""
    return round(PER_WORD * len(_WORD.findall(text)))


def length(text: str, card: EngineCard) -> Length:
    """How long a text is for a model; all is read where no limit is known. What was counted is remembered."""
    file = card.location / "tokenizer" / "tokenizer.json" if card.location else None
    if file is None or not file.is_file():
        return Length(estimate(text), counted=False, read=len(text))
    before = remembered(cache_folder() / "tokens.jsonl", f"{card.revision} {card.prompt_tokens}")
    name = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    match before.find(name):
        case [int(tokens), int(read)] if card.revision:
            return Length(tokens, counted=True, read=read)
    counted = _counted(text, file, card.prompt_tokens)
    if counted is not None and card.revision:
        before.keep({name: [counted.tokens, counted.read]})
    return counted or Length(estimate(text), counted=False, read=len(text))


def _counted(text: str, file: Path, limit: int) -> Length | None:
    tokenizer = _tokenizer(file)
    if tokenizer is None:
        return None
    found = tokenizer.encode(text)
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
