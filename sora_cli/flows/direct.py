"""`sora direct`: the prompt that the model of each beat and still is given, written into a new storyboard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from sora_cli import atomic, storyboard
from sora_cli.bounded import open_regular
from sora_cli.errors import PolicyError, Problem, RequestError, WorkError, refusal
from sora_cli.events import Silent
from sora_cli.flows import moderation, outputs, places, preflight
from sora_cli.plain import as_data
from sora_cli.plan import Plan, idea
from sora_cli.plan.rewording import cleaned, objections, question, unfenced
from sora_cli.policy.board import Text
from sora_cli.record import recipe
from sora_cli.storyboard import LoadResult
from sora_cli.storyboard.model import Beat, Loc, Storyboard
from sora_cli.storyboard.sending import with_sent
from sora_cli.storyboard.source import harmless
from sora_cli.storyboard.writing import comments, written

if TYPE_CHECKING:
    from sora_cli.engines.base import EngineCard, Take
    from sora_cli.engines.language import Heard, LanguageModel
    from sora_cli.plan.prompt import Prompt

TOKENS, BOARD_TOKENS = 512, 4096
"""Tokens that a model may write by default: for one prompt, for a storyboard."""


class DirectOptions(Struct, frozen=True, kw_only=True):
    """How a storyboard is directed: by which model (none: by rules), with which seed, in how many tokens."""

    model: str = ""
    seed: int | None = None
    tokens: int = 0
    sets: Mapping[str, str]
    allow_outside: bool = False
    overwrite: bool = False


class Worded(Struct, frozen=True):
    """A beat, by its take's name: its engine, its author's prompt, and what is sent instead, or why nothing is."""

    take: str
    engine: str
    prompt: str
    sent: str
    stays: str = ""


class Directed(Struct, frozen=True):
    """A storyboard that was written: its beats, and how the file differs from the old one."""

    path: Path
    beats: tuple[Worded, ...]
    diff: str
    frozen: bool
    """Whether the old file has variables: their values of now are written out."""

    def as_dict(self) -> dict[str, object]:
        """Plain data, for `--json`."""
        return {"file": str(self.path), "beats": [as_data(beat) for beat in self.beats], "diff": self.diff}

    def remarks(self) -> Iterator[str]:
        """What a person should know: which words stay, and why."""
        yield from (f"{beat.take}: your words stay: {beat.stays}" for beat in self.beats if beat.stays)
        if self.frozen and any(not beat.stays for beat in self.beats):
            yield "`sent` holds the values that variables have now: --set changes the prompts only"


def direct(file: Path, asked: Path | str | None, options: DirectOptions, heard: Heard) -> Directed:
    """Write a new storyboard that holds the prompt of each beat's model. `heard` is called with what a model writes.

    Raises:
        StoryboardError, PolicyError: what is wrong with the storyboard.
        RequestError: another file has that name, or the files that the storyboard names are not found from there.
        EngineMissing: the language model is not here.
    """
    out = places.file_at(asked, file.with_name(f"{file.stem}.directed{file.suffix or '.yaml'}"))
    board = preflight.load(file, sets=options.sets, allow_outside=options.allow_outside)
    maker = outputs.Maker(command="direct", paths=(file,))
    outputs.check({out: outputs.own_table(maker)}, recipe.files_of(board), overwrite=options.overwrite)
    if board.files and out.parent.resolve() != file.parent.resolve():
        hint = f"write it there: -o {file.with_name(out.name)}"
        raise RequestError(f"{file} names files, which are found from its own folder only", hint=hint)
    plan, _ = preflight.plan_for(board)
    text = outputs.unmarked(_read(file))
    beats = dict(_worded(plan, options, heard))
    words = {loc: beat.sent for loc, beat in beats.items() if not beat.stays}
    now, roomless = with_sent(text, board, words, name=file.name, sets=options.sets)
    why = "there is no room for `sent` beside them: they stand behind an alias, for instance"
    beats |= {loc: Worded(beats[loc].take, beats[loc].engine, beats[loc].prompt, "", why) for loc in roomless}
    write(out, now + ("" if now.endswith("\n") else "\n"), maker)
    lines = unified_diff(text.splitlines(), now.splitlines(), file.name, out.name, lineterm="", n=1)
    return Directed(out, tuple(beats.values()), "\n".join(lines), "${" in text)


def write(out: Path, text: str, maker: outputs.Maker) -> None:
    """Write a storyboard, with a last line that says whose it is."""
    atomic.save(out, text + outputs.table_mark(maker, out.parent)(text))


def _read(file: Path) -> str:
    with open_regular(file) as opened:
        return opened.read().decode("utf-8-sig")


def _opened(name: str) -> LanguageModel | None:
    if not name:
        return None
    from sora_cli.engines.language import open_language_model

    return open_language_model(name)


def _worded(plan: Plan, options: DirectOptions, heard: Heard) -> Iterator[tuple[Loc, Worded]]:
    """Each beat and still, by its place in the file, with the words that are sent instead."""
    model = _opened(options.model)
    for loc, beat, takes in _takes(plan):
        prompts, card = [plan.prompts[take.key] for take in takes], plan.cards[takes[0].engine]
        card = card.still if loc != beat.loc else card
        if len({prompt.picture for prompt in prompts}) > 1:
            sent, stays = "", f"its {len(takes)} takes have different prompts"
        elif model is None:
            stays = "they are sent as they are" if prompts[0].picture == beat.prompt and not beat.sent else ""
            sent = "" if stays else prompts[0].picture
        else:
            sent, stays = _answer_of(model, prompts[0], card, plan.board, options=options, heard=heard)
            heard("\n")
        name = takes[0].name if len(takes) == 1 else takes[0].name.rpartition(".")[0]
        yield loc, Worded(name, card.name, beat.prompt, sent, stays)


def _takes(plan: Plan) -> Iterator[tuple[Loc, Beat, list[Take]]]:
    """Each beat, and each still with words of its own, by its place in the file, with its takes."""
    for shot, planned in zip(plan.board.shots, plan.shots, strict=True):
        for beat, made in zip(shot.beats, planned.beats, strict=True):
            yield beat.loc, beat, [stretch.candidates[0] for stretch in made.stretches]
        for still in plan.stills.get(shot.name, ()):
            if still.keyframe.own:
                yield still.keyframe.loc, still.keyframe.beat, [still.stretch.candidates[0]]


def _answer_of(
    model: LanguageModel, prompt: Prompt, card: EngineCard, board: Storyboard, *, options: DirectOptions, heard: Heard
) -> tuple[str, str]:
    """What a model writes for a beat, or why its author's words stay. A failure costs only this beat."""
    try:
        answer = model.answer(question(prompt, card), limit=options.tokens or TOKENS, seed=options.seed, heard=heard)
    except (RequestError, WorkError) as error:
        return "", error.message
    words = cleaned(answer.text)
    against = [] if answer.whole else ["it was stopped at its limit of tokens"]
    against += objections(words, prompt, card)
    against += [] if against else _refused(words, board)
    return ("", "; ".join(against)) if against else (words, "")


def _refused(words: str, board: Storyboard) -> list[str]:
    """Why the policy refuses what was written."""
    try:
        moderation.require_words([Text(words, "prompt", what="it")], board.rules, Silent())
    except PolicyError as error:
        return [error.message]
    return []


# -- an idea -----------------------------------------------------------------------------------------------------------


class Imagined(Struct, frozen=True):
    """A storyboard of an idea: where it was written, and what it holds."""

    path: Path
    scenes: int
    shots: int
    beats: int

    def as_dict(self) -> dict[str, object]:
        """Plain data, for `--json`."""
        return {"file": str(self.path), "scenes": self.scenes, "shots": self.shots, "beats": self.beats}


def imagine(words: str, asked: Path | str | None, options: DirectOptions, heard: Heard) -> Imagined:
    """Write the storyboard of an idea: by rules, or by a language model.

    Raises:
        RequestError: there is no idea, it is as long as a script, or another file has the name of the storyboard.
        StoryboardError, PolicyError: the storyboard is wrong, or refused.
        WorkError: twice the model wrote no storyboard; its text is kept in a file beside it.
    """
    line = " ".join(words.split())
    if not line:
        raise RequestError(
            "there is no idea", hint='say who does what, and where: sora direct "a fox crosses a bridge"'
        )
    if len(line) > idea.MOST:
        message = f"an idea is a line or two: this has {len(line.split()):,} words, {len(line):,} letters"
        raise RequestError(message, hint="save it as a script and use `sora import`, or say it in one line")
    maker, out = outputs.Maker(command="direct", words=line), places.file_at(asked, places.free_board(line))
    outputs.check({out: outputs.own_table(maker)}, (), overwrite=options.overwrite)
    model = _opened(options.model)
    text = _of_a_model(line, out, model, options, heard) if model else written(idea.board_of(line))
    head = "\n".join(comments([f"The idea: {line}", f"`sora check {harmless(out.name)}` says what to mend."]))
    board = preflight.whole(_reading(f"{head}\n{text}", out))
    if refused := moderation.of_board(board).refused:
        raise refusal(refused)
    write(out, f"{head}\n{text}", maker)
    return Imagined(out, len(board.scenes), len(board.shots), sum(len(shot.beats) for shot in board.shots))


def _reading(text: str, out: Path) -> LoadResult:
    return storyboard.read_text(text, folder=out.parent, name=harmless(str(out)))


def _of_a_model(words: str, out: Path, model: LanguageModel, options: DirectOptions, heard: Heard) -> str:
    """The storyboard that a model writes of an idea; it is asked twice at most."""
    text, wrong = "", tuple[Problem, ...]()
    for _ in range(2):
        answer = model.answer(
            idea.question(words, wrong, text), limit=options.tokens or BOARD_TOKENS, seed=options.seed, heard=heard
        )
        heard("\n")
        text = unfenced(answer.text) + "\n"
        wrong = _reading(text, out).problems
        if answer.whole and not wrong:
            return text
    place = places.free_beside(out, ".refused.txt")
    atomic.save(place, text)
    why = wrong[0].head if wrong else "it was stopped at its limit of tokens"
    raise WorkError(f"{model.name} wrote no storyboard: {why}", hint=f"what it wrote is in {place}; try another model")
