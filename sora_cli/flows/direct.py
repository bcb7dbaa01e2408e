"""`sora direct`: what each beat's model is told, written out beside the prompt, into a new storyboard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING

from sora_cli import atomic, storyboard
from sora_cli.bounded import open_regular
from sora_cli.errors import HINT_WRITE, MediaError, PolicyError, Problem, RequestError, WorkError, refusal
from sora_cli.events import Silent
from sora_cli.flows import moderation, outputs, places, preflight
from sora_cli.plan import Plan, idea
from sora_cli.plan.rewording import cleaned, objections, question, unfenced
from sora_cli.policy.board import Text
from sora_cli.record import recipe
from sora_cli.storyboard import LoadResult
from sora_cli.storyboard.model import Loc, Storyboard
from sora_cli.storyboard.sending import with_sent
from sora_cli.storyboard.source import harmless
from sora_cli.storyboard.writing import comments, written

if TYPE_CHECKING:
    from sora_cli.engines.base import EngineCard
    from sora_cli.engines.language import Heard, LanguageModel
    from sora_cli.plan.prompt import Prompt

TOKENS, BOARD_TOKENS = 512, 4096
"""Tokens that a model may write where nobody says: for one prompt, for a storyboard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How a storyboard is directed: by which model (none: by rules), with which seed, in how many tokens."""

    model: str = ""
    seed: int | None = None
    tokens: int = 0
    sets: Mapping[str, str]
    allow_outside: bool = False
    overwrite: bool = False


@dataclass(frozen=True, slots=True)
class Worded:
    """A beat by its take's name: its engine, what its author wrote, what is sent now; else why that stays."""

    take: str
    engine: str
    prompt: str
    sent: str
    stays: str = ""


@dataclass(frozen=True, slots=True)
class Directed:
    """A storyboard that was written: its beats, and how the file differs from the old one."""

    path: Path
    beats: tuple[Worded, ...]
    diff: str
    frozen: bool
    """Whether the old one has variables, whose values of now are sent."""

    def as_dict(self) -> dict[str, object]:
        """Plain data, for `--json`."""
        return {"file": str(self.path), "beats": [asdict(beat) for beat in self.beats], "diff": self.diff}

    def remarks(self) -> Iterator[str]:
        """What a person should know: which words stay, and why."""
        yield from (f"{beat.take}: your words stay: {beat.stays}" for beat in self.beats if beat.stays)
        if self.frozen and any(not beat.stays for beat in self.beats):
            yield "what is sent holds the variables' values of now: --set changes the prompts alone"


def direct(file: Path, out: Path | None, asked: Asked, heard: Heard) -> Directed:
    """Write a new storyboard that says what each beat's model is told. `heard` is told what a model writes.

    Raises:
        StoryboardError, PolicyError: what is wrong with the storyboard.
        RequestError: something else is where the new one goes, or the files that it names are not found from there.
        EngineMissing: the language model is not here.
    """
    out = out or file.with_name(f"{file.stem}.directed{file.suffix or '.yaml'}")
    board = preflight.load(file, sets=asked.sets, allow_outside=asked.allow_outside)
    maker = outputs.Maker(command="direct", paths=(file,))
    outputs.check({out: outputs.own_table(maker)}, recipe.files_of(board), overwrite=asked.overwrite)
    if board.files and out.parent.resolve() != file.parent.resolve():
        hint = f"write it there: -o {file.with_name(out.name)}"
        raise RequestError(f"{file} names files, which are found from its own folder only", hint=hint)
    plan, _ = preflight.plan_for(board)
    text = outputs.unmarked(_read(file))
    beats = dict(_worded(plan, asked, heard))
    words = {loc: beat.sent for loc, beat in beats.items() if not beat.stays}
    now, roomless = with_sent(text, board, words, name=file.name, sets=asked.sets)
    why = "they stand where `sent` has no room: behind an alias, for instance"
    beats |= {loc: Worded(beats[loc].take, beats[loc].engine, beats[loc].prompt, "", why) for loc in roomless}
    write(out, now + ("" if now.endswith("\n") else "\n"), maker)
    lines = unified_diff(text.splitlines(), now.splitlines(), file.name, out.name, lineterm="", n=1)
    return Directed(out, tuple(beats.values()), "\n".join(lines), "${" in text)


def write(out: Path, text: str, maker: outputs.Maker) -> None:
    """Write a storyboard, with what tells whose it is."""
    save(out, text + outputs.table_mark(maker, out.parent)(text))


def save(out: Path, text: str) -> None:
    """Write a text."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        atomic.write(out, text)
    except OSError as error:
        raise MediaError(f"cannot write {out}: {error.strerror}", hint=HINT_WRITE) from error


def _read(file: Path) -> str:
    with open_regular(file) as opened:
        return opened.read().decode("utf-8-sig")


def _opened(name: str) -> LanguageModel | None:
    if not name:
        return None
    from sora_cli.engines.language import open_language_model

    return open_language_model(name)


def _worded(plan: Plan, asked: Asked, heard: Heard) -> Iterator[tuple[Loc, Worded]]:
    """Each beat, by its place, with other words where there are such."""
    model = _opened(asked.model)
    for shot, planned in zip(plan.board.shots, plan.shots, strict=True):
        for beat, made in zip(shot.beats, planned.beats, strict=True):
            takes = [stretch.candidates[0] for stretch in made.stretches]
            told, card = [plan.prompts[take.key] for take in takes], plan.cards[takes[0].engine]
            if len({each.picture for each in told}) > 1:
                sent, stays = "", f"its {len(takes)} takes are told different things"
            elif model is None:
                stays = "they are sent as they are" if told[0].picture == beat.prompt and not beat.sent else ""
                sent = "" if stays else told[0].picture
            else:
                sent, stays = _asked_of(model, told[0], card, plan.board, asked=asked, heard=heard)
                heard("\n")
            name = takes[0].name if len(takes) == 1 else takes[0].name.rpartition(".")[0]
            yield beat.loc, Worded(name, card.name, beat.prompt, sent, stays)


def _asked_of(
    model: LanguageModel, told: Prompt, card: EngineCard, board: Storyboard, *, asked: Asked, heard: Heard
) -> tuple[str, str]:
    """What a model writes for a beat; else why its author's words stay. One that fails costs no other beat."""
    try:
        answer = model.answer(question(told, card), limit=asked.tokens or TOKENS, seed=asked.seed, heard=heard)
    except (RequestError, WorkError) as error:
        return "", error.message
    words = cleaned(answer.text)
    against = [] if answer.whole else ["it was stopped at its limit of tokens"]
    against += objections(words, told, card)
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


@dataclass(frozen=True, slots=True)
class Imagined:
    """A storyboard of an idea: where it was written, and what it holds."""

    path: Path
    scenes: int
    shots: int
    beats: int

    def as_dict(self) -> dict[str, object]:
        """Plain data, for `--json`."""
        return {"file": str(self.path), "scenes": self.scenes, "shots": self.shots, "beats": self.beats}


def imagine(words: str, out: Path | None, asked: Asked, heard: Heard) -> Imagined:
    """Write the storyboard of an idea: by rules, or by a language model.

    Raises:
        RequestError: the idea is none or a script, or something else is where the storyboard goes.
        StoryboardError, PolicyError: what the idea cannot be, or may not be.
        WorkError: the model wrote no storyboard, twice; its text is kept beside.
    """
    line = " ".join(words.split())
    if not line:
        raise RequestError(
            "there is no idea", hint='say who does what, and where: sora direct "a fox crosses a bridge"'
        )
    if len(line) > idea.MOST:
        message = f"an idea is a line or two: this has {len(line.split()):,} words, {len(line):,} letters"
        raise RequestError(message, hint="save it as a script and use `sora import`, or say it in one line")
    maker, out = outputs.Maker(command="direct", words=line), out or places.free_board(line)
    outputs.check({out: outputs.own_table(maker)}, (), overwrite=asked.overwrite)
    model = _opened(asked.model)
    text = _of_a_model(line, out, model, asked, heard) if model else written(idea.board_of(line))
    head = "\n".join(comments([f"The idea: {line}", f"`sora check {harmless(out.name)}` says what is to be mended."]))
    board = preflight.whole(_reading(f"{head}\n{text}", out))
    if refused := moderation.of_board(board).refused:
        raise refusal(refused)
    write(out, f"{head}\n{text}", maker)
    return Imagined(out, len(board.scenes), len(board.shots), sum(len(shot.beats) for shot in board.shots))


def _reading(text: str, out: Path) -> LoadResult:
    return storyboard.read_text(text, folder=out.parent, name=harmless(str(out)))


def _of_a_model(words: str, out: Path, model: LanguageModel, asked: Asked, heard: Heard) -> str:
    """What a model writes of an idea, where it is a storyboard; it is asked twice at most."""
    text, wrong = "", tuple[Problem, ...]()
    for _ in range(2):
        answer = model.answer(
            idea.question(words, wrong, text), limit=asked.tokens or BOARD_TOKENS, seed=asked.seed, heard=heard
        )
        heard("\n")
        text = unfenced(answer.text) + "\n"
        wrong = _reading(text, out).problems
        if answer.whole and not wrong:
            return text
    place = places.free_beside(out, ".refused.txt")
    save(place, text)
    why = wrong[0].head if wrong else "it was stopped at its limit of tokens"
    raise WorkError(f"{model.name} wrote no storyboard: {why}", hint=f"what it wrote is in {place}; try another model")
