"""Sound is where it belongs, to the sample, and as loud as was asked."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pyloudnorm
import pytest
import soundfile
from msgspec.structs import replace

from sora_cli.errors import MediaError
from sora_cli.master import finish
from sora_cli.master.loudness import Levelled, measure
from sora_cli.media.clip import write_clip
from sora_cli.media.deliveries import delivery
from sora_cli.media.film import write_film
from sora_cli.media.read import read_sound
from sora_cli.media.stream import Sound
from sora_cli.plan.timeline import Bed, Cue, Cut, CutShot, Piece
from sora_cli.sound.mix import Layer, looped_file, mixed, ramps
from sora_cli.store import Clip
from sora_cli.storyboard.model import Duration, Look, Transition

RATE = 48_000
FPS = Fraction(24000, 1001)


def clip(folder: Path, name: str, samples: np.ndarray, frames: int, fps: Fraction = FPS) -> Clip:
    path = folder / f"{name}.mp4"
    write_clip(path, np.zeros((frames, 8, 8, 3), np.uint8), fps, Sound(samples.astype(np.float32), RATE))
    return Clip(key=name, path=path, sha256="", frames=frames, width=8, height=8, fps=fps, sound=True)


def shot(start: int, taken: Clip, frames: range, overlap: int = 0) -> CutShot:
    come = Transition("dissolve", Duration(frames=overlap)) if overlap else Transition()
    return CutShot(
        name=f"at {start}",
        scene="s",
        start=start,
        pieces=(Piece(taken, tuple(frames)),),
        transition=come,
        overlap=overlap,
        look=Look("off"),
    )


def heard(cut: Cut, loudness: float | None = None, **beds: Path) -> np.ndarray:
    lies = tuple(Bed(bus=bus, path=path, start=0, end=cut.frames) for bus, path in beds.items())  # type: ignore[arg-type]
    master = finish(replace(cut, beds=lies), loudness)
    assert master.sound is not None
    sound = np.concatenate(list(master.sound()))
    assert sound.shape == (master.samples, 2)
    return sound


def test_a_click_is_where_its_frame_is(tmp_path: Path) -> None:
    samples = np.zeros((round(60 / FPS * RATE), 2))
    clicks = [30_000, 50_001, 90_000]
    samples[clicks] = 0.5
    taken = clip(tmp_path, "a", samples, 60)
    cut = Cut(width=8, height=8, fps=FPS, shots=(shot(0, taken, range(50)), shot(50, taken, range(6, 60))))
    sound = heard(cut)
    second, entered = round(50 / FPS * RATE), round(6 / FPS * RATE)
    wanted = clicks + [second + click - entered for click in clicks]
    assert np.flatnonzero(np.abs(sound[:, 0]) > 1e-6).tolist() == wanted
    assert np.allclose(sound[wanted], 0.5)


def test_shots_join_without_a_click_and_without_a_dip(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    one, two = (clip(tmp_path, name, 0.1 * rng.normal(size=(4 * RATE, 2)), 96, Fraction(24)) for name in "ab")
    cut = Cut(width=8, height=8, fps=Fraction(24), shots=(shot(0, one, range(48)), shot(48, two, range(24, 72))))
    sound = heard(cut)
    around = sound[2 * RATE - 480 : 2 * RATE + 480]
    assert np.sqrt((around**2).mean()) == pytest.approx(0.1, rel=0.1)
    steady = np.full((4 * RATE, 2), 0.3)
    one, two = clip(tmp_path, "c", steady, 96, Fraction(24)), clip(tmp_path, "d", -steady, 96, Fraction(24))
    cut = Cut(width=8, height=8, fps=Fraction(24), shots=(shot(0, one, range(48)), shot(48, two, range(24, 72))))
    assert np.abs(np.diff(heard(cut)[:, 0])).max() < 0.3 / 200


def test_a_clip_without_more_sound_ends_softly(tmp_path: Path) -> None:
    one = clip(tmp_path, "a", np.full((2 * RATE, 2), 0.3), 48, Fraction(24))
    cut = Cut(width=8, height=8, fps=Fraction(24), shots=(shot(0, one, range(48)), shot(48, one, range(48))))
    assert np.abs(np.diff(heard(cut)[:, 0])).max() < 0.3 / 200


def carried(folder: Path, repeats: int, fps: Fraction, *, lengths: tuple[int, int] = (48, 48)) -> Cut:
    """Two beats of one shot, each with noise of its own; the second clip's first frames repeat the first's last."""
    rng = np.random.default_rng(0)
    one, two = (
        clip(folder, name, 0.1 * rng.normal(size=(round(frames / fps * RATE), 2)), frames, fps)
        for name, frames in (("a", lengths[0]), ("b", repeats + lengths[1]))
    )
    pieces = (Piece(one, tuple(range(lengths[0]))), Piece(two, tuple(range(repeats, repeats + lengths[1]))))
    pieces = (pieces[0], replace(pieces[1], repeats=repeats))
    return Cut(width=8, height=8, fps=fps, shots=(replace(shot(0, one, range(1)), pieces=pieces),))


@pytest.mark.parametrize("fps", [Fraction(24), FPS])
@pytest.mark.parametrize(("repeats", "crossing"), [(9, RATE // 4), (1, None)])
def test_what_carries_on_crosses_over_where_both_sound(
    tmp_path: Path, repeats: int, crossing: int | None, fps: Fraction
) -> None:
    cut = carried(tmp_path, repeats, fps)
    one, two = (read_sound(piece.clip.path) for piece in cut.shots[0].pieces)
    sound = heard(cut)
    join, skip = round(48 / fps * RATE), round(repeats / fps * RATE)
    length = crossing or skip
    start = join - length
    # The sound is the first clip's up to the crossing, to the sample, and the second's from the join on.
    assert np.abs(sound[960:start] - one[960:start]).max() < 1e-6
    rest = len(sound) - join - 960
    assert np.abs(sound[join : join + rest] - two[skip : skip + rest]).max() < 1e-6
    # Between them both sound, of one moment, with equal power and without a step.
    angle = (np.arange(length) + 0.5)[:, None] / length * np.pi / 2
    wanted = one[start:join] * np.cos(angle) + two[skip - length : skip] * np.sin(angle)
    assert np.abs(sound[start:join] - wanted).max() < 1e-6
    if crossing:
        levels = np.sqrt((sound[start:join].reshape(10, -1) ** 2).mean(axis=1))
        assert np.abs(levels - 0.1).max() < 0.01


def test_a_join_does_not_sound_where_one_side_is_silent(tmp_path: Path) -> None:
    cut = carried(tmp_path, 9, Fraction(24))
    first, second = cut.shots[0].pieces
    quiet = replace(cut.shots[0], pieces=(replace(first, silent=True), second))
    sound = heard(replace(cut, shots=(quiet,)))
    assert np.abs(sound[: 2 * RATE - 480]).max() == 0
    assert np.abs(sound[2 * RATE + 480 :]).max() > 0.1


def test_crossings_of_a_short_beat_do_not_meet(tmp_path: Path) -> None:
    cut = carried(tmp_path, 9, Fraction(24), lengths=(48, 6))
    sound = heard(cut)
    one = read_sound(cut.shots[0].pieces[0].clip.path)
    start = 2 * RATE - 3 * 2000
    assert np.abs(sound[960:start] - one[960:start]).max() < 1e-6


def test_a_dissolve_crosses_over(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    one, two = (clip(tmp_path, name, 0.1 * rng.normal(size=(2 * RATE, 2)), 48, Fraction(24)) for name in "ab")
    cut = Cut(width=8, height=8, fps=Fraction(24), shots=(shot(0, one, range(48)), shot(36, two, range(48), 12)))
    sound = heard(cut)
    during = sound[36 * 2000 : 48 * 2000].reshape(6, -1)
    assert np.abs(np.sqrt((during**2).mean(axis=1)) - 0.1).max() < 0.01


def test_a_shots_own_sound_is_where_it_was_written(tmp_path: Path) -> None:
    song = np.zeros((2 * RATE, 2), np.float32)
    song[[10_000, RATE + 20_000]] = 0.5  # the second is after the end of its beat
    soundfile.write(tmp_path / "steps.wav", song, RATE, subtype="FLOAT")
    one = clip(tmp_path, "a", np.zeros((2 * RATE, 2)), 48, Fraction(24))
    shots = shot(0, one, range(48)), shot(48, one, range(48))
    later = replace(shots[1], cues=(Cue(tmp_path / "steps.wav", 54, 78),))
    sound = heard(Cut(width=8, height=8, fps=Fraction(24), shots=(shots[0], later)))
    assert np.flatnonzero(np.abs(sound[:, 0]) > 1e-6).tolist() == [54 * 2000 + 10_000]
    assert sound[54 * 2000 + 10_000, 0] == pytest.approx(0.5, abs=1e-6)


def test_a_silent_shot_is_not_heard(tmp_path: Path) -> None:
    loud = clip(tmp_path, "a", np.full((2 * RATE, 2), 0.3), 48, Fraction(24))
    one, other = shot(0, loud, range(48)), shot(48, loud, range(48))
    quiet = replace(other, pieces=(replace(other.pieces[0], silent=True),))
    sound = heard(Cut(width=8, height=8, fps=Fraction(24), shots=(one, quiet)))
    assert np.abs(sound[RATE]).min() > 0.2
    assert np.abs(sound[2 * RATE + 480 :]).max() == 0


def test_a_film_without_sound_is_silent(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    write_clip(path, np.zeros((24, 8, 8, 3), np.uint8), Fraction(24))
    silent = Clip(key="a", path=path, sha256="", frames=24, width=8, height=8, fps=Fraction(24))
    cut = Cut(width=8, height=8, fps=Fraction(24), shots=(shot(0, silent, range(24)),))
    assert finish(cut).sound is None


def quiet_film(folder: Path, seconds: int) -> Cut:
    path = folder / "quiet.mp4"
    write_clip(path, np.zeros((1, 8, 8, 3), np.uint8), Fraction(24))
    quiet = Clip(key="q", path=path, sha256="", frames=1, width=8, height=8, fps=Fraction(24))
    piece = Piece(quiet, (0,) * (24 * seconds))
    return Cut(
        width=8,
        height=8,
        fps=Fraction(24),
        shots=(CutShot(name="a", scene="s", start=0, pieces=(piece,), look=Look("off")),),
    )


@pytest.mark.parametrize("loudness", [-16.0, -23.0, -9.0])
def test_loudness_is_what_was_asked_by_another_meter(tmp_path: Path, loudness: float) -> None:
    rng = np.random.default_rng(3)
    music = 0.1 * rng.normal(size=(12 * RATE, 2)) * (0.4 + np.abs(np.sin(np.arange(12 * RATE) / RATE))[:, None])
    soundfile.write(tmp_path / "music.wav", music.astype(np.float32), RATE)
    soundfile.write(tmp_path / "rain.ogg", 0.05 * rng.normal(size=3 * 44_100).astype(np.float32), 44_100)
    sound = heard(quiet_film(tmp_path, 10), loudness, ambience=tmp_path / "rain.ogg", music=tmp_path / "music.wav")
    assert pyloudnorm.Meter(RATE).integrated_loudness(sound) == pytest.approx(loudness, abs=0.5)
    assert measure(iter([sound])).peak <= -0.9


def test_peaks_are_held_even_between_samples(tmp_path: Path) -> None:
    at = np.arange(4 * RATE)
    tone = np.sin(2 * np.pi * at * 12_000 / RATE + np.pi / 4)  # its samples reach 0.71, its peaks 1
    soundfile.write(tmp_path / "music.wav", np.stack([tone, tone], 1).astype(np.float32) * 1.2, RATE, subtype="FLOAT")
    sound = heard(quiet_film(tmp_path, 3), music=tmp_path / "music.wav")
    assert measure(iter([sound])).peak <= -0.9


def test_ambience_goes_on_and_music_ends(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    soundfile.write(tmp_path / "a.wav", 0.05 * rng.normal(size=(3 * RATE, 2)), RATE)
    film = quiet_film(tmp_path, 12)
    for bus, ends in (("ambience", False), ("music", True)):
        levels = np.sqrt((heard(film, **{bus: tmp_path / "a.wav"}).reshape(24, -1) ** 2).mean(axis=1))
        assert levels[0] < levels[2]  # it fades in
        assert (levels[12] == 0) == ends
        if not ends:
            assert levels[4:19].min() > 0.8 * levels[4:19].max()
            assert levels[-1] < 0.5 * levels[12]


def test_a_loop_does_not_click(tmp_path: Path) -> None:
    ramp = np.linspace(-0.5, 0.5, 2 * RATE)
    soundfile.write(tmp_path / "a.wav", np.stack([ramp, ramp], 1).astype(np.float32), RATE, subtype="FLOAT")
    blocks = itertools.accumulate(looped_file(tmp_path / "a.wav"), lambda held, more: np.concatenate((held, more)))
    sound = next(held for held in blocks if len(held) > 8 * RATE)
    assert np.abs(np.diff(sound[:, 0])).max() < 1e-3


def test_bad_sound_files_are_told(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "short.wav", np.zeros(100, np.float32), RATE)
    (tmp_path / "words.wav").write_text("not a sound")
    film = quiet_film(tmp_path, 2)
    for name in ("short.wav", "words.wav", "none.wav"):
        with pytest.raises(MediaError, match=name.replace(".", r"\.")):
            heard(film, ambience=tmp_path / name)


def test_ramps_are_of_equal_power() -> None:
    up, down = ramps(0, 1000, 1000, 1000, 0), ramps(0, 1000, 1000, 0, 1000)
    assert np.allclose(up**2 + down**2, 1, atol=1e-6)


def test_memory_does_not_grow_with_the_film() -> None:
    def source() -> Iterator[np.ndarray]:
        while True:
            yield np.zeros((4800, 2), np.float32)

    peaks = []
    for seconds in (10, 60):
        total = seconds * RATE
        tracemalloc.start()
        sound = Levelled(
            lambda total=total: mixed([Layer(bus="music", source=source, start=0, length=total)], total), -16.0
        )
        assert sum(len(block) for block in sound.play()) == total
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


@pytest.mark.long
@pytest.mark.parametrize("name", ["web", "prores"])
@pytest.mark.parametrize("fps", [Fraction(30000, 1001), Fraction(24)])
def test_flashes_and_clicks_are_together_for_ten_minutes(tmp_path: Path, name: str, fps: Fraction) -> None:
    each = round(10 * fps)
    frames = np.zeros((each, 48, 64, 3), np.uint8)
    samples = np.zeros((round(each / fps * RATE), 2), np.float32)
    lit = each // 2
    frames[lit] = 255
    click = round(lit / fps * RATE)
    samples[click : click + 48] = 0.8
    write_clip(tmp_path / "clip.mp4", frames, fps, Sound(samples, RATE))
    taken = Clip(key="a", path=tmp_path / "clip.mp4", sha256="", frames=each, width=64, height=48, fps=fps, sound=True)
    shots = tuple(replace(shot(each * k, taken, range(each)), name=f"shot {k}") for k in range(61))
    kind = delivery(name)
    film = tmp_path / f"film{kind.suffix}"
    write_film(film, finish(Cut(width=64, height=48, fps=fps, shots=shots), pixels=kind.made_in), kind)
    with av.open(str(film)) as container:
        stream = container.streams.video[0]
        base, first = stream.time_base or Fraction(1), stream.start_time or 0
        flashes = [
            float((frame.pts - first) * base) for frame in container.decode(stream)
            if frame.to_ndarray(format="gray").mean() > 128
        ]  # fmt: skip
    loud = np.flatnonzero(np.abs(read_sound(film)[:, 0]) > 0.3)
    clicks = loud[np.diff(loud, prepend=-RATE) > RATE] / RATE
    assert len(flashes) == len(clicks) == 61
    late = np.abs(np.array(flashes) - clicks)
    assert flashes[-1] > 600
    assert late.max() < 1024 / RATE, "an AAC frame"
    assert late.max() < 0.001
