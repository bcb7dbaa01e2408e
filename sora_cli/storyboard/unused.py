"""What a storyboard defines and uses nowhere: variables, the cast, pronunciations, subtitles of no words.

And titles of shots that may be meant as their names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from sora_cli.errors import Problem
from sora_cli.spelling import composed
from sora_cli.storyboard.given import Cell
from sora_cli.storyboard.model import MENTION, Storyboard
from sora_cli.storyboard.nodes import Document, Scalar
from sora_cli.storyboard.source import quoted


def unused(board: Storyboard, document: Document, sets: Mapping[str, str]) -> Iterator[Problem]:
    """Remarks on what is defined and changes nothing; `sets` are the values of `--set`, or of a row's cells.

    A variable that a list fills may be there for other readers of the list.
    """
    told = [node.text for _, node in document.walk() if isinstance(node, Scalar)]
    words = composed("\n".join([*told, *sets.values()]))
    yield from _variables(document, words, {name for name, value in sets.items() if isinstance(value, Cell)})
    yield from _cast(board, words)
    yield from _titles(board)
    lines = [line.line.casefold() for shot in board.shots for beat in shot.beats for line in beat.dialogue]
    for word in board.say:
        if not any(word.casefold() in line for line in lines):
            yield Problem(
                f"{quoted(word)} stands in no line: this pronunciation is not heard",
                "write the word as it stands in `dialogue`, or take it out",
                board.mark(("say", word)),
            )
    if board.subtitles != "off" and not lines:
        hint = "write lines under `dialogue`, or take it out"
        yield Problem("nobody speaks in this film, so there are no subtitles", hint, board.mark(("subtitles",)))


def _titles(board: Storyboard) -> Iterator[Problem]:
    """That the titles of shots are seen, where all have one of their own: other programs call shots so."""
    shots = [shot for shot in board.shots if shot.beats]
    plain = all(shot.title and shot.title.position == "center" and not shot.title.duration for shot in shots)
    if len(shots) > 1 and plain and len({shot.title.text for shot in shots if shot.title}) == len(shots):
        hint = "what a shot is called is its `name:`; a `title:` is a card"
        yield Problem("each shot shows its title on the picture", hint, board.mark((*shots[0].loc, "title")))


def _variables(document: Document, words: str, filled: set[str]) -> Iterator[Problem]:
    for name in document.names(("vars",)) if "vars" in document.names(()) else ():
        used = rf"[$%<{{(]{re.escape(composed(name))}(?!\w)"  # in brackets of others, it is told as that
        if name in filled or re.search(used, words):
            continue
        hint = f"write ${{{name}}} where it belongs, or take it out"
        yield Problem(f"the variable {quoted(name)} is used nowhere", hint, document.mark(("vars", name), key=True))


def _cast(board: Storyboard, words: str) -> Iterator[Problem]:
    """Who is in no shot; who is named there without @ is told by `check` as that."""
    if "@${" in words:
        return
    mentioned = {match[1] for match in MENTION.finditer(words)}
    speaking = {line.cast for shot in board.shots for beat in shot.beats for line in beat.dialogue}
    plain = "\n".join(beat.prompt for shot in board.shots for beat in shot.beats)
    for name in board.cast:
        if name not in mentioned | speaking and not re.search(rf"\b{re.escape(name)}\b", plain, re.IGNORECASE):
            yield Problem(
                f"{name} is in no shot: nothing shows @{name}, and {name} speaks no line",
                f"write @{name} in a prompt, or take it out",
                board.mark(("cast", name)),
            )
