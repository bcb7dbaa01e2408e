"""What is heard: lines where they were planned, over music that goes down, as loud as asked; stems add up."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from msgspec.structs import replace

from sora_cli.master import finish
from sora_cli.master.loudness import loudness, measure
from sora_cli.master.sound import Mix, Soundtrack
from sora_cli.media.clip import write_clip
from sora_cli.media.film import write_film
from sora_cli.media.read import read_sound
from sora_cli.media.stream import Samples
from sora_cli.plan.timeline import Bed, Cue, Cut, CutLine, CutShot, Piece
from sora_cli.sound.level import SPEECH, active_level, spoken
from sora_cli.sound.mix import BUSES
from sora_cli.sound.speech import Speaker, VoiceLine
from sora_cli.store import Clip, Store
from sora_cli.storyboard.model import Look
from tests.master.test_sound import clip

RATE = 48_000
FPS = Fraction(30000, 1001)
WORDS = "The lamp has burned since Tuesday, and nobody climbs up there to fill it."


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A line that a voice speaks, some four seconds long."""
    return Speaker(Store(tmp_path_factory.mktemp("store"))).path(VoiceLine(WORDS, "en-us-1"))


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Loud music: chords with hard attacks, up to full scale."""
    at = np.arange(20 * RATE) / RATE
    beat = np.exp(-((at * 2) % 1) * 6)
    chord = sum(np.sin(2 * np.pi * hertz * at) for hertz in (110, 277.18, 329.63, 659.26))
    soundfile.write(tmp_path / "music.wav", (0.24 * beat * chord).astype(np.float32)[:, None].repeat(2, 1), RATE)
    return tmp_path / "music.wav"


def film(folder: Path, seconds: int, **more: object) -> Cut:
    frames = round(seconds * FPS)
    path = clip(folder, "quiet", np.zeros((RATE, 2)), 1, FPS).path
    still = Clip(key="q", path=path, sha256="", frames=1, width=8, height=8, fps=FPS)
    shot = CutShot(name="a", scene="s", start=0, pieces=(Piece(still, (0,) * frames),), look=Look("off"))
    return replace(Cut(width=8, height=8, fps=FPS, shots=(shot,)), **more)


def placed(path: Path, start: int, **more: object) -> CutLine:
    return CutLine(path=path, start=start, length=len(read_sound(path)), **more)  # type: ignore[arg-type]


def whole(blocks: object) -> Samples:
    return np.concatenate(list(blocks))  # type: ignore[call-overload]


@pytest.mark.parametrize("space", ["open", "room", "church"])
def test_a_line_begins_on_its_very_sample(tmp_path: Path, line: Path, space: str) -> None:
    starts = (12_345, 300_001)
    mix = Mix(film(tmp_path, 12, lines=tuple(placed(line, start, space=space) for start in starts)))
    sound = np.abs(whole(mix("dialogue"))[:, 0])
    level = sound.max() * 0.009  # a line begins with its first sample over a hundredth of its peak
    assert np.flatnonzero(sound > level)[0] == starts[0]
    assert not sound[: starts[0]].any()
    gap = sound[starts[1] - 2400 : starts[1]].max()
    assert sound[starts[1]] > 0.5 * level > gap or space != "open"


def test_speech_is_over_music_that_goes_down_by_twelve_decibels_and_more(
    tmp_path: Path, line: Path, music: Path
) -> None:
    spoken = placed(line, 4 * RATE, depth=12.0)
    cut = film(tmp_path, 14, lines=(spoken,), beds=(Bed(bus="music", path=music, start=0, end=419),))
    mix = Mix(cut)
    speech, under = (whole(mix(bus)) for bus in ("dialogue", "music"))
    during = slice(spoken.start, spoken.start + spoken.length)
    assert loudness(iter([speech[during]])) - loudness(iter([under[during]])) >= 12
    before = loudness(iter([under[RATE : 3 * RATE]])) - loudness(iter([under[during]]))
    assert before == pytest.approx(12, abs=1.5)


def test_all_lines_are_as_loud_as_each_other(tmp_path: Path, line: Path) -> None:
    sound = read_sound(line)
    soundfile.write(tmp_path / "soft.wav", 0.05 * sound, 44_100)  # a soft recording, at another rate
    for path in (line, tmp_path / "soft.wav"):
        mix = Mix(film(tmp_path, 8, lines=(placed(path, RATE),)))
        assert loudness(mix("dialogue")) == pytest.approx(SPEECH, abs=2)
    assert active_level(iter([sound])) == pytest.approx(
        active_level(iter([np.pad(sound, ((0, RATE), (0, 0)))])), abs=0.01
    )


def test_recordings_of_cheap_and_of_single_microphones_are_as_loud(tmp_path: Path, line: Path) -> None:
    """Their samples lie off zero, on one side alone, or on one side upside down."""
    sound = np.concatenate((read_sound(line)[:, :1], np.zeros((RATE, 1), np.float32)))
    for changed in (np.hstack((sound + 0.2, sound + 0.2)), np.hstack((sound, 0 * sound)), np.hstack((sound, -sound))):
        soundfile.write(tmp_path / "a.wav", changed, RATE)
        heard = np.concatenate([*Mix(film(tmp_path, 8, lines=(placed(tmp_path / "a.wav", RATE),)))("dialogue")])
        assert loudness(iter([heard])) == pytest.approx(SPEECH, abs=2)
        assert abs(np.median(heard[RATE : 3 * RATE], axis=0)).max() < 0.01


def test_music_beds_and_sounds_whose_samples_lie_off_zero_do_not_click(tmp_path: Path) -> None:
    at = np.arange(RATE) / RATE
    soundfile.write(tmp_path / "off.wav", 0.05 * np.sin(880 * np.pi * at) + 0.2, RATE)
    path = tmp_path / "off.wav"
    cut = film(
        tmp_path,
        3,
        beds=(Bed(bus="music", path=path, start=0, end=90), Bed(bus="ambience", path=path, start=0, end=90)),
    )
    mix = Mix(replace(cut, shots=(replace(cut.shots[0], cues=(Cue(path, 15, 75, at=Fraction(1, 2)),)),)))
    for bus in ("music", "ambience", "effects"):
        heard = whole(mix(bus))
        assert heard.max() > 0.01, bus
        assert abs(heard.mean()) < 1e-3, bus
        assert abs(np.diff(heard, axis=0)).max() < 0.01, bus


def test_short_and_deep_sounds_are_heard_as_they_are() -> None:
    """Their waves lie off zero while they last; moved to it they would end with a click."""
    at = np.arange(RATE) / RATE
    rumble = np.random.default_rng(1).normal(size=RATE).cumsum() / 200
    for sound in (
        np.exp(-400 * at[: RATE // 40]),
        np.sin(np.pi * 30 * at[: RATE // 30]),
        np.sin(2 * np.pi * (120 * np.exp(-20 * at) + 40) * at)[: RATE // 4],
        rumble - rumble.mean(),
    ):
        assert spoken([np.stack([sound, sound], 1).astype(np.float32)]).middle == (0, 0)


@pytest.mark.parametrize("target", [-14.0, -16.0, -23.0])
def test_the_loudness_is_met_and_peaks_are_held_after_aac_too(
    tmp_path: Path, line: Path, music: Path, target: float
) -> None:
    beds = (Bed(bus="music", path=music, start=0, end=419),)
    cut = film(tmp_path, 14, beds=beds, lines=(placed(line, 4 * RATE, depth=6.0),))
    write_film(tmp_path / "film.mp4", finish(cut, target))
    level = measure(iter([read_sound(tmp_path / "film.mp4")]))
    assert level.loudness == pytest.approx(target, abs=0.3)
    assert level.peak < -1


@pytest.mark.parametrize("target", [-9.0, -20.0])
def test_stems_add_up_to_the_mix_also_where_it_is_limited(
    tmp_path: Path, line: Path, music: Path, target: float
) -> None:
    beds = (Bed(bus="music", path=music, start=0, end=419), Bed(bus="ambience", path=music, start=30, end=300))
    cut = film(tmp_path, 14, beds=beds, lines=(placed(line, 4 * RATE, depth=3.0, pan=0.5),))
    shot = replace(cut.shots[0], cues=(Cue(music, 60, 200, level=-6.0),))
    track = Soundtrack(replace(cut, shots=(shot,)), target)
    assert track.buses == list(BUSES)
    mix = whole(track.play())
    rest = mix - sum(whole(track.stem(bus)) for bus in track.buses)
    assert 20 * np.log10(np.abs(rest).max() / np.abs(mix).max()) < -60


def test_a_bed_crosses_over_into_the_next_and_leads_its_pictures(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    for name, rate in (("low", 4), ("high", 1)):
        noise = np.convolve(rng.normal(size=12 * RATE), np.ones(rate) / rate, "same").astype(np.float32)
        soundfile.write(tmp_path / f"{name}.wav", 0.1 * noise / noise.std(), RATE)
    low, high = ((tmp_path / f"{name}.wav") for name in ("low", "high"))
    for leads in (Fraction(0), Fraction(1)):
        beds = (
            Bed(bus="ambience", path=low, start=0, end=150),
            Bed(bus="ambience", path=high, start=150, end=300, leads=leads),
        )
        sound = whole(Mix(film(tmp_path, 10, beds=beds))("ambience"))[:, 0]
        level = 10 * np.log10((sound[2 * RATE : 8 * RATE].reshape(-1, RATE // 4) ** 2).mean(axis=1))
        assert np.ptp(level) < 1  # equal power: the join is not heard
        treble = (np.diff(sound) ** 2).reshape(-1)[: 9 * RATE].reshape(-1, RATE // 10).mean(axis=1)
        middle = (treble[20:30].mean() + treble[75:85].mean()) / 2
        turn = np.flatnonzero(treble > middle)[0] / 10
        assert turn == pytest.approx(150 * 1001 / 30000 - leads, abs=0.35)


@pytest.mark.long
@pytest.mark.parametrize("fps", [Fraction(24), Fraction(25), FPS, Fraction(12)])
def test_a_hundred_lines_are_with_their_pictures_for_ten_minutes(tmp_path: Path, fps: Fraction) -> None:
    """A line that is a click, and a white frame where it is: in the file, they are within 5 ms of each other."""
    click = np.zeros(RATE // 2, np.float32)
    click[:48] = 0.8
    soundfile.write(tmp_path / "click.wav", click, RATE)
    frames = round(600 * fps)
    lit = [round(frames * (number + 0.5) / 100) for number in range(100)]
    pictures = np.zeros((2, 48, 64, 3), np.uint8)
    pictures[1] = 255
    write_clip(tmp_path / "clip.mp4", pictures, fps)
    taken = Clip(key="a", path=tmp_path / "clip.mp4", sha256="", frames=2, width=64, height=48, fps=fps)
    order = tuple(int(number in set(lit)) for number in range(frames))
    shot = CutShot(name="a", scene="s", start=0, pieces=(Piece(taken, order),), look=Look("off"))
    lines = tuple(placed(tmp_path / "click.wav", round(number / fps * RATE)) for number in lit)
    cut = Cut(width=64, height=48, fps=fps, shots=(shot,), lines=lines)
    write_film(tmp_path / "film.mp4", finish(cut, -16.0))
    with av.open(str(tmp_path / "film.mp4")) as container:
        seen = [
            float(frame.time or 0)
            for frame in container.decode(video=0)
            if frame.to_ndarray(format="gray").mean() > 128
        ]
    sound = np.abs(read_sound(tmp_path / "film.mp4")[:, 0])
    loud = np.flatnonzero(sound > 0.3 * sound.max())
    heard = loud[np.concatenate(([True], np.diff(loud) > RATE))] / RATE
    assert len(seen) == len(heard) == 100
    assert np.abs(np.array(seen) - heard).max() < 0.005
