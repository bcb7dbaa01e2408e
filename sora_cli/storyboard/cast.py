"""The cast: who is declared, and who is named in a prompt or speaks."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Literal

from sora_cli.adapters import SUFFIX, weights_in
from sora_cli.storyboard.consent import RELEASES, ConsentForm, consent_of
from sora_cli.storyboard.files import FILMS, HEARD, PICTURES, SOUNDS, Files, suffix
from sora_cli.storyboard.model import MENTION, CastMember, Consent, Loc
from sora_cli.storyboard.nodes import Document
from sora_cli.storyboard.problems import Problems
from sora_cli.storyboard.schema import CastForm
from sora_cli.storyboard.source import quoted

ANCHORS = (*PICTURES, *FILMS, *SOUNDS)
"""What a `reference` may be, by its suffix; which of these an engine takes is on its card."""


VOICES = ("bin", "npy", "npz", "onnx")
"""Suffixes of a voice that is a file: a style vector, or a voice of piper's."""


def kind_of(reference: Path) -> Literal["picture", "film", "sound"]:
    """What a reference is, by its suffix."""
    end = suffix(reference.name)
    return "picture" if end in PICTURES else "film" if end in FILMS else "sound"


def read_references(written: Sequence[str] | str, loc: Loc, files: Files) -> tuple[Path, ...]:
    """The files of a `reference`, one or several, in order."""
    if isinstance(written, str):
        parts = re.split(r"\s*[,;]\s*", written)
        several = len(parts) > 1 and all(suffix(part) in ANCHORS for part in parts)
        if several and not os.path.lexists(files.base / written):
            files.refuse(f"{quoted(written)} names several files", loc, f"write them as a list: [{', '.join(parts)}]")
            return ()
    texts = {loc: written} if isinstance(written, str) else {(*loc, at): text for at, text in enumerate(written)}
    found = [files.find(text, place, ANCHORS, "a picture, film or sound") for place, text in texts.items()]
    return tuple(path for path in found if path)


def read_voice(written: str, loc: Loc, files: Files) -> tuple[str, Path | None]:
    """A voice's name, and its file where it is the user's own."""
    if suffix(written) in HEARD:
        hint = "`sora voices` lists voices; a line that was recorded is written `{line: WORDS, file: FILE}`"
        files.refuse(f"{quoted(written)} is a recording, not a voice", loc, hint)
        return "", None
    if suffix(written) not in VOICES:
        return written, None
    path = files.find(written, loc, VOICES, "a voice")
    return (path.stem, path) if path else ("", None)


def read_lora(written: str, loc: Loc, files: Files) -> Path | None:
    """The weights of a LoRA; None where they are not there."""
    folder = files.base / written
    weights = weights_in(folder)
    found = written if weights == folder else str(PurePath(written, weights.name))
    return files.find(found, loc, (SUFFIX.removeprefix("."),), "a LoRA")


def read_consent(form: ConsentForm, loc: Loc, files: Files) -> Consent | None:
    """A consent with its release; None where that is not there."""
    path = files.find(form.file, (*loc, "file"), RELEASES, "a release")
    return consent_of(form, path) if path else None


class Casting:
    """The members, and the checks of those who name them. `known`: whether the cast could be read at all."""

    def __init__(
        self,
        written: Mapping[str, CastForm | str] | None,
        document: Document,
        problems: Problems,
        files: Files,
        *,
        unread: frozenset[str],
        known: bool,
    ) -> None:
        self._document = document
        self._problems = problems
        self._known = known
        self.members: dict[str, CastMember] = {name: CastMember(name) for name in unread}
        for name, form in (written or {}).items():
            self.members[name] = self._member(name, form, files)

    def _member(self, name: str, form: CastForm | str, files: Files) -> CastMember:
        loc: Loc = ("cast", name)
        if not re.fullmatch(MENTION, "@" + name):
            hint = "letters, digits, _ and -, beginning with a letter, so that @name can stand in a prompt"
            self._problems.add(f"{quoted(name)} cannot be a cast name", self._document.mark(loc, key=True), hint)
        if isinstance(form, str):
            return CastMember(name, form)
        if form.looks and (mention := MENTION.search(form.looks)):
            where = self._document.spot((*loc, "looks"), mention[0])
            self._problems.add(f"{quoted(mention[0])} is understood in a prompt only", where)
        references = read_references(form.reference, (*loc, "reference"), files) if form.reference else ()
        voice, path = read_voice(form.voice, (*loc, "voice"), files) if form.voice else ("", None)
        consent = read_consent(form.consent, (*loc, "consent"), files) if form.consent else None
        lora = read_lora(form.lora, (*loc, "lora"), files) if form.lora else None
        return CastMember(name, form.looks or "", references, voice, path, consent, lora)

    def mentioned(self, prompt: str, loc: Loc) -> tuple[str, ...]:
        """The members named in `prompt`, in order, each once; others are noted."""
        found = dict.fromkeys(MENTION.findall(prompt)) if "@" in prompt else {}
        for name in found:
            self.check(name, loc, token="@" + name)
        return tuple(name for name in found if name in self.members)

    def check(self, name: str, loc: Loc, token: str = "") -> None:
        """Note it when nobody in the cast is called `name`; `token` is how it stands in the text at `loc`."""
        if name in self.members or not self._known:
            return
        where = (self._document.spot(loc, token) if token else None) or self._document.mark(loc)
        alone = self._document.root.start < 0  # it was no file
        add = "a prompt alone has no cast: write who it is in words" if alone else f"add `{name}:` under `cast`"
        hint = self._problems.meant(name, self.members) or add
        self._problems.add(f"nobody in the cast is called {quoted(name)}", where, hint)
