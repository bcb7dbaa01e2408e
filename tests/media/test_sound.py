"""Sound is read from every kind of file, as stereo, at the level it has."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from sora_cli.errors import MediaError
from sora_cli.media.clip import write_clip
from sora_cli.media.read import probe, read_sound
from sora_cli.media.read.usable import require_usable
from sora_cli.media.stream import Sound


def tone(rate: int, seconds: float = 0.5, level: float = 0.25) -> np.ndarray:
    return (level * np.sin(2 * np.pi * 440 * np.arange(round(rate * seconds)) / rate)).astype(np.float32)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3"])
@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_mono_plays_on_both_sides_as_loud_as_it_is(tmp_path: Path, name: str, rate: int) -> None:
    soundfile.write(tmp_path / name, tone(rate), rate)
    sound = read_sound(tmp_path / name)
    assert abs(len(sound) - 24_000) <= 1300  # MP3 may keep its padding
    assert np.array_equal(sound[:, 0], sound[:, 1])
    assert np.sqrt((sound[6000:18_000, 0] ** 2).mean()) == pytest.approx(0.25 / np.sqrt(2), rel=0.02)


def test_exact_where_nothing_is_converted(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).normal(size=(9000, 2)).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", samples, 48_000, subtype="FLOAT")
    assert np.array_equal(read_sound(tmp_path / "a.wav"), samples)


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_surround_is_mixed_down_as_bs_775_says(tmp_path: Path, subtype: str) -> None:
    samples = np.zeros((4800, 6), np.float32)
    samples[:, 0], samples[:, 2], samples[:, 3], samples[:, 4] = 0.1, 0.5, 0.9, 0.2  # left, centre, LFE, left surround
    soundfile.write(tmp_path / "a.wav", samples, 48_000, subtype=subtype)
    left, right = read_sound(tmp_path / "a.wav")[2400]
    assert left == pytest.approx(0.1 + 0.5 * np.sqrt(0.5) + 0.2 * np.sqrt(0.5), abs=1e-3)
    assert right == pytest.approx(0.5 * np.sqrt(0.5), abs=1e-3)


@pytest.mark.parametrize(
    ("kind", "codec", "options"),
    [
        ("adts", "aac", {}),
        ("matroska", "aac", {"live": "1"}),
        ("mp3", "libmp3lame", {"write_xing": "0"}),
        ("mp3", "libmp3lame", {}),
        ("mpegts", "aac", {}),
        ("ogg", "libopus", {}),
    ],
)
def test_a_file_whose_header_does_not_tell_its_length_has_that_of_its_sound(
    tmp_path: Path, kind: str, codec: str, options: dict[str, str]
) -> None:
    """So have bare streams, live recordings, songs of changing rate; of what was joined by `cat` both parts count."""
    with av.open(str(tmp_path / "a"), "w", format=kind, options=options) as file:
        stream = file.add_stream(codec, rate=48_000, layout="stereo")
        if codec == "libmp3lame":
            stream.codec_context.qscale = stream.codec_context.global_quality = 4 * 118  # the rate changes
        noise = np.random.default_rng(0).normal(0, 0.2, (2, 4 * 48_000)).astype(np.float32)
        noise[:, :96_000] = 0
        block = av.AudioFrame.from_ndarray(noise, "fltp", "stereo")
        block.sample_rate = 48_000
        file.mux([*stream.encode(block), *stream.encode(None)])
    (tmp_path / "a").write_bytes((tmp_path / "a").read_bytes() * (2 if kind in {"ogg", "mpegts"} else 1))
    assert probe(tmp_path / "a").duration == pytest.approx(8 if kind in {"ogg", "mpegts"} else 4, abs=0.07)


def test_a_file_without_sound_is_told(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mp4", np.zeros((2, 8, 8, 3), np.uint8), Fraction(24))
    with pytest.raises(MediaError, match="no sound"):
        read_sound(tmp_path / "a.mp4")


def test_a_track_without_samples_is_told_as_empty(tmp_path: Path) -> None:
    """As recorders write it that may not use the microphone."""
    with av.open(str(tmp_path / "a.mov"), "w", options={"movflags": "frag_keyframe+empty_moov"}) as file:
        video, _ = file.add_stream("mpeg4", rate=25), file.add_stream("pcm_s16le", rate=48_000, layout="mono")
        video.width, video.height = 64, 64
        file.mux([*video.encode(av.VideoFrame(64, 64, "yuv420p")), *video.encode(None)])
    assert probe(tmp_path / "a.mov").remarks == ("its sound track 1 is empty", "it is used without sound")
    soundfile.write(tmp_path / "a.wav", np.zeros(0), 48_000)
    with pytest.raises(MediaError, match=r"a\.wav: its sound is empty"):
        read_sound(tmp_path / "a.wav")


def test_another_rate(tmp_path: Path) -> None:
    write_clip(
        tmp_path / "a.mp4", np.zeros((12, 8, 8, 3), np.uint8), Fraction(24), Sound(tone(16_000)[:, None], 16_000)
    )
    assert abs(len(read_sound(tmp_path / "a.mp4")) - 24_000) <= 2


def test_silence_is_told_also_of_one_side_and_of_samples_off_zero(tmp_path: Path) -> None:
    sound, none = tone(48_000), np.zeros(24_000, np.float32)
    for sides, remarks in (
        ((sound, sound), ()),
        ((sound, none), ("its right side is silent",)),
        ((none + 0.2, sound + 0.2), ("its left side is silent",)),
        ((none + 0.2, none + 0.1), ("it is silent",)),
    ):
        soundfile.write(tmp_path / "a.wav", np.stack(sides, axis=1), 48_000)
        assert require_usable(tmp_path / "a.wav", "sound") == remarks


def test_channels_without_names_are_told(tmp_path: Path) -> None:
    """Recorders with several microphones write such files, and so do those of sound all around."""
    for channels, remarks in ((2, ()), (4, ("its 4 channels of sound have no names: they are taken for 4.0",))):
        soundfile.write(tmp_path / "a.caf", np.zeros((4800, channels), np.float32), 48_000)
        assert probe(tmp_path / "a.caf").remarks == remarks
