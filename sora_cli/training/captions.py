"""Words for clips and pictures: a text's beside each, else those given for all, a captioner's or its file's name."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct

from sora_cli.bounded import SMALL, read_bytes
from sora_cli.errors import RequestError
from sora_cli.texts import decoded, unreadable

Kind = Literal["character", "look"]
MOST = 4_000
"""Letters of a caption."""
ENDINGS = (".txt", ".TXT", ".caption")
"""How the name of a text ends that stands beside its clip or picture; the last is that of other trainers."""
REPEATED = re.compile(r"\d+_(.*\w.*)")
"""How kohya's folders are called: how often each picture is learned, and the caption of those without a text."""


class Written(Struct, frozen=True):
    """A caption, and where it comes from."""

    caption: str
    source: Literal["text", "given", "captioner", "name"]


class Captions(Struct, frozen=True):
    """How captions are found; each names the `trigger`, the word by which what is learned is called."""

    trigger: str
    kind: Kind
    given: str = ""
    seen: Callable[[Path], str] | None = None
    """What a captioner sees in a clip or picture."""
    listed: Mapping[Path, str] = {}
    """What lists say of clips and pictures."""

    def has(self, path: Path) -> bool:
        """Whether somebody wrote the caption of a clip or picture."""
        return text_of(path) is not None or path in self.listed

    def of(self, path: Path) -> Written:
        """The caption of a clip or picture.

        Raises:
            RequestError: the text beside it cannot be read, or is too long.
            WorkError, OutOfMemory: the captioner failed.
        """
        if words := _beside(path) or _bounded(self.listed.get(path, ""), f"of {path}"):
            return Written(self.named(words), "text")
        if self.given:
            return Written(self.named(self.given), "given")
        if self.seen and (words := self.seen(path)[:MOST]):
            return Written(self.named(words), "captioner")
        folder = REPEATED.fullmatch(path.parent.name)
        return Written(self.named(folder[1] if folder else _spoken(path.stem)), "name")

    def named(self, words: str) -> str:
        """The words with the trigger in them: where they lack it, a character's stands first, a look's last."""
        if re.search(rf"(?<!\w){re.escape(self.trigger)}(?!\w)", words, re.IGNORECASE):
            return words
        parts = (self.trigger, words) if self.kind == "character" else (words, self.trigger)
        return ", ".join(part for part in parts if part)

    def others(self, caption: str, words: Sequence[str]) -> tuple[str, ...]:
        """The caption with each of some words in the trigger's place: what it means already, and shall mean on."""
        parts = re.split(rf"(?<!\w){re.escape(self.trigger)}(?!\w)", caption, flags=re.IGNORECASE)
        return tuple(word.join(parts) for word in words)


def text_of(path: Path) -> Path | None:
    """The text with the caption of a clip or picture: `ball.txt`, or `ball.mp4.txt`, beside `ball.mp4`."""
    named = [*(path.with_suffix(end) for end in ENDINGS), path.with_name(f"{path.name}.txt")]
    return next((each for each in named if os.path.lexists(each)), None)


def _beside(path: Path) -> str:
    """The words of the text of the same name; nothing where there is none, or it is empty."""
    text = text_of(path)
    if text is None:
        return ""
    try:
        words = " ".join(decoded(read_bytes(text, SMALL))[0].split())
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(f"cannot read {text}: {unreadable(error)}", hint="save it as plain text") from error
    return _bounded(words, str(text))


def _bounded(words: str, which: str) -> str:
    if len(words) > MOST:
        raise RequestError(f"the caption {which} has {len(words):,} letters", hint=f"{MOST:,} at most")
    return words


def _spoken(stem: str) -> str:
    """A file's name as words: `red-ball_03` is `red ball`; a camera's own, as `IMG_0042`, says nothing."""
    words = re.sub(r"[\W_]+", " ", stem).split()
    return " ".join(word for word in words if not (word.isupper() or re.search(r"\d", word)))
