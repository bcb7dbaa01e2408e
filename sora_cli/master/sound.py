"""The sound: that of clips and of shots, in sync to the sample; lines over it, ambience and music under it.

Shots are joined with equal-power ramps: short ones where they cut, as long as the transition where they overlap. Where
a clip carries on from the one before, its first frames repeat the last of that one, with a sound of their own: there
the one crosses over into the other, up to the join. Beds that follow each other cross over around their cut.

Where somebody speaks, every level is told from speech: lines are brought to one level, music lies `MUSIC` and ambience
`AMBIENCE` LU under it, and both go further down while a line is heard.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import partial

from sora_cli.events import Note, Report, Silent
from sora_cli.master.loudness import Levelled, loudness
from sora_cli.media.read import sound_blocks
from sora_cli.media.sound import stretched
from sora_cli.media.stream import SAMPLE_RATE, Samples
from sora_cli.plan.timeline import Bed, Cut, CutLine, CutShot, Piece
from sora_cli.sound.level import SPEECH, about_zero, speech_of
from sora_cli.sound.mix import BUSES, JOIN, Bus, Duck, Layer, looped_file, mixed
from sora_cli.sound.reverb import heard_in
from sora_cli.sound.space import SPACES

CARRIED_JOIN = SAMPLE_RATE // 4
"""The longest crossing from a clip to the one that carries on from it: two makings of one ambience, heard as one."""
BED_FADES = (SAMPLE_RATE, 2 * SAMPLE_RATE)
"""How long the film's first bed comes in and its last one goes out."""
BED_JOIN = SAMPLE_RATE
"""How long a bed crosses over into the next, around the cut: a second (scenes' ambience: half a second to two)."""
UNDER = 0.4
"""Gain of ambience and of music where they lie under other sound and nobody speaks, -8 dB."""
MUSIC, AMBIENCE = 6.0, 12.0
"""How far under speech beds are while nobody speaks, LU."""


def soundtrack(cut: Cut, target: float | None, report: Report | None) -> Callable[[], Iterator[Samples]] | None:
    """Make the film's sound, ready to stream; None for a silent film. `report` hears of a loudness out of reach."""
    return Soundtrack(cut, target, report).play if _sources(cut) else None


class Soundtrack:
    """The film's sound, and its parts.

    The first pass measures it, block by block, and sets its level: to `target` LUFS where one is asked for, and in any
    case with true peaks no higher than -1 dBTP (EBU R 128). `report` hears when that loudness cannot be reached.
    """

    def __init__(self, cut: Cut, target: float | None, report: Report | None = None) -> None:
        self._mix, self._target, self._report = Mix(cut), target, report or Silent()
        self._levelled = Levelled(self._mix, target, self._tell)

    @property
    def buses(self) -> list[Bus]:
        """The buses on which something sounds."""
        return self._mix.buses

    def play(self) -> Iterator[Samples]:
        """A pass: stereo blocks, in all as many samples as the film has."""
        return self._levelled.play()

    def stem(self, bus: Bus) -> Iterator[Samples]:
        """A pass through one bus, at the level that it has in the whole: stems add up to it."""
        return self._levelled.part(self._mix(bus))

    def _tell(self, reached: float) -> None:
        message = (
            f"the sound comes out at {reached:.1f} LUFS, not at {self._target:g}: its peaks leave no room for more"
        )
        self._report(Note(message, "use music or a sound with smaller peaks, or ask for less `loudness`"))


class Mix:
    """The film's sound before its level is set: each call is a pass through it, of one bus or of all."""

    def __init__(self, cut: Cut) -> None:
        self._cut = cut
        self.total = _samples(cut.frames, cut.fps)
        self._ducks = [Duck(line.start, line.start + line.length, line.depth) for line in cut.lines]
        self._layers: list[Layer] | None = None

    def __call__(self, bus: Bus | None = None) -> Iterator[Samples]:
        """A pass: stereo blocks, in all as many samples as the film has."""
        chosen = [layer for layer in self.layers if bus in {None, layer.bus}]
        return mixed(chosen, self.total, self._ducks)

    @property
    def layers(self) -> list[Layer]:
        """All that sounds, found when it is first asked for: levels of files are measured."""
        if self._layers is None:
            self._layers = layers(self._cut)
        return self._layers

    @property
    def buses(self) -> list[Bus]:
        """The buses on which something sounds."""
        found = {layer.bus for layer in self.layers}
        return [bus for bus in BUSES if bus in found]


def layers(cut: Cut) -> list[Layer]:
    """Every sound of a film as a layer at its place."""
    sounds = _clip_layers(cut) + _cue_layers(cut)
    return sounds + [_line_layer(line) for line in cut.lines] + _bed_layers(cut, under=bool(sounds))


def _sources(cut: Cut) -> bool:
    pieces = any(_sounds(piece) for shot in cut.shots for piece in shot.pieces)
    return pieces or bool(cut.lines or cut.beds) or any(shot.cues for shot in cut.shots)


# -- clips -----------------------------------------------------------------------------------------------------


def _clip_layers(cut: Cut) -> list[Layer]:
    found = []
    placed = list(_placed(cut))
    for at, (number, begin, piece) in enumerate(placed):
        if not _sounds(piece):
            continue
        shot = cut.shots[number]
        following = cut.shots[number + 1] if number + 1 < len(cut.shots) else None
        first = at == 0 or placed[at - 1][0] != number
        last = at + 1 == len(placed) or placed[at + 1][0] != number
        crossings = [_crossing(cut, pair) for pair in (placed[max(0, at - 1) : at + 1], placed[at : at + 2])]
        found.append(_clip_layer(cut, piece, begin, _joins(cut, shot, following, first=first, last=last), crossings))
    return found


def _placed(cut: Cut) -> Iterator[tuple[int, int, Piece]]:
    """Every piece with the number of its shot and the film frame that it begins on."""
    for number, shot in enumerate(cut.shots):
        begin = shot.start
        for piece in shot.pieces:
            yield number, begin, piece
            begin += len(piece.frames)


def _sounds(piece: Piece) -> bool:
    return piece.clip.sound and bool(piece.frames) and not piece.silent


def _crossing(cut: Cut, pair: Sequence[tuple[int, int, Piece]]) -> int:
    """How many samples before a join one sound crosses over into the other; 0 where nothing carries on there."""
    if len(pair) < 2:
        return 0
    (_, begin, before), (_, join, piece) = pair
    if join != begin + len(before.frames) or not (_sounds(before) and _sounds(piece)):
        return 0
    shorter = min(len(before.frames), len(piece.frames))
    # At most half of each, so that a short piece's two crossings do not meet.
    return min(CARRIED_JOIN, _samples(piece.repeats, piece.clip.fps * piece.speed), _samples(shorter, cut.fps) // 2)


def _joins(cut: Cut, shot: CutShot, following: CutShot | None, *, first: bool, last: bool) -> tuple[int, int]:
    """How long a piece's sound rises and falls for its shot's transitions, in samples; 0 where it just cuts."""
    come = (shot.overlap or shot.lead) if first else 0
    go = following.overlap if last and following is not None else 0
    return _samples(come, cut.fps), _samples(go, cut.fps)


def _clip_layer(cut: Cut, piece: Piece, begin: int, joins: tuple[int, int], crossings: Sequence[int]) -> Layer:
    """A piece's sound, with its `joins` by transitions and `crossings` by carrying on, both before and after it.

    At a plain cut it reaches a little past the cut where the clip has sound there.
    """
    clip, (come, go), (into, out) = piece.clip, joins, crossings
    start, end = _samples(begin, cut.fps), _samples(begin + len(piece.frames), cut.fps)
    skip = _samples(piece.frames[0], clip.fps * piece.speed)
    spare = _samples(clip.frames, clip.fps * piece.speed) - skip - (end - start)
    before = into or (0 if come or begin == 0 else min(JOIN, skip))
    after = 0 if go or out else max(0, min(JOIN, spare))
    return Layer(
        bus="effects",
        source=partial(stretched, clip.path, piece.speed) if piece.speed != 1 else partial(sound_blocks, clip.path),
        start=start - before,
        length=end - start + before + after,
        skip=skip - before,
        rise=come or into or 2 * JOIN,
        fall=go or out or 2 * JOIN,
    )


def _samples(frames: int | Fraction, fps: Fraction) -> int:
    return round(frames / fps * SAMPLE_RATE)


# -- sounds of shots, lines, beds ------------------------------------------------------------------------------


def _cue_layers(cut: Cut) -> list[Layer]:
    """The sounds of shots, which come and go with their shot's transitions, or lead and lag at its cuts."""
    found = []
    for number, shot in enumerate(cut.shots):
        following = cut.shots[number + 1] if number + 1 < len(cut.shots) else None
        for cue in shot.cues:
            start = max(0, _samples(cue.start + (cue.at - cue.leads) * cut.fps, cut.fps))
            end = min(_samples(cut.frames, cut.fps), _samples(cue.end + cue.lags * cut.fps, cut.fps))
            first, last = cue.start == shot.start, cue.end == shot.start + shot.frames
            come, go = _joins(cut, shot, following, first=first and not cue.at, last=last)
            if end > start:
                found.append(
                    Layer(
                        bus="effects",
                        source=partial(about_zero, cue.path),
                        start=start,
                        length=end - start,
                        rise=come,
                        fall=go or 2 * JOIN,
                        gain=10 ** (cue.level / 20),
                    )
                )
    return found


def _line_layer(line: CutLine) -> Layer:
    """A spoken line as a layer, at the level of speech."""
    gain, heard = speech_of(line.path)
    return Layer(
        bus="dialogue",
        source=partial(heard_in, heard, line.space),
        start=line.start,
        length=line.length + SPACES[line.space].tail,
        gain=gain * 10 ** (line.level / 20),
        pan=line.pan,
    )


def _bed_layers(cut: Cut, *, under: bool) -> list[Layer]:
    found = []
    for bus in ("ambience", "music"):
        beds = [bed for bed in cut.beds if bed.bus == bus]
        for at, bed in enumerate(beds):
            after = beds[at + 1] if at + 1 < len(beds) else None
            found.append(_bed_layer(cut, bed, beds[at - 1] if at else None, after, under=under))
    return found


def _bed_layer(cut: Cut, bed: Bed, before: Bed | None, after: Bed | None, *, under: bool) -> Layer:
    """A bed as a layer: it crosses over with the beds that it touches, and fades where there is none."""
    total = _samples(cut.frames, cut.fps)
    start = _samples(bed.start - bed.leads * cut.fps, cut.fps)
    following = after if after is not None and bed.end >= after.start else None
    end = _samples(bed.end + (bed.lags - (following.leads if following else 0)) * cut.fps, cut.fps)
    rise, fall = (min(fade, total // 4) for fade in BED_FADES)
    if start > 0:
        rise = _bed_join(cut, bed)
        start -= rise // 2 if before is not None and before.end >= bed.start else 0
    if end < total:
        fall = _bed_join(cut, following or bed)
        end += fall // 2 if following else 0
    start, end = max(0, start), min(total, end)
    source = partial(looped_file if bed.bus == "ambience" else about_zero, bed.path)
    gain = _under_speech(bed) if cut.lines else UNDER if under else 1.0
    return Layer(bus=bed.bus, source=source, start=start, length=end - start, rise=rise, fall=fall, gain=gain)


def _bed_join(cut: Cut, bed: Bed) -> int:
    """How long a bed crosses over at its cut: a second, or as long as the transition, and at most half of it."""
    return min(max(BED_JOIN, _samples(bed.overlap, cut.fps)), _samples(bed.end - bed.start, cut.fps) // 2)


def _under_speech(bed: Bed) -> float:
    """The gain that puts a bed under speech."""
    down = MUSIC if bed.bus == "music" else AMBIENCE
    return float(10 ** ((SPEECH - down - loudness(sound_blocks(bed.path))) / 20))
