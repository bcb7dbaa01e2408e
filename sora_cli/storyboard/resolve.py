"""From the checked forms to a `Storyboard`: names, inheritance, links; every mistake noted, none raised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from msgspec import Struct

from sora_cli.storyboard import forms
from sora_cli.storyboard.cast import Casting, read_references
from sora_cli.storyboard.choices import Choosing
from sora_cli.storyboard.credits import read_output, read_policy, read_provenance
from sora_cli.storyboard.edits import Edit, EditForm, Edits
from sora_cli.storyboard.files import FONTS, Files
from sora_cli.storyboard.fill import Pruned
from sora_cli.storyboard.inherit import NOTHING, Inheritance
from sora_cli.storyboard.keyframes import Keyframes, StillChoice, name_of
from sora_cli.storyboard.links import Links, check_links
from sora_cli.storyboard.model import Beat, Duration, Inherited, Loc, Scene, Shot, Storyboard, TitleCard, Transition
from sora_cli.storyboard.nodes import Document
from sora_cli.storyboard.prices import as_prices
from sora_cli.storyboard.problems import Enough, Problems
from sora_cli.storyboard.schema import (
    BeatForm,
    FilmForm,
    ReviewForm,
    SceneForm,
    ShotForm,
    SoundsForm,
    SpokenForm,
    StretchForm,
    TakesForm,
    TitleForm,
    TransitionForm,
)
from sora_cli.storyboard.sound import SoundSources, SpokenLength
from sora_cli.storyboard.source import quoted
from sora_cli.storyboard.speech import LineReader, read_narrator
from sora_cli.storyboard.story import check_story

MAX_BEATS = 20_000

_HELD = [name for name in Inherited.__struct_fields__ if name != "origin"]
_OF_A_BEAT = ("prompt", "sent", "duration", "dialogue")
_SPOKEN = (SpokenForm, SpokenLength)
_OF_PICTURES = (
    "sent", "from_", "to", "reference", "takes", "dialogue", "camera", "framing", "angle", "lens", "depth_of_field",
    "mood", "pace", "seed", "engine", "options", "sound", "voice", "speed", "keyframe",
)  # fmt: skip

UPSCALE = ("output", "upscale")


class _WrittenShot(Struct):
    form: ShotForm
    loc: Loc
    number: int
    """Over the film, from 0."""
    name: str = ""


class _WrittenScene(Struct):
    form: SceneForm
    loc: Loc
    shots: list[_WrittenShot]
    name: str = ""


class Resolver:
    """Turns one storyboard's forms into values."""

    def __init__(self, film: FilmForm, document: Document, problems: Problems, pruned: Pruned, files: Files) -> None:
        self._film = film
        self._document = document
        self._problems = problems
        self._pruned = pruned
        self._files = files
        self._output = read_output(film.output, document, problems, pruned)
        self._inheritance = Inheritance(document, problems, files, self._output[1])
        unread = frozenset(str(loc[1]) for loc in pruned if loc[0] == "cast" and len(loc) == 2)
        known = ("cast",) not in pruned
        self._casting = Casting(film.cast, document, problems, files, unread=unread, known=known)
        self._keyframes = Keyframes(film.keyframes, self._casting, document, problems)

    def storyboard(self, *, path: Path | None, folder: Path, digest: str) -> Storyboard:
        """The storyboard, as far as it could be understood."""
        film = self._film
        held = self._inheritance.under(NOTHING, film, (), "film")
        scenes = self._scenes(held)
        shots = [shot for scene in scenes for shot in scene.shots]
        check_links(shots, self._document, self._problems)
        if not self._choosing.lost:
            check_story(shots, self._document, self._problems)
        size, fps = self._output
        policy, policy_path, rules = read_policy(film.policy, self._document, self._problems, self._files)
        return Storyboard(
            path=path,
            folder=folder,
            sha256=digest,
            title=film.title or "",
            seed=film.seed,
            engine=film.engine,
            size=size,
            fps=fps,
            scenes=scenes,
            fit=(film.output and film.output.fit) or "fill",
            motion=(film.output and film.output.motion) or "hold",
            upscale=self._files.weights(film.output.upscale, UPSCALE) if film.output and film.output.upscale else None,
            cast=self._casting.members,
            sound=held.bed,
            sounds=self._sounds(film.sounds),
            narrator=read_narrator(film.narrator, self._files),
            say=dict(film.say or {}),
            subtitles=film.subtitles or "off",
            executor=film.executor,
            provenance=read_provenance(film.provenance, rules, self._document, self._problems, self._files),
            memory={"mode": film.memory} if isinstance(film.memory, str) else dict(film.memory or {}),
            stills=self._stills(scenes),
            bars={name: value for name, value in vars(film.review or ReviewForm()).items() if value is not None},
            cost=as_prices(film.cost),
            policy=policy,
            policy_path=policy_path,
            rules=rules,
            written=frozenset(self._document.keys()),
            lost=frozenset(self._pruned),
            mark=self._document.mark,
        )

    def _stills(self, scenes: Sequence[Scene]) -> dict[str, StillChoice]:
        """Which stills the author chose, each by its name."""
        names = [name_of(shot, keyframe) for scene in scenes for shot in scene.shots for keyframe in shot.keyframes]
        for name in (self._film.stills or {}).keys() - names:
            hint = self._problems.meant(name, names) or "its name is that of its shot, or SHOT/last"
            hint = hint if names else "no shot begins on a still: add `keyframes: on`"
            mark = self._document.mark(("stills", name), key=True)
            self._problems.add(f"there is no still {quoted(name)}", mark, hint)
        return {name: StillChoice(number) for name, number in (self._film.stills or {}).items()}

    def _sounds(self, written: SoundsForm | None) -> SoundSources:
        if written is None:
            return SoundSources()
        folder = self._files.folder(written.folder, ("sounds", "folder")) if written.folder else None
        return SoundSources(folder, written.engine or "")

    def _scenes(self, film: Inherited) -> tuple[Scene, ...]:
        written = self._written()
        shots = [shot for scene in written for shot in scene.shots]
        self._name("scene", written)
        self._name("shot", shots)
        numbers = {shot.name: shot.number for shot in reversed(shots)}
        self._links = Links(self._document, self._problems, self._pruned, self._files, numbers, fps=self._output[1])
        self._choosing = Choosing(numbers, self._links, self._document, self._problems)
        self._edits = Edits(self._document, self._problems, self._files, numbers)
        self._speech = LineReader(self._document, self._problems, self._files, self._casting, self._links, self._pruned)
        scenes = []
        for scene in written:
            held = self._inheritance.under(film, scene.form, scene.loc, "scene")
            scenes.append(
                Scene(
                    loc=scene.loc,
                    name=scene.name,
                    named=scene.form.name is not None,
                    shots=tuple(self._shot(shot, held) for shot in scene.shots),
                    setting=held.setting,
                    light=held.light,
                    sound=held.bed,
                )
            )
        return tuple(scenes)

    def _written(self) -> list[_WrittenScene]:
        film = self._film
        if film.scenes is not None and film.shots is not None:
            hint = "move these shots into a scene"
            self._problems.add(
                "a film has `scenes` or `shots`, not both", self._document.mark(("shots",), key=True), hint
            )
        if film.scenes is None and film.shots is None and not self._pruned & {("scenes",), ("shots",)}:
            hint = "write `shots:` and under it `- what happens`"
            self._problems.add("the storyboard has no shots", self._document.mark(()), hint)
        scenes: list[tuple[SceneForm, Loc]] = [(form, ("scenes", at)) for at, form in enumerate(film.scenes or ())]
        if film.shots is not None:
            scenes.append((SceneForm(shots=film.shots), ()))  # the whole film is the scene
        written, number = [], 0
        for form, loc in scenes:
            shots = []
            for index, item in enumerate(form.shots):
                shot = ShotForm(prompt=item) if isinstance(item, str) else item
                self._as_edited(shot, (*loc, "shots", index))
                shots.append(_WrittenShot(shot, (*loc, "shots", index), number))
                number += 1
            written.append(_WrittenScene(form, loc, shots))
        beats = sum(len(shot.form.beats or "-") for scene in written for shot in scene.shots)
        if beats > MAX_BEATS:
            self._problems.add(
                f"a film has at most {MAX_BEATS:,} beats; this one has {beats:,}", self._document.mark(())
            )
            raise Enough
        return written

    def _name(self, what: str, written: Sequence[_WrittenShot | _WrittenScene]) -> None:
        """Give each its name: the written one, or `shot-N`; note names that stand twice, and tell them apart."""
        taken: dict[str, Loc] = {}
        for one in written:
            name = one.form.name
            if name is None:
                continue
            loc = (*one.loc, "name")
            if first := taken.get(name):
                mark = self._document.mark(first)
                where = f" on line {mark.line}" if mark else ""
                hint = f"the first is{where}; every {what} of the film needs a name of its own"
                self._problems.add(f"a second {what} called {quoted(name)}", self._document.mark(loc), hint)
            else:
                one.name = name
            taken.setdefault(name, loc)
        for number, one in enumerate(written, 1):
            if not one.name:
                one.name = f"{what}-{number}"
                while one.name in taken:
                    one.name += "-b"

    def _shot(self, written: _WrittenShot, scene: Inherited) -> Shot:
        form, loc = written.form, written.loc
        held = self._inheritance.under(scene, form, loc, "shot")
        beats = self._beats(written, held)
        title = self._title(form, (*loc, "title"), alone=not beats)
        length = form.duration if isinstance(form.duration, Duration) else title.duration if title else None
        if not beats and title is None and not self._lost(loc, "prompt", "beats", "title", "edit"):
            hint = "write `prompt: what happens`" + (" in `edit`" if form.edit is not None else "")
            self._problems.add("this shot has no prompt, no beats and no title", self._document.mark(loc), hint)
        return Shot(
            loc=loc,
            name=written.name,
            named=form.name is not None,
            beats=beats,
            transition=_transition(form),
            look=held.look,
            title=title,
            keyframes=self._keyframes.of(form.keyframe, loc, beats),
            speed=form.speed or Fraction(1),
            choices=self._choosing.of(form.choices, (*loc, "choices")),
            alone=None if beats else length,
        )

    def _lost(self, loc: Loc, *keys: str) -> bool:
        return any((*loc, key) in self._pruned for key in keys)

    def _beats(self, written: _WrittenShot, held: Inherited) -> tuple[Beat, ...]:
        form, loc = written.form, written.loc
        if form.beats is None:
            if form.edit is not None and form.prompt is None and form.edit.prompt is not None:
                vars(form)["prompt"] = form.edit.prompt
            if form.prompt is None and not self._lost(loc, "prompt", "beats"):
                return ()
            return (self._beat(written, form, loc, held, first=True, last=True),)
        for key in _OF_A_BEAT:
            if (value := getattr(form, key)) is not None and not isinstance(value, _SPOKEN):
                message = f"a shot with beats has no {quoted(key)} of its own"
                hint = "move it into the first beat" if key == "prompt" else f"each beat has its own {quoted(key)}"
                self._problems.add(message, self._document.mark((*loc, key), key=True), hint)
        beats = []
        for index, item in enumerate(form.beats):
            beat = BeatForm(prompt=item) if isinstance(item, str) else item
            place = (*loc, "beats", index)
            own = self._inheritance.under(held, beat, place, "beat")
            if beat.prompt is None and not self._lost(place, "prompt"):
                self._problems.add(
                    "this beat has no prompt", self._document.mark(place), "write `prompt: what happens`"
                )
            last = index == len(form.beats) - 1
            beats.append(self._beat(written, beat, place, own, first=index == 0, last=last))
        return tuple(beats)

    def _beat(
        self, shot: _WrittenShot, form: StretchForm, loc: Loc, held: Inherited, *, first: bool, last: bool
    ) -> Beat:
        """One beat; what its shot writes once (`from`, `to`, `reference`, `takes`) holds where the beat is silent."""
        origin = dict(held.origin)
        got: dict[str, Any] = {}
        for name, key, of_shot in (
            ("start", "from_", first),
            ("end", "to", last),
            ("references", "reference", True),
            ("takes", "takes", True),
            ("pick", "pick", True),
            ("duration", "duration", isinstance(shot.form.duration, _SPOKEN)),
            ("dialogue", "dialogue", False),
            ("sent", "sent", False),
        ):
            for level, place in ((form, loc), (shot.form, shot.loc))[: 2 if of_shot else 1]:
                if (value := getattr(level, key)) is not None:
                    got[name] = value
                    origin[name] = (*place, key.rstrip("_"))
                    break
        for name in ("start", "end"):
            if name in got:
                got[name] = self._links.read(got[name], origin[name], shot.number)
                if got[name] is None:
                    del got[name]
                    self._pruned.add(origin[name])
        if (written := shot.form.edit) is not None:
            got["edit"] = self._edited(shot, written, got)
        self._choose(got, origin)
        if "dialogue" in got:
            got["dialogue"] = self._speech.lines(got["dialogue"], origin["dialogue"])
        if isinstance(got.get("duration"), _SPOKEN):
            lines = len(got.get("dialogue", ()))
            written, place = got.pop("duration"), origin["duration"]
            got["spoken"] = self._speech.length(written, place, lines, place if form.duration else loc)
        told = {"prompt": form.prompt or "", "sent": form.sent or ""}
        named = (name for key, words in told.items() for name in self._casting.mentioned(words, (*loc, key)))
        cast = tuple(dict.fromkeys(named))
        got["references"] = self._references(got.get("references"), origin.get("references"), cast)
        kept = {name: getattr(held, name) for name in _HELD}
        return Beat(loc=loc, prompt=form.prompt or "", cast=cast, origin=origin, **kept, **got)

    def _as_edited(self, form: ShotForm, loc: Loc) -> None:
        """Take what an edit says of the shot's light and style for the shot's own."""
        told = {"light": form.edit.relight, "style": form.edit.restyle} if form.edit is not None else {}
        for key, words in told.items():
            if words is not None and getattr(form, key) is not None:
                message = f"the edit says the {key} of this shot already"
                self._problems.add(message, self._document.mark((*loc, key), key=True), "take it out")
            elif words is not None:
                vars(form)[key] = words

    def _edited(self, shot: _WrittenShot, written: EditForm, got: dict[str, Any]) -> Edit | None:
        """What a shot changes of a film; it is as long as that stretch, and carries on from nothing."""
        for key in ("beats", "from_", "to", "duration", "keyframe", "speed"):
            if getattr(shot.form, key) is not None:
                name = key.rstrip("_")
                place = self._document.mark((*shot.loc, name), key=True)
                self._problems.add(f"a shot with an edit has no {quoted(name)}", place, "take it out")
        found = self._edits.read(written, (*shot.loc, "edit"), shot.number)
        if found is not None and found.duration is not None:
            got["duration"] = found.duration
        return found

    def _choose(self, got: dict[str, Any], origin: Mapping[str, Loc]) -> None:
        """How many takes there are, and which plays."""
        if isinstance(wanted := got.get("takes"), TakesForm):
            got |= {"takes": wanted.up_to or 1, "until_good": True}
        count, pick = got.get("takes", 1), got.get("pick", 1)
        if pick > count:
            message = f"there is no take {pick}: `takes` is {count}"
            self._problems.add(message, self._document.mark(origin["pick"]), f"write `takes: {pick}` as well")
            del got["pick"]

    def _references(self, written: list[str] | str | None, loc: Loc | None, cast: Sequence[str]) -> tuple[Path, ...]:
        if written is not None and loc is not None:
            return read_references(written, loc, self._files)
        return tuple(dict.fromkeys(path for name in cast for path in self._casting.members[name].references))

    def _title(self, form: ShotForm, loc: Loc, *, alone: bool) -> TitleCard | None:
        if form.title is None or (form.title == "off" and self._document.is_off(loc)):
            return None
        if alone:
            for name in _OF_PICTURES:
                if getattr(form, name) is not None:
                    key = name.rstrip("_").replace("_", " ")
                    place = (*loc[:-1], key)
                    message = f"a title card alone has no pictures, so no {quoted(key)}"
                    self._problems.add(message, self._document.mark(place, key=True), "give the shot a prompt")
        if alone and isinstance(form.duration, _SPOKEN):
            self._speech.length(form.duration, (*loc[:-1], "duration"), 0, (*loc[:-1], "duration"))
        if isinstance(form.title, TitleForm):
            title = form.title
            font = self._files.find(title.font, (*loc, "font"), FONTS, "a font") if title.font else None
            return TitleCard(title.text, title.position or "center", title.duration, font)
        return TitleCard(form.title)


def _transition(form: ShotForm) -> Transition:
    written = form.transition
    if isinstance(written, TransitionForm):
        return forms.as_transition(written.kind, written.duration, written.direction or "left")
    return written or Transition()
