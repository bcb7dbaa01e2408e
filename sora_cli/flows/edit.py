"""Tools for films that are there already, ours or not: stitch, grade, stamp.

They take the same road as the film of a storyboard: a cut, finished to a master, released with mark and credential.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Literal, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from sora_cli import stamp
from sora_cli.cancel import Cancellation
from sora_cli.colour.cube import read_cube, write_cube
from sora_cli.colour.grade import Grader
from sora_cli.errors import RequestError, counted
from sora_cli.events import Clock, Report
from sora_cli.flows import moderation, outputs
from sora_cli.flows.places import check_place
from sora_cli.flows.places import target as film_target
from sora_cli.flows.probed import probed
from sora_cli.master.finish import finish
from sora_cli.media.cues import in_order
from sora_cli.media.deliveries import delivery
from sora_cli.media.read import Probe
from sora_cli.media.read.opening import one_language
from sora_cli.media.read.sound import sound_track
from sora_cli.media.read.subtitles import read_words
from sora_cli.media.replay import replay
from sora_cli.media.stream import Master, Subtitle
from sora_cli.plain import as_data
from sora_cli.plan import round_half_up
from sora_cli.plan.anchors import matched_to
from sora_cli.plan.timeline import Cut, CutShot, Piece
from sora_cli.policy.board import Text, words_of
from sora_cli.record import sidecar
from sora_cli.shoot.studio import place
from sora_cli.stamp.release import release
from sora_cli.store import Clip
from sora_cli.storyboard import forms, sizes
from sora_cli.storyboard.files import HINT_TABLES, OTHER_TABLES, suffix
from sora_cli.storyboard.model import Look, Provenance, Transition

Value = TypeVar("Value")


class EditOptions(Struct, frozen=True):
    """How a tool's film goes out: for whom, signed by whom (by the environment where None), as which delivery."""

    report: Report
    cancel: Cancellation
    provenance: Provenance = field(default_factory=Provenance)
    signer: stamp.Signer | None = None
    deliver: str = "web"
    overwrite: bool = False
    """Whether files that are no earlier output of the same films may be replaced."""


class Edited(Struct, frozen=True, kw_only=True):
    """What a tool made: a film with its credential, a colour table, or both."""

    path: Path | None = None
    frames: int = 0
    seconds: float = 0.0
    signer: str = ""
    credential: Path | None = None
    lut: Path | None = None
    copied: bool = False
    """Whether what was there is in it as it was encoded."""
    mask: Path | None = None
    """A picture of what would be made anew."""
    seam: int = 0
    """Pixels in which what was made anew goes over into what was there."""

    def as_dict(self) -> dict[str, object]:
        """Plain data, for `--json`."""
        return json.loads(json.dumps(as_data(self), default=str))  # type: ignore[no-any-return]

    def facts(self) -> dict[str, str]:
        """What the closing summary tells."""
        length = f"{counted(self.frames, 'frame')}, {self.seconds:.2f} s" if self.frames else ""
        credential, lut = (str(path or "") for path in (self.credential, self.lut))
        kept = "as it was encoded, bit for bit" if self.copied else ""
        seam = f"{self.seam} pixels wide" if self.seam else ""
        told = {
            "length": length,
            "what was there": kept,
            "seam": seam,
            "colour table": lut,
            "signed by": self.signer,
            "credential": credential,
        }
        return {name: value for name, value in told.items() if value}


def target(asked: str, stem: str, deliver: str | None) -> tuple[Path, str]:
    """Where a tool's film goes, and as what kind (see `places.target`); into a folder under the name `stem`."""
    return film_target(asked, lambda kind, folder: folder / f"{stem}{delivery(kind).suffix}", deliver)


def stitch(
    clips: Sequence[Path],
    out: Path,
    options: EditOptions,
    *,
    transition: str = "cut",
    match: str = "off",
    strength: float = 1.0,
    size: str = "",
    fps: str = "",
    fit: Literal["fill", "fit", "pad"] = "fill",
) -> Edited:
    """Put films one after the other; size and rate are the first one's where they are not given.

    Args:
        clips: the films, in order.
        out: where the film goes.
        options: how it goes out.
        transition: how each but the first comes in, as storyboards have it: `dissolve 0.5s`.
        match: what their colours are held to: `film` (the first one), `previous`, `off`, a picture, film or .cube file.
        strength: how strongly, 0 to 1.
        size: WIDTHxHEIGHT, 720p, or a shape such as 16:9.
        fps: frames a second.
        fit: how clips of another shape are brought to the film's.

    Raises:
        PolicyError: a name, the author or the mark is refused.
        RequestError: an option is wrong, or a transition is longer than its clips.
        MediaError: a clip is no film, cut short, damaged, or in high dynamic range.
        StampError, CertificateError: the film cannot be signed, or a clip has a credential that does not hold.
    """
    maker = outputs.Maker(command="stitch", paths=tuple(clips))
    check_out(maker, out, options)
    check_words(maker, out, options)
    come = read_option(forms.transition, transition, "--transition")
    look = _look(match, strength)
    check_out(maker, out, options, look.path)
    found = [probed(path, options.report) for path in clips]
    rate = read_option(forms.rate, fps, "--fps") if fps else _rate(found[0])
    width, height = _film_size(found[0], size)
    cut = Cut(width=width, height=height, fps=rate, shots=tuple(_in_a_row(found, rate, look, come)), fit=fit)
    return _finished(cut, found, out, options, maker)


def grade(
    clip: Path, out: Path | None, options: EditOptions, *, match: str, strength: float = 1.0, lut: Path | None = None
) -> Edited:
    """Hold a film's colours to those of a picture or another film, or put a .cube table on it.

    Args:
        clip: the film.
        out: where the graded film goes; None to write the table alone.
        options: how it goes out.
        match: the picture, film or .cube file.
        strength: how strongly, 0 to 1.
        lut: where the table goes, as a .cube file; None for nowhere.

    Raises:
        RequestError: there is nothing to make, or nothing to match.
        MediaError, StampError, CertificateError: as `stitch` does.
    """
    _check_grade(out, lut)
    maker = outputs.Maker(command="grade", paths=(clip,))
    check_out(maker, out, options, lut=lut)
    check_words(maker, out or lut, options)
    look = _look(match, strength, file=True)
    if look.path is None:
        raise RequestError(f"--match {match}: not a file", hint="name a picture, a film or a .cube file")
    check_out(maker, out, options, look.path, lut=lut)
    found = probed(clip, options.report)
    rate, (width, height) = _rate(found), found.even_size
    shot = whole_shot(found, rate, look, name=clip.stem, start=0)
    cut = Cut(width=width, height=height, fps=rate, shots=(shot,))
    if lut is not None:
        _write_table(cut, lut, clip.stem, outputs.table_mark(maker, lut.parent))
    made = Edited() if out is None else _finished(cut, [found], out, options, maker, told=replay(clip))
    return replace(made, lut=lut)


def _check_grade(out: Path | None, lut: Path | None) -> None:
    if out is None and lut is None:
        raise RequestError("nothing to make", hint="name a film with -o, or a table with --lut-out")
    if lut is not None and lut.suffix.lower() != ".cube":
        raise RequestError(f"--lut-out {lut}: not a .cube file", hint=f"try --lut-out {lut.stem}.cube")


def _write_table(cut: Cut, lut: Path, title: str, mark: Callable[[str], str]) -> None:
    """Write the change of a cut's only shot as a colour table."""
    full = Grader(cut).table(cut.shots[0])
    if full is None:
        raise RequestError("there is no change to write", hint="give a --strength above 0")
    write_cube(lut, full, title, mark)


def mark(film: Path, out: Path, options: EditOptions) -> Edited:
    """Put the visible mark and a credential on a film; it is encoded again.

    Raises:
        RequestError, MediaError, StampError, CertificateError: as `stitch` does.
    """
    maker = outputs.Maker(command="stamp", paths=(film,))
    check_out(maker, out, options)
    check_words(maker, out, options)
    probed(film, options.report)
    return _released(replay(film), out, options, stamp.Edit(clips=((film, 0, 0),)), maker)


# -- from files to a cut ---------------------------------------------------------------------------------------------


def _rate(found: Probe) -> Fraction:
    return found.fps or Fraction(25)


def whole_shot(found: Probe, fps: Fraction, look: Look, *, name: str, start: int) -> CutShot:
    """A whole film as a shot: each film frame shows the frame that is on at its time."""
    own = found.fps or fps
    clip = Clip(
        key="",
        path=found.path,
        sha256="",
        frames=found.frames,
        width=found.width,
        height=found.height,
        fps=own,
        sound=found.channels > 0,
    )
    pieces = (Piece(clip, tuple(found.shown_at(fps))),)
    return CutShot(name=name, scene=name, start=start, pieces=pieces, look=look)


def _film_size(first: Probe, size: str) -> tuple[int, int]:
    """Width and height of a film as `size` has them, or as the first clip has them; a shape keeps the height."""
    width, height = first.even_size
    if not size:
        return width, height
    wanted = read_option(sizes.size, size, "--size")
    across, down = wanted.aspect or (width, height)
    return wanted.width or 2 * round(height * across / down / 2), wanted.height or height


def _in_a_row(found: Sequence[Probe], rate: Fraction, look: Look, come: Transition) -> Iterator[CutShot]:
    """Films as shots, one after the other; each but the first comes in by the transition.

    Raises:
        RequestError: the transition is longer than a film.
    """
    overlap = round_half_up(come.duration.at(rate) * rate) if come.kind != "cut" else 0
    end = 0
    for number, each in enumerate(found):
        shot = whole_shot(
            each, rate, look, name=f"{number + 1} {each.path.stem}", start=end - (overlap if number else 0)
        )
        if overlap and shot.frames <= overlap * (1 + (0 < number < len(found) - 1)):
            raise RequestError(
                f"the transition is too long for {each.path}, which has {counted(shot.frames, 'frame')}",
                hint="write a shorter one: dissolve 0.2s",
            )
        yield replace(shot, transition=come, overlap=overlap) if number else shot
        end = shot.start + shot.frames


def _look(match: str, strength: float, *, file: bool = False) -> Look:
    """The look that words on a command line mean; with `file` only a file is wanted."""
    if match in {"off", "film", "previous"}:
        return Look(match, strength=strength)  # type: ignore[arg-type]  # the line above has checked it
    path = Path(match)
    if not path.is_file():
        words = "" if file else "write film (the first clip), previous, off, or "
        hint = f"{words}name a picture, a film or a .cube file"
        what = "not a file" if path.exists() else "no such file"
        raise RequestError(f"--match {match}: {what}", hint=hint)
    if path.suffix.lower() == ".cube":
        read_cube(path)  # what is wrong with it is said before the work
        return Look("lut", path, strength)
    if suffix(path.name) in OTHER_TABLES:
        raise RequestError(f"--match {match}: sora reads no such colour tables", hint=HINT_TABLES)
    probed(path, may_be_picture=True)
    return Look("picture", path, strength)


def read_option(reader: Callable[[object], Value], words: str, option: str, hint: str = "") -> Value:
    """A value as storyboards have it, from an option; `hint` says how an option has it, where that differs."""
    try:
        return reader(words)
    except forms.Wrong as error:
        raise RequestError(f"{option} {words}: {error.message}", hint=hint or error.hint) from None


# -- from a cut to a film --------------------------------------------------------------------------------------------


def check_out(
    maker: outputs.Maker, out: Path | None, options: EditOptions, anchor: Path | None = None, lut: Path | None = None
) -> None:
    """Refuse places where something else is, the films themselves and what their colours are matched to included."""
    written: dict[Path, outputs.Own] = {} if lut is None else {lut: outputs.own_table(maker)}
    if out is not None:
        check_place(out, delivery(options.deliver))
        written |= outputs.of_film(out, delivery(options.deliver), maker, sheet=False)
    signer = options.signer or stamp.find_signer()
    credentials = [stamp.sidecar_of(path) for path in maker.paths]
    sources = [*maker.paths, *credentials, *([anchor] if anchor else []), *signer.files]
    outputs.check(written, sources, overwrite=options.overwrite)


def check_words(maker: outputs.Maker, out: Path | None, options: EditOptions) -> None:
    """Refuse names of files, an author and a mark that this machine's policy refuses."""
    said = [Text(words_of(path), "reference", what=path.name) for path in maker.paths]
    said += [Text(words_of(out), "text", what="the name of what is made")] if out else []
    said += [Text(options.provenance.author, "text", what="the author")]
    said += [Text(options.provenance.watermark.text, "text", what="the mark")]
    moderation.require_words(said, moderation.policy_of(None), options.report)


def _with_words(master: Master, cut: Cut, found: Sequence[Probe]) -> Master:
    """A master with the subtitles of the films in its cut, each with its pictures."""
    laid: list[Subtitle] = []
    language = ""
    for shot, film in zip(cut.shots, found, strict=True):
        words = read_words(film)
        start, end = (float(at / cut.fps) for at in (shot.start, shot.start + shot.frames))
        laid += (Subtitle(start + each.start, min(start + each.end, end), each.text) for each in words.subtitles)
        language = language or words.language
    heard = one_language(sound_track(film.path).language for film in found if film.channels)
    subtitles = in_order(laid, float(master.frames / master.fps))
    return replace(master, subtitles=subtitles, language=language, sound_language=heard)


def _finished(
    cut: Cut,
    found: Sequence[Probe],
    out: Path,
    options: EditOptions,
    maker: outputs.Maker,
    *,
    told: Master | None = None,
) -> Edited:
    """Finish a cut of whole films and release it; with the title, author and chapters that are `told`, if any."""
    clips = tuple((shot.pieces[0].clip.path, shot.start, shot.start + shot.frames) for shot in cut.shots)
    master = _with_words(finish(cut, pixels=delivery(options.deliver).made_in), cut, found)
    if told is not None:
        master = replace(master, title=told.title, author=told.author, chapters=told.chapters)
    return _released(master, out, options, stamp.Edit(clips=clips, colour=matched_to(cut.shots)), maker)


def _released(master: Master, out: Path, options: EditOptions, edit: stamp.Edit, maker: outputs.Maker) -> Edited:
    stamp.check_mark(options.provenance.watermark, master.width, master.height)
    with place(out, options.cancel):
        own = outputs.of_film(out, delivery(options.deliver), maker, sheet=False)
        outputs.check(own, (), overwrite=options.overwrite)  # another process may have written it while we waited
        return released(master, out, options, edit, maker)


def released(
    master: Master,
    out: Path,
    options: EditOptions,
    told: stamp.Making | stamp.Edit,
    maker: outputs.Maker,
    *,
    frames: int = 0,
    may_leave_unmarked: bool = False,
    added: Mapping[Path, Path] = MappingProxyType({}),
) -> Edited:
    """Release a film that was made of others, of `frames` in all if not the master's, and note whose it is.

    Raises:
        SoraError: it cannot be written or signed.
    """
    with Clock(options.report).stage("finish"):
        done = release(
            master,
            out,
            making=told,
            provenance=options.provenance,
            signer=options.signer or stamp.find_signer(),
            kind=delivery(options.deliver),
            report=options.report,
            may_leave_unmarked=may_leave_unmarked,
        )
        sidecar.write_note(out, maker.record(out.parent), added)
    frames = frames or master.frames
    return Edited(
        path=done.path,
        frames=frames,
        seconds=float(frames / master.fps),
        signer=done.signer.in_words,
        credential=done.sidecar,
        copied=master.kept is not None,
    )
