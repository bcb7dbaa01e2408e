"""What of a storyboard is likely to come out badly, and better wording: a table of rules, each with its test lines.

The rules read English. They look at what is written; no model is asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

from msgspec import Struct

from sora_cli import terms
from sora_cli.engines.base import EngineCard
from sora_cli.errors import Problem, file_order
from sora_cli.plan import abroad, words
from sora_cli.plan.plan import Plan
from sora_cli.storyboard.borrowed import READ
from sora_cli.storyboard.model import MENTION, Beat, Loc, Shot, Storyboard
from sora_cli.texts import shortened

Found = Iterator[tuple[Loc, str, str]]
"""Where it is written, what is likely to go wrong, and better wording."""
LONGEST = 12
"""Seconds that one action fills at most, whatever the engine can make."""
SECONDS = 2.5
"""An action takes about this long."""
LEAST = 4.0
"""Seconds that a beat counts as, where it is shorter: of two actions in a short one nothing is said."""


class Advice(Struct, frozen=True):
    """A finding of a rule; a grave one is told by every `check`."""

    rule: str
    problem: Problem
    grave: bool

    def as_dict(self) -> dict[str, object]:
        """Plain data, for `--json`."""
        return {"rule": self.rule, "grave": self.grave, **self.problem.as_dict()}


class BeatContext(Struct, frozen=True):
    """A beat where it stands, so many seconds long: `anew` where it begins a shot that carries on from nothing.

    Or a `still`, whose words stand under `keyframe`: it has no length, and is always made anew.
    """

    board: Storyboard
    beat: Beat
    card: EngineCard
    seconds: float
    anew: bool
    still: bool = False

    @property
    def loc(self) -> Loc:
        """Where the prompt stands."""
        return self.beat.origin.get("prompt", (*self.beat.loc, "prompt"))

    @property
    def text(self) -> str:
        """The prompt, of a very long one its head: no prompt is read further, and patterns would take their time."""
        return self.beat.prompt[:READ]

    @property
    def bare(self) -> str:
        """The same without what is quoted."""
        return words.QUOTED.sub("", self.text)


def advise(plan: Plan, *, grave_alone: bool = False) -> Iterator[Advice]:
    """All findings in the order of the file, each place once a rule."""
    found = {(advice.rule, loc): advice for loc, advice in _findings(plan, grave_alone=grave_alone)}
    yield from sorted(found.values(), key=lambda advice: file_order(advice.problem.mark))


def _findings(plan: Plan, *, grave_alone: bool) -> Iterator[tuple[Loc, Advice]]:
    board = plan.board
    rules = [each for each in RULES if each[2] or not grave_alone]
    for place in places(plan):
        for name, rule, grave in rules:
            for loc, message, hint in rule(place):
                yield loc, Advice(name, Problem(message, hint, board.mark(loc)), grave)
    pairs = (pair for scene in board.scenes for pair in pairwise(scene.shots) if pair[0].beats and pair[1].beats)
    for before, after in pairs:
        for name, cut in CUTS if after.beats[0].start is None and not grave_alone else ():
            for loc, message, hint in cut(before, after):
                yield loc, Advice(name, Problem(message, hint, board.mark(loc)), grave=False)


def places(plan: Plan) -> Iterator[BeatContext]:
    """Each beat where it stands, then the stills of its shot that have words of their own."""
    for shot, planned in zip(plan.board.shots, plan.shots, strict=True):
        for number, (beat, made) in enumerate(zip(shot.beats, planned.beats, strict=True)):
            anew = not number and (beat.start is None or beat.start.kind == "nothing")
            card = plan.cards[made.stretches[0].candidates[0].engine]
            yield BeatContext(plan.board, beat, card, float(made.frames / plan.fps), anew)
        for beat in (keyframe.beat for keyframe in shot.keyframes if keyframe.own):
            yield BeatContext(plan.board, beat, card, 0.0, anew=True, still=True)


# -- rules of one beat -------------------------------------------------------------------------------------------------


def vague(place: BeatContext) -> Found:
    """Nothing to be seen: a subject or an action is missing."""
    text = place.bare.lower()
    told = [word for word in re.findall(r"[^\W_]+", text) if word not in words.LITTLE | words.EMPTY]
    if len(told) < 2 and text.isascii():
        yield place.loc, "this shows little: who does what, and where?", "name a subject, an action and a place"


def negation(place: BeatContext) -> Found:
    """A model draws what it is told of, also what is denied."""
    beat = place.beat
    sent = words.QUOTED.sub("", beat.sent[:READ])
    for key, text in (("prompt", place.bare), ("sent", sent), ("setting", beat.setting), ("style", beat.style)):
        if match := words.NEGATION.search(text) or abroad.NEGATION.search(text):
            movable = words.MOVABLE.search(text) if key != "sent" else None
            fixes = " (`--fix` does)" if key == "prompt" and not place.still else ""
            better = f"write `avoid: {movable['what']}`{fixes}" if movable else "say what is seen instead"
            yield (
                place.loc if key == "prompt" else beat.origin.get(key, place.loc),
                f"`{shortened(text[match.start() :].strip(), 24)}`: models often draw what is denied",
                better,
            )


def denied_twice(place: BeatContext) -> Found:
    """What stands under `avoid` is what is not to be seen: `no text` there asks for text."""
    parts = [part.strip() for part in re.split(r"[,;\n]", place.beat.avoid[:READ])]
    denied = [(part, what) for part in parts if (what := _denied(part))]
    if denied:
        loc = place.beat.origin.get("avoid", place.loc)
        better = ", ".join(what for _, what in denied)
        yield loc, f"`{denied[0][0]}` under `avoid` asks to avoid that there is none", f"write `avoid: {better}`"


def _denied(part: str) -> str:
    match = words.DENIED.fullmatch(part)
    return match[1] if match else abroad.denied(part)


def cut_inside(place: BeatContext) -> Found:
    """A shot is one take: a model that is told of a cut makes what it likes of it."""
    if match := words.CUTS.search(place.bare) or abroad.CUTS.search(place.bare):
        told = shortened(place.bare[match.start() :].strip(" ,.;:\u3002\uff0c"), 24)
        yield (
            place.loc,
            f"`{told}`: a shot is one take, with no cut inside it",
            "write what follows as a shot of its own",
        )


def actions(text: str) -> int:
    """How many clauses have a verb."""
    clauses = words.SPLIT.split(MENTION.sub("somebody", text.lower()))
    return sum(
        bool(words.ACT.match(clause)) or any(words.base(word) for word in re.findall(r"[a-z]+", clause))
        for clause in clauses
    )


def overload(place: BeatContext) -> Found:
    """More actions than fit the length of a beat."""
    count, seconds = actions(place.bare), max(place.seconds, LEAST)
    if count < 3 or (count * SECONDS <= seconds and not place.still):
        return
    if place.still:
        yield place.loc, f"{count} actions in one still: it shows one moment", "keep what is seen then"
        return
    message = f"{count} actions in {seconds:g} s: most will be left out or run into each other"
    yield place.loc, message, "give each a beat of its own"


def contradiction(place: BeatContext) -> Found:
    """Two things that cannot both be seen."""
    beat = place.beat
    yield from _two_hours(place)
    text = f"{beat.setting} . {beat.light} . {place.bare} . {beat.style}".lower()
    moves = terms.camera(beat.camera)
    still = moves is not None and "static" in moves.moves
    if still and ((moves and len(moves.moves) > 1) or words.MOVES.search(place.bare)):
        yield beat.origin.get("camera", place.loc), "the camera is static and moves", "keep one"
    if place.still and words.MOVES.search(place.bare):
        yield place.loc, "a camera move in a still, which does not move", "write it under `camera`: its shot is told"
    far = beat.framing in words.FAR or words.FAR_WORDS.search(place.bare)
    near = beat.framing in words.NEAR or words.NEAR_WORDS.search(place.bare)
    if far and near:
        yield place.loc, "wide and close in one shot", "make two shots, or let the camera move from one to the other"
    if words.GREY.search(text) and words.COLOURED.search(text):
        yield place.loc, "black and white, and in colour", "keep one"
    for item in filter(None, (part.strip().lower() for part in beat.avoid.split(","))):
        if len(item) > 3 and re.search(rf"\b{re.escape(item)}\b", place.bare.lower()):
            yield place.loc, f"`{item}` is in the prompt and under `avoid`", "keep one"


def _two_hours(place: BeatContext) -> Found:
    """Two hours in one picture: told where both are written, else at the prompt."""
    beat = place.beat
    written = {"light": beat.light, "setting": beat.setting, "prompt": place.bare, "style": beat.style}
    told = {
        key: [hour for hour, said in words.HOURS.items() if re.search(said, text.lower())]
        for key, text in written.items()
    }
    both = next((key for key, hours in told.items() if len(hours) > 1), "prompt")
    hours = [hour for hour in words.HOURS if any(hour in found for found in told.values())]
    if len(hours) > 1:
        loc = place.loc if both == "prompt" else beat.origin.get(both, place.loc)
        yield loc, f"{hours[0]} and {hours[1]} in one picture", "keep one, or make two shots"


def span(place: BeatContext) -> Found:
    """A shot shows seconds; time that passes is cut."""
    if place.beat.pace != "time-lapse" and (match := words.SPANS.search(place.bare)):
        hint = "make a shot of each moment, with a dissolve; or write `pace: time-lapse`"
        yield place.loc, f"`{match[0]}`: no model shows that in one take", hint


def drawn_text(place: BeatContext) -> Found:
    """Letters come out wrong."""
    if match := words.WRITTEN.search(place.text):
        hint = "use `title:` for words on the picture, or leave them unread"
        yield place.loc, f"`{shortened(match[0].strip(), 40)}`: most models misspell what they draw", hint


def speech(place: BeatContext) -> Found:
    """A line in a prompt is drawn on the picture by some models, and said by no voice."""
    if match := words.SAID.search(place.text):
        hint = "write it under `dialogue`, with who says it"
        yield place.loc, f"`{shortened(match[0].strip(), 40)}`: a line in a prompt is no speech", hint


def count(place: BeatContext) -> Found:
    """No model counts above four for certain."""
    if match := words.COUNTED.search(place.bare):
        yield place.loc, f"`{match[0]}`: models count to about four", "write a few, a row of or a crowd of"


def pronoun(place: BeatContext) -> Found:
    """A shot that starts anew knows nobody."""
    if place.anew and (match := words.PRONOUN.search(place.bare)):
        what = "a still" if place.still else "this shot"
        yield place.loc, f"`{match[1]}`: {what} starts anew, and does not know who that is", "name them, with @"
    elif place.anew and (match := words.BEFORE.search(place.bare)):
        hint = "say who is seen, with @; or carry on: `from: previous`"
        yield place.loc, f"`{match[0]}`: no model is told what another shot shows", hint


def cast_in_words(place: BeatContext) -> Found:
    """A character who is named without @ has neither looks nor references."""
    plain = MENTION.sub("", place.bare)
    for name, member in place.board.cast.items():
        spaced = re.escape(name).replace(r"\-", "[- ]").replace("_", "[_ ]")
        named = re.search(rf"(?<!\ba )(?<!\ban )(?<!\bthe )(?<!@)\b{spaced}\b", plain, re.IGNORECASE)
        same = member.looks and len(member.looks.split()) > 2 and member.looks.lower() in plain.lower()
        if named or same:
            yield place.loc, f"{name} is in the cast, and named here without @", f"write @{name}"


def too_long(place: BeatContext) -> Found:
    """One action does not fill so much time."""
    seconds, most = place.seconds, max(LONGEST, 2 * float(place.card.longest / place.card.fps))
    if seconds > most and actions(place.bare) * SECONDS * 2 < seconds:
        message = f"one beat of {seconds:g} s: beyond about {most:g} s little happens, and faces drift"
        yield place.beat.origin.get("duration", place.loc), message, "write several beats, each with its own action"


RULES: tuple[tuple[str, Callable[[BeatContext], Found], bool], ...] = (
    ("vague", vague, False),
    ("negation", negation, True),
    ("avoid", denied_twice, True),
    ("cut", cut_inside, True),
    ("overload", overload, False),
    ("contradiction", contradiction, True),
    ("span", span, False),
    ("text", drawn_text, False),
    ("speech", speech, True),
    ("count", count, False),
    ("pronoun", pronoun, True),
    ("cast", cast_in_words, True),
    ("long", too_long, False),
)
"""The rules of a beat, and whether they are grave."""


# -- rules of a cut ----------------------------------------------------------------------------------------------------


def axis(before: Shot, after: Shot) -> Found:
    """A character who crosses the screen keeps the direction after a cut."""
    ways = [_way(words.GOING, beat) for beat in (before.beats[-1], after.beats[0])]
    if all(ways) and ways[0] != ways[1] and _same(before.beats[-1], after.beats[0]):
        message = f"it goes {ways[1]} here, and {ways[0]} in the shot before: the camera jumps across the axis"
        yield (*after.beats[0].loc, "prompt"), message, "keep one direction, or put a shot from the front between them"


def eyeline(before: Shot, after: Shot) -> Found:
    """Two characters who look at each other look in opposite directions."""
    first, second = before.beats[-1], after.beats[0]
    ways = [_way(words.LOOKING, beat) for beat in (first, second)]
    others = first.cast and second.cast and not set(first.cast) & set(second.cast)
    if all(ways) and ways[0] == ways[1] and others:
        message = f"both look {ways[0]}: they do not seem to look at each other"
        yield (*second.loc, "prompt"), message, f"let {second.cast[0]} look {_OTHER[ways[0]]}"


def thirty_degrees(before: Shot, after: Shot) -> Found:
    """A cut to nearly the same picture looks like a mistake: change the view by 30 degrees, or its size."""
    first, second = before.beats[-1], after.beats[0]
    view = [(beat.framing, beat.angle, beat.lens, beat.camera) for beat in (first, second)]
    if first.framing and view[0] == view[1] and set(first.cast) == set(second.cast) != set() and _cuts(after):
        message = f"the same view of {' and '.join(second.cast)} as in the shot before: the cut will jump"
        yield (*second.loc, "prompt"), message, "change the framing or the angle, or go on with a beat"


CUTS: tuple[tuple[str, Callable[[Shot, Shot], Found]], ...] = (
    ("axis", axis),
    ("eyeline", eyeline),
    ("thirty", thirty_degrees),
)
"""The rules of two shots of a scene, one after the other."""

_OTHER = {"left": "right", "right": "left"}


def _cuts(shot: Shot) -> bool:
    return shot.transition.kind == "cut"


def _way(pattern: re.Pattern[str], beat: Beat) -> str:
    match = pattern.search(beat.prompt[:READ])
    found = [group.lower() for group in match.groups() if group] if match else []
    across = match is not None and " to " in match[0] and found and match[0].lower().endswith((" right", " left"))
    return match[0].lower().split()[-1] if across and match else (found or [""])[0]


def _same(first: Beat, second: Beat) -> bool:
    if first.cast or second.cast:
        return bool(set(first.cast) & set(second.cast))
    told = [set(re.findall(r"[a-z]+", beat.prompt[:READ].lower())) - words.LITTLE for beat in (first, second)]
    return any(not words.base(word) for word in (told[0] & told[1]) - {"left", "right", "frame"})
