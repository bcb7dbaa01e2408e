"""`sora conform`: an editor's changed timeline of an export becomes a finished film; nothing is shot again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from fractions import Fraction
from pathlib import Path, PurePath

from msgspec import Struct
from msgspec.structs import replace

from sora_cli import stamp
from sora_cli.colour.grade import Grader, Steps
from sora_cli.errors import RequestError, counted
from sora_cli.events import Clock, Note, Report
from sora_cli.flows import added, audio, finishing, foley, moderation, noting, outputs, preflight, subtitles
from sora_cli.flows.places import check_place
from sora_cli.interchange.assembly import EditEvent
from sora_cli.interchange.cutlist import heard, name_of, rate_of, read_cut
from sora_cli.interchange.recut import Played, Use, recut, starts
from sora_cli.media.deliveries import Delivery, delivery
from sora_cli.media.stream import SAMPLE_RATE, Subtitle
from sora_cli.plan import Plan
from sora_cli.plan.continuity import PlannedBeat
from sora_cli.plan.sounds import every
from sora_cli.plan.timeline import Cut, CutShot, assemble, read_along
from sora_cli.policy.inputs import Found
from sora_cli.record import handover, sidecar
from sora_cli.record.handover import ExportRecord
from sora_cli.shoot.studio import Studio, place
from sora_cli.stamp.making import making
from sora_cli.store import Clip, file_hash


class ConformOptions(Struct, frozen=True, kw_only=True):
    """How the film goes out: as which delivery, signed by whom; whether other files may be replaced."""

    deliver: str = "web"
    signer: stamp.Signer | None = None
    overwrite: bool = False


class Conformed(Struct, frozen=True):
    """The film that was made: how many shots it plays, and which shots of the export it leaves out."""

    path: Path
    frames: int
    seconds: float
    shots: int
    dropped: tuple[str, ...]

    def as_dict(self) -> dict[str, object]:
        """Plain data, for `--json`."""
        facts = {"film": str(self.path), "frames": self.frames, "seconds": self.seconds, "shots": self.shots}
        return {**facts, "dropped": list(self.dropped)}

    @property
    def words(self) -> str:
        """The result in one line."""
        gone = f"; left out: {', '.join(self.dropped)}" if self.dropped else ""
        return f"{self.path}: {counted(self.shots, 'shot')}, {self.frames} frames, {self.seconds:.2f} s{gone}"


def conform(
    timeline: Path, out: Path, options: ConformOptions, *, studio: Studio, report: Report, export: Path | None = None
) -> Conformed:
    """Finish the film `out` of an editor's `timeline` from the clips of the store: graded, mixed, marked and signed.

    `export` is the folder of the export that was edited; None is the timeline's own folder.

    Raises:
        RequestError: the timeline cannot be read or plays what is not of the export, the storyboard has changed since,
            clips are not kept any more, or something else is at `out`.
        SoraError: the film cannot be finished or signed.
    """
    kind, signer = delivery(options.deliver), options.signer or stamp.find_signer()
    check_place(out, kind)
    maker = outputs.Maker(command="conform", paths=(timeline,))
    record, plan = _planned(timeline, export)
    with added.media_of(timeline) as media:
        played, others = _matched(read_cut(timeline, plan.fps), record, media)
        _tell_lost(timeline, plan.fps, played, record, report)
        sources = [timeline, *others, *outputs.sources_of(plan.board, signer)]
        own = {**outputs.of_film(out, kind, maker, sheet=False), **subtitles.of_film(plan, out)}
        outputs.check(own, sources, overwrite=options.overwrite)
        edit = _Edit(plan, played, added.shots_of(others, plan.fps, plan.frames, report, media.inside))
        seen = moderation.require_films(others, plan.board, report)
        with studio.store.used(studio.cancel.check), place(out, studio.cancel):
            own = {**outputs.of_film(out, kind, maker, sheet=False), **subtitles.of_film(plan, out)}
            outputs.check(own, (), overwrite=options.overwrite)  # another process may have written it while we waited
            made, said = edit.finished(out, kind, signer, seen, studio=studio, report=report)
            names = {path: media.inside.get(path, path) for path in others}
            sidecar.write_note(out, maker.record(out.parent), names, subtitles.write(plan, out, said))
    return made


class _Edit(Struct, frozen=True):
    """What an editor made of a plan: the events with the numbers of their shots, and the shots that were added."""

    plan: Plan
    played: Sequence[Played]
    more: Sequence[CutShot]

    def finished(
        self, out: Path, kind: Delivery, signer: stamp.Signer, seen: Found, *, studio: Studio, report: Report
    ) -> tuple[Conformed, Sequence[Subtitle]]:
        """Finish the film, and tell what is said; `seen` is what the policy saw of the files that were added."""
        from sora_cli.flows.enlarge import Enlarger

        plan, enlarger = self.plan, Enlarger.of(self.plan)
        clips = _kept(plan, studio, report)
        # What cannot play is told before lines are spoken.
        recut(assemble(replace(plan, lines=()), clips), self.played, self.more)
        sounds = audio.prepare(plan, studio.store)
        laid = foley.lay(plan, clips, sounds, studio.store)
        laid = replace(laid, cut=enlarger.enlarged(laid.cut, studio.store, report, studio.cancel))
        cut, uses, gone = recut(laid.cut, self.played, self.more)
        cut = replace(cut, subtitles=_said(plan, laid.cut, cut, uses))
        words = {sounds.speech[line.said.key]: line.line.line for line in plan.lines if line.said.key in sounds.speech}
        for path in gone:
            line = words.get(path, path.name)
            report(Note(f"a line is left out, because the edit cuts away where it begins: {line}"))
        moved = _moved(plan, uses)
        making_of = replace(
            _making(plan, moved, clips, cut, sounds),
            seen=tuple(dict.fromkeys(each.sound for each in laid.records)),
            moderation=moderation.record(plan, studio.screen, seen),
            films=tuple(_placed(uses, self.more)),
        )
        from sora_cli.stamp.release import ReleaseTarget

        with Clock(report).stage("finish"):
            target = ReleaseTarget(out, plan.board.provenance, signer, kind, report)
            unable, grade = moderation.frames_unable(studio.screen), _Grades(laid.cut, uses).steps
            loudness = laid.loudness(plan)
            finishing.finished(cut, moved, target, making_of, loudness=loudness, unable=unable, grade=grade)
        noting.released(plan, studio.store, out, sidecar.beside(out)[0], [each.key for each in laid.records])
        return _conformed(out, plan, uses, cut), cut.subtitles


def _said(plan: Plan, was: Cut, cut: Cut, uses: Sequence[Use]) -> tuple[Subtitle, ...]:
    """What is said in the edit, to read: none where the film's subtitles are off."""
    lines = [(line, start) for line in plan.lines for start in starts(was, uses, line.start)]
    return () if plan.board.subtitles == "off" else read_along(lines, float(cut.frames / cut.fps))


def _conformed(out: Path, plan: Plan, uses: Sequence[Use], cut: Cut) -> Conformed:
    shown = {use.was.name for use in uses if use.was is not None}
    dropped = tuple(shot.name for shot in plan.shots if shot.name not in shown)
    return Conformed(out, cut.frames, float(cut.frames / cut.fps), len(uses), dropped)


# -- whose timeline it is ----------------------------------------------------------------------------------------------


def _planned(timeline: Path, export: Path | None) -> tuple[ExportRecord, Plan]:
    """The record of the export, and the plan of its storyboard, which must not have changed."""
    folder = export or timeline.parent
    record = handover.read(folder)
    if record is None and timeline.suffix.lower() == ".otioz":
        from sora_cli.interchange.timelines import bundled

        record = ExportRecord.if_whole(bundled(timeline, handover.NAME))
    if record is None:
        raise RequestError(
            f"cannot tell which export {timeline} belongs to: there is no {handover.NAME} beside it",
            hint="put it into the folder of the export, or name that folder: --export FOLDER",
        )
    board = folder / record.made_by.of[0] if record.made_by.of else None
    if board is None or not board.is_file() or file_hash(board) != record.made_by.sha256:
        raise RequestError(
            f"the storyboard of the export, {board}, is gone or has changed since",
            hint="restore it, or export the film again",
        )
    written = replace(preflight.load(board, sets={}), from_draft=record.from_draft)
    if record.subtitles not in {"", written.subtitles}:
        written = subtitles.asked(written, record.subtitles)
    plan = preflight.plan_of(written, draft=record.draft, only=record.only)
    if plan.fps != Fraction(record.fps):
        raise RequestError("the storyboard's frame rate has changed since this export", hint="export the film again")
    return record, plan


def _matched(events: Sequence[EditEvent], record: ExportRecord, media: added.Media) -> tuple[list[Played], list[Path]]:
    """The events, each with the number of its shot; files from outside the export are numbered after its shots.

    Raises:
        RequestError: events name neither a shot nor a file, or hold an edit that cannot be conformed; it names all.
        MediaError: a file in a bundle cannot be unpacked.
    """
    timeline, fps, number_of = media.timeline, Fraction(record.fps), _Numbers(record)
    others: list[Path] = []
    found: list[Played] = []
    strange, wrong = [], []
    for event in events:
        number = 0 if event.black else number_of(event)
        path = media.find(event) if number is None and not event.wrong else None
        if path is not None:
            others += [path] if path not in others else []
            number = len(record.shots) + others.index(path)
            if timeline.suffix.lower() == ".edl" and (first := added.first_frame(path, fps)) <= event.source:
                event.source -= first  # a list counts by the timecode of its tapes, as no other timeline does
        if event.wrong:
            wrong.append(f"{name_of(event.clip) or event.reel} ({event.wrong})")
        elif (number := number_of.likely(event) if number is None else number) is None:
            strange.append(name_of(event.clip) or event.reel)
        else:
            found.append((event, number))
    if strange:
        raise RequestError(
            f"{timeline} plays clips that are neither in this export nor in its folder: "
            f"{', '.join(dict.fromkeys(strange))}",
            hint=f"put the files into {timeline.parent}, or take them out of the cut",
        )
    if wrong:
        raise RequestError(f"{timeline} cannot be conformed: {', '.join(wrong)}", hint="undo that in the edit suite")
    if all(event.black for event, _ in found):
        raise RequestError(f"{timeline} plays nothing")
    return found, others


def _tell_lost(timeline: Path, fps: Fraction, played: Sequence[Played], record: ExportRecord, report: Report) -> None:
    """Tell what of a timeline is not in the film: its rate, titles, sound that is neither the film's nor its shots'."""
    with suppress(RequestError):  # it does not tell its rate
        if rate_of(timeline) not in {None, fps}:
            report(Note(f"{timeline.name} runs at another rate than {float(fps):.6g}: cuts go to the nearest frame"))
    for lost in dict.fromkeys(event.lost for event, _ in played if event.lost):
        report(Note(f"{lost} is left out: the film has the titles of its storyboard"))
    for last, _ in played[-1:]:
        if last.black and not last.length:
            report(Note(f"{last.end - last.begin} frames of black at the end are left out"))
    own = {name_of(name) for name in (*record.files, *(shot.file for shot in record.shots))}
    seen = {name_of(event.clip) for event, _ in played} | {shot.reel for shot in record.shots}
    for name in heard(timeline, fps):
        if name not in own | seen:
            report(Note(f"{name} is left out: the film has its own sound", "lay it with `sound:` in the storyboard"))


class _Numbers:
    """Finds the number of the shot that an event plays: by its file; by its reel where no file is named."""

    def __init__(self, record: ExportRecord) -> None:
        self._files = {name_of(shot.file): number for number, shot in enumerate(record.shots)}
        self._reels = {shot.reel: number for number, shot in enumerate(record.shots)}
        self._stems = {_stem(name): number for name, number in self._files.items()}

    def __call__(self, event: EditEvent) -> int | None:
        """The shot's number; None where the event plays none."""
        # Reels are alike in all exports: with a name that is not ours, it is a reel of another film.
        return self._files.get(name_of(event.clip)) if event.clip else self._reels.get(event.reel)

    def likely(self, event: EditEvent) -> int | None:
        """As it is called, for names as edit suites change them: in capitals, with another ending or none."""
        return self._stems.get(_stem(name_of(event.clip)))


def _stem(name: str) -> str:
    return PurePath(name).stem.casefold()


def _placed(uses: Sequence[Use], more: Sequence[CutShot]) -> Iterator[tuple[Path, int, int]]:
    """The files that the editor added, each with its place in the film."""
    files = {shot.pieces[0].clip.path for shot in more}
    for use in uses:
        if use.shot.pieces and (path := use.shot.pieces[0].clip.path) in files:
            yield path, use.shot.start, use.shot.start + use.shot.frames


def _kept(plan: Plan, studio: Studio, report: Report) -> dict[str, Clip]:
    """The clips that play.

    Raises:
        RequestError: the store no longer has some of them; nothing is shot here.
    """
    gone = [
        stretch.name
        for stretch in plan.stretches
        if not any(studio.store.has(candidate) for candidate in stretch.choices)
    ]
    if gone:
        raise RequestError(
            f"{counted(len(gone), 'clip')} of the film {'is' if len(gone) == 1 else 'are'} no longer in the store: "
            f"{', '.join(gone[:5])}",
            hint=f"sora storyboard {plan.board.path} makes them again",
        )
    return studio.shoot(plan, report)


# -- how it is made ----------------------------------------------------------------------------------------------------


class _Grades:
    """The grade of each shot as it is in the film, wherever the shot is now."""

    def __init__(self, cut: Cut, uses: Sequence[Use]) -> None:
        self._grader = Grader(cut)
        self._uses = {use.shot.name: use for use in uses}

    def steps(self, shot: CutShot) -> AbstractContextManager[Sequence[tuple[Steps, Steps]]]:
        """As `Grader.steps`."""
        return self._steps(self._uses[shot.name])

    @contextmanager
    def _steps(self, use: Use) -> Iterator[Sequence[tuple[Steps, Steps]]]:
        if use.was is None or not use.was.pieces:
            plain: Steps = ()
            yield [(plain, plain)] * len(use.shot.pieces)
            return
        with self._grader.steps(use.was) as ways:
            yield [ways[number] for number in use.pieces]


def _moved(plan: Plan, uses: Sequence[Use]) -> Plan:
    """The plan with its shots as they are edited, and only the takes that play; black and added files are shots too."""
    planned = {shot.name: shot for shot in plan.shots}
    shots = []
    for use in uses:
        now = use.shot
        shot = planned[use.was.name] if use.was is not None else replace(plan.shots[0], beats=(), title=None, lead=0)
        stretches = list(shot.stretches)
        kept = tuple(stretches[number] for number in use.pieces) if use.was is not None else ()
        beats = (PlannedBeat(now.frames, kept),) if kept else ()
        shot = replace(shot, name=now.name, scene=now.scene, beats=beats)
        shots.append(replace(shot, start=now.start, frames=now.frames, overlap=now.overlap))
    return replace(plan, shots=tuple(shots))


def _making(plan: Plan, moved: Plan, clips: Mapping[str, Clip], cut: Cut, sounds: audio.FilmSounds) -> stamp.Making:
    """What the credential records: the takes that play, where the edit puts them."""
    played = [pair for pair in zip(moved.shots, cut.shots, strict=True) if bool(pair[0].beats) == bool(pair[1].pieces)]
    own = {sound.path for sound in every(plan)} | {line.line.path for line in plan.lines}
    playing = [(bed.path, bed.start, bed.end) for bed in cut.beds]
    playing += [(cue.path, cue.start, cue.end) for shot in cut.shots for cue in shot.cues]
    return making(
        replace(moved, shots=tuple(shot for shot, _ in played)),
        clips,
        replace(cut, shots=tuple(shot for _, shot in played)),
        None,
        sounds=[each for each in playing if each[0] in own - {None}],
        speech=list(_spoken(plan, cut, sounds)),
        synthesized=[sound.words for sound in sounds.made],
    )


def _spoken(plan: Plan, cut: Cut, sounds: audio.FilmSounds) -> Iterator[stamp.SpokenLine]:
    """The lines that a model spoke, where the edit puts them."""
    lines = [line for line in plan.lines if line.laid and line.spoken is not None]
    by_file = {sounds.speech[line.said.key]: said for line, said in zip(lines, audio.spoken_lines(plan), strict=True)}
    for line in cut.lines:
        if line.path in by_file:
            said, start = by_file[line.path], line.start / SAMPLE_RATE
            yield replace(said, start=start, end=start + said.end - said.start)
