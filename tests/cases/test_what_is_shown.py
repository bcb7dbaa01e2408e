"""Real files of people: what they show and sound like counts, not their packets and headers."""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from av.stream import Disposition
from PIL import Image, ImageCms, PngImagePlugin

from sora_cli.errors import MediaError, UnusableFile
from sora_cli.media.clip import write_clip
from sora_cli.media.read import open_film, probe, read_frames, read_picture, read_sound
from sora_cli.media.read.index import Index
from sora_cli.media.read.picture import TRANSPARENT
from sora_cli.media.read.usable import require_usable
from sora_cli.media.stream import Sound

CASES = Path(__file__).parent
SIZE = (64, 48)


def film(path: Path, greys: Sequence[int], *, codec: str = "libx264", rate: int = 25, beep: bool = False,
         options: dict[str, str] | None = None, skip: Callable[[int], bool] = lambda _number: False,
         times: Sequence[int] | None = None) -> Path:  # fmt: skip
    """A film of flat frames; `skip` leaves out packets by their number, `times` are in thousandths."""
    kind = {".ts": "mpegts"}.get(path.suffix)
    with av.open(str(path), "w", format=kind) as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        if times:
            stream.codec_context.time_base = Fraction(1, 1000)
        sound = container.add_stream("pcm_s16le", rate=48_000, layout="mono") if beep else None
        packets = []
        for number, grey in enumerate([*greys, None]):
            frame = None
            if grey is not None:
                frame = av.VideoFrame.from_ndarray(np.full((*SIZE[::-1], 3), grey, np.uint8))
                frame.pts, frame.time_base = (
                    (times[number], Fraction(1, 1000)) if times else (number, Fraction(1, rate))
                )
            packets += stream.encode(frame)
        for number, packet in enumerate(packets):
            if not skip(number):
                container.mux(packet)
        if sound is not None:
            block = av.AudioFrame.from_ndarray(np.full((1, 48_000), 9000, np.int16), "s16", "mono")
            block.sample_rate, block.pts, block.time_base = 48_000, 0, Fraction(1, 48_000)
            container.mux(sound.encode(block))
            container.mux(sound.encode(None))
    return path


def greys_of(path: Path) -> list[int]:
    with open_film(path) as found:
        return [round(float(np.median(picture))) for picture in found.pictures(range(found.facts.frames))]


def beginnings(sound: np.ndarray) -> list[float]:
    """When it gets loud after 0.1 s of silence, in seconds."""
    loud = np.flatnonzero(np.abs(sound[:, 0]) > 0.05)
    return [float(at) / 48_000 for at in loud[np.concatenate(([True], np.diff(loud) > 4800))]]


# -- the cases -----------------------------------------------------------------------------------------------------


def test_a_hole_in_the_sound_is_silent() -> None:
    assert np.allclose(beginnings(read_sound(CASES / "A_gap.mkv")), [0.5, 2.5], atol=0.005)


@pytest.mark.parametrize(("name", "frames", "fps"), [
    ("B_endtrim.mp4", 50, 25), ("B_cut.mp4", 39, 25), ("D_mid.ts", 50, 25), ("F_nodd.webm", 60, 30),
])  # fmt: skip
def test_frames_that_are_shown_are_counted(name: str, frames: int, fps: int) -> None:
    with open_film(CASES / name) as found:
        facts = found.facts
        assert (facts.frames, facts.fps) == (frames, fps)
        assert abs(float(facts.duration) - frames / fps) < 0.01
        assert len(found.shown_at(Fraction(fps))) == frames
        assert len(list(found.frames(range(frames)))) == frames


def test_the_last_picture_keeps_its_length() -> None:
    with open_film(CASES / "H_hold.gif") as found:
        assert (found.facts.frames, found.facts.duration) == (3, Fraction(22, 10))
        assert found.shown_at(Fraction(10)) == [0, 1, *[2] * 20]


def test_wide_primaries_become_those_of_bt_709() -> None:
    found, right = (read_frames(CASES / name, 0, 1)[0, 20, 20].astype(int) for name in ("L_2020.mp4", "L_right.mp4"))
    assert np.abs(found - right).max() <= 3


@pytest.mark.parametrize("name", ["H_a.mov", "H_alpha.png"])
def test_what_is_transparent_shows_white_and_is_told(name: str) -> None:
    with open_film(CASES / name) as found:
        assert (found.read(0, 1)[0, 20, -8:] == 255).all()
        assert "transparent" in found.facts.remarks[0]


# -- their neighbours: times -----------------------------------------------------------------------------------------


def test_streams_that_were_joined_run_on(tmp_path: Path) -> None:
    parts = [film(tmp_path / f"{name}.ts", greys).read_bytes() for name, greys in (("a", [60] * 20), ("b", [180] * 20))]
    (tmp_path / "c.ts").write_bytes(b"".join(parts))
    found = probe(tmp_path / "c.ts")
    assert (found.frames, found.fps, found.variable) == (40, 25, False)
    assert np.abs(np.array(greys_of(tmp_path / "c.ts")) - ([60] * 20 + [180] * 20)).max() <= 3


def test_an_avi_with_an_empty_chunk_is_whole(tmp_path: Path) -> None:
    path = film(
        tmp_path / "a.avi", range(40, 90), codec="mpeg4", beep=True, times=[n * 40 + 40 * (n > 20) for n in range(50)]
    )
    found = probe(path)
    assert found.frames == 50
    assert abs(found.duration - Fraction(51, 25)) <= Fraction(1, 25)


def test_a_clock_that_ticks_once_a_frame_loses_none_where_one_is_missing() -> None:
    times = np.array([*range(21), *range(22, 51)], np.int64)
    index = Index(times, times[:1], Fraction(1, 25), 1)
    assert (index.variable, index.rate(Fraction(25))) == (True, 25)
    assert index.shown_at(Fraction(25)) == [*range(21), 20, *range(21, 50)]


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.mov"])
def test_packets_that_show_nothing_are_no_frames(tmp_path: Path, name: str) -> None:
    whole = film(tmp_path / "whole.mp4", range(40, 60), options={"bf": "0"})
    words = b"\0\0\0\x05\x06\x05\x01\x00\x80"  # supplemental information, and no picture
    with av.open(str(whole)) as source, av.open(str(tmp_path / name), "w") as target:
        out = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is None:
                continue
            number = packet.pts // 512
            packet.stream = out
            target.mux(packet)
            if number % 5 == 2:
                empty = av.Packet(words)
                empty.pts = empty.dts = number * 512 + 256
                empty.time_base, empty.stream = Fraction(1, 12_800), out
                target.mux(empty)
    found = probe(tmp_path / name)
    assert (found.frames, found.fps) == (20, 25)
    assert np.abs(np.array(greys_of(tmp_path / name)) - range(40, 60)).max() <= 3


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_film_of_changing_rate_keeps_each_time(tmp_path: Path, name: str) -> None:
    times = [0, 40, 80, 200, 240, 600, 640]
    found = probe(film(tmp_path / name, [40, 60, 80, 100, 120, 140, 160], times=times))
    assert (found.frames, found.variable, found.fps) == (7, True, 25)
    assert found.shown_at(Fraction(25))[:16] == [0, 1, 2, 2, 2, 3, *[4] * 9, 5]


@pytest.mark.parametrize(
    ("times", "rate"),
    [
        ([number * 100 // 3 for number in range(60) if number % 5], 30),  # a program left out what did not change
        ([*range(0, 1200, 40), *range(1200, 1800, 20)], 50),
        ([round(number * 100 / 3 + 9 * math.sin(number * 2.4)) for number in range(60)], 30),  # a recorder's clock
    ],
)
def test_no_frame_of_a_film_of_changing_rate_is_lost(tmp_path: Path, times: list[int], rate: int) -> None:
    found = probe(film(tmp_path / "a.mkv", [40 + number for number in range(len(times))], times=times))
    assert found.variable
    assert found.fps == pytest.approx(rate, rel=0.002)
    assert len({*found.shown_at(Fraction(rate))}) == len(times)


@pytest.mark.parametrize(("name", "codec"), [("a.avi", "mpeg4"), ("a.ts", "mpeg2video"), ("a.mkv", "libx264")])
def test_frames_that_a_recorder_lost_are_told(tmp_path: Path, name: str, codec: str) -> None:
    options = {"g": "10", "bf": "0"}
    whole = film(tmp_path / f"whole{name}", range(40, 140), codec=codec, options=options)
    lost = film(tmp_path / name, range(40, 140), codec=codec, options=options, skip=lambda number: 40 <= number < 50)
    assert probe(whole).remarks == ()
    found = probe(lost)
    assert (found.frames, found.duration) == (90, 4)
    assert found.remarks == ("it has no frames for 0.4 s, 1.6 s after its beginning: the one before is shown there",)


def test_a_slow_film_holds_its_frames(tmp_path: Path) -> None:
    found = probe(film(tmp_path / "a.mp4", [40, 80, 120], times=[0, 2000, 4000]))
    assert found.fps is not None
    assert found.fps >= 1
    assert found.shown_at(Fraction(1))[:5] == [0, 0, 1, 1, 2]


@pytest.mark.parametrize(("kind", "delays", "wanted"), [
    ("gif", [0, 0, 0], [100] * 3), ("gif", [10, 10, 10], [100] * 3), ("gif", [70, 300, 1200], [70, 300, 1200]),
    ("png", [0, 0, 0], [100] * 3), ("png", [100, 100, 2000], [100, 100, 2000]),
    ("webp", [100, 50, 2000], [100, 50, 2000]),
])  # fmt: skip
def test_each_picture_of_an_animation_is_shown_as_long_as_browsers_do(
    tmp_path: Path, kind: str, delays: list[int], wanted: list[int]
) -> None:
    first, *others = [Image.new("RGB", SIZE, (grey, grey, grey)) for grey in (40, 120, 200)]
    path = tmp_path / f"a.{kind}"
    first.save(path, save_all=True, append_images=others, duration=delays)
    with open_film(path) as found:
        ends = [*found.index.times[1:], found.index.times[-1] + found.index.last]
        assert list(np.diff([0, *ends]) * found.index.base * 1000) == wanted
        assert np.abs(np.array([found.read(number, 1).mean() for number in range(3)]) - (40, 120, 200)).max() <= 3


# -- their neighbours: sound -----------------------------------------------------------------------------------------


def test_the_picture_before_an_animated_png_is_not_in_it(tmp_path: Path) -> None:
    before, *shown = (Image.new("RGB", SIZE, (grey, grey, grey)) for grey in (40, 120, 200))
    before.save(tmp_path / "a.png", save_all=True, append_images=shown, duration=[100, 300], default_image=True)
    assert greys_of(tmp_path / "a.png") == [120, 200]
    assert probe(tmp_path / "a.png").duration == Fraction(4, 10)


def with_sound_at(path: Path, begins: list[float]) -> Path:
    """A film of 2 s with bursts of 0.2 s at these times of its sound track, and no sound packets between them."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = *SIZE, "yuv420p"
        audio = container.add_stream("pcm_s16le", rate=48_000, layout="mono")
        for number in range(50):
            frame = av.VideoFrame.from_ndarray(np.full((*SIZE[::-1], 3), 90, np.uint8))
            frame.pts = number
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        for begin in begins:
            block = av.AudioFrame.from_ndarray(np.full((1, 9600), 12_000, np.int16), "s16", "mono")
            block.sample_rate, block.pts, block.time_base = 48_000, round(begin * 48_000), Fraction(1, 48_000)
            container.mux(audio.encode(block))
    return path


@pytest.mark.parametrize("name", ["a.mkv", "a.nut"])
def test_sound_that_begins_late_and_pauses_stays_in_its_place(tmp_path: Path, name: str) -> None:
    sound = read_sound(with_sound_at(tmp_path / name, [0.4, 1.0, 1.5]))
    assert np.allclose(beginnings(sound), [0.4, 1.0, 1.5], atol=0.005)


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.ts"])
def test_a_film_that_begins_late_on_its_clock_is_as_long_as_it_is(tmp_path: Path, name: str) -> None:
    with av.open(str(tmp_path / name), "w", options={"avoid_negative_ts": "disabled"}) as container:
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = *SIZE, "yuv420p"
        audio = container.add_stream("aac", rate=48_000, layout="mono")
        for number in range(25):
            frame = av.VideoFrame.from_ndarray(np.full((*SIZE[::-1], 3), 90, np.uint8))
            frame.pts, frame.time_base = number + 125, Fraction(1, 25)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        block = av.AudioFrame.from_ndarray(np.full((1, 48_000), 0.1, np.float32), "fltp", "mono")
        block.sample_rate, block.pts, block.time_base = 48_000, 5 * 48_000, Fraction(1, 48_000)
        container.mux([*audio.encode(block), *audio.encode(None)])
    found = probe(tmp_path / name)
    assert (found.frames, found.duration, found.remarks) == (25, 1, ())


def test_another_track_is_used_where_the_first_cannot_be_decoded(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = *SIZE, "yuv420p"
        tracks = [container.add_stream("pcm_s16le", rate=48_000, layout="mono") for _ in range(2)]
        for number in range(25):
            frame = av.VideoFrame.from_ndarray(np.full((*SIZE[::-1], 3), 90, np.uint8))
            frame.pts = number
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        for track in tracks:
            block = av.AudioFrame.from_ndarray(np.full((1, 48_000), 12_000, np.int16), "s16", "mono")
            block.sample_rate, block.pts, block.time_base = 48_000, 0, Fraction(1, 48_000)
            container.mux(track.encode(block))
    data = path.read_bytes()
    path.write_bytes(data.replace(b"A_PCM/INT/LIT", b"A_XYZ/INT/LIT", 1))
    found = probe(path)
    assert (found.frames, found.channels) == (25, 1)
    assert found.remarks == ("its sound track 1 cannot be decoded", "track 2 is used")
    assert abs(np.abs(read_sound(path)).max() - 12_000 / 32_768) < 0.01
    path.write_bytes(data.replace(b"A_PCM/INT/LIT", b"A_XYZ/INT/LIT"))
    found = probe(path)
    assert (found.frames, found.channels) == (25, 0)
    assert found.remarks[-1] == "it is used without sound"


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.mov"])
def test_the_tracks_that_a_file_marks_are_played_and_the_others_told(tmp_path: Path, name: str) -> None:
    with av.open(str(tmp_path / name), "w") as container:
        tracks = [container.add_stream("mpeg4", rate=25) for _ in range(2)]
        sounds = [container.add_stream("aac", rate=48_000, layout="mono") for _ in range(2)]
        for track in tracks:
            track.width, track.height = SIZE
        for stream in (tracks[1], sounds[1]):
            stream.disposition = Disposition.default
        for track, grey in zip(tracks, (50, 200), strict=True):
            frame = av.VideoFrame.from_ndarray(np.full((*SIZE[::-1], 3), grey, np.uint8))
            frame.pts = 0
            container.mux([*track.encode(frame), *track.encode(None)])
        for track, height in zip(sounds, (0.1, 0.5), strict=True):
            wave = height * np.sin(np.arange(1024, dtype=np.float32) / 9)[None]
            block = av.AudioFrame.from_ndarray(wave, "fltp", "mono")
            block.sample_rate, block.pts = 48_000, 0
            container.mux([*track.encode(block), *track.encode(None)])
    assert greys_of(tmp_path / name)[0] == pytest.approx(200, abs=3)
    assert np.abs(read_sound(tmp_path / name)).max() > 0.3
    remarks = ("it has 2 tracks of pictures: track 2 is shown", "it has 2 sound tracks: track 2 is used")
    assert probe(tmp_path / name).remarks[:2] == remarks


_CUT = ["a.wav", "a.flac", "a.ogg", "a.mp3", "a.aiff", "a.mp4", "a.au", "a.caf", "a.w64", "a.rf64"]


@pytest.mark.parametrize(("name", "codec"), [("a.flv", "flv"), ("a.wmv", "wmv2"), ("a.avi", "mpeg4")])
def test_a_film_cut_in_half_is_told(tmp_path: Path, name: str, codec: str) -> None:
    path = film(tmp_path / name, range(60, 120), codec=codec)
    assert probe(path).frames == 60
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(MediaError, match="cut short"):
        probe(path)


@pytest.mark.parametrize("name", _CUT)
def test_music_cut_in_half_is_told_before_the_work(tmp_path: Path, name: str) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 48_000).astype(np.float32)
    path = tmp_path / name
    if name == "a.mp4":
        write_clip(path, np.zeros((1, 8, 8, 3), np.uint8), Fraction(24), Sound(noise[:, None], 48_000))
    else:
        soundfile.write(path, noise, 48_000)
    require_usable(path, "sound")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(MediaError, match=r"cut short|not a picture, film or sound"):
        require_usable(path, "sound")


def holed(path: Path, at: float, count: int = 300) -> None:
    """Write zeros over a part of a file that begins at this share of it."""
    data = bytearray(path.read_bytes())
    start = int(len(data) * at)
    data[start : start + count] = bytes(count)
    path.write_bytes(data)


@pytest.mark.parametrize("name", ["a.mp3", "a.m4a"])
def test_damage_in_sound_is_told_before_the_work_and_the_rest_is_heard(tmp_path: Path, name: str) -> None:
    times = np.arange(144_000) / 48_000
    tone = (0.3 * np.sin(2 * np.pi * 440 * times)).astype(np.float32)
    path = tmp_path / name
    if name == "a.mp3":
        soundfile.write(path, tone, 48_000)
    else:
        write_sound(path, tone)
    holed(path, 0.5, 400)
    told = [remark for remark in require_usable(path, "sound") if "damaged" in remark]
    assert [remark.partition(" at ")[2][:1] for remark in told] == ["1"]
    sound = read_sound(path)[:, 0]
    assert abs(len(sound) / 48_000 - 3) < (0.06 if name == "a.m4a" else 0.2)  # an MP3 has no time stamps
    assert np.abs(sound[:48_000]).max() > 0.2
    assert np.abs(sound[-48_000:-9600]).max() > 0.2


def write_sound(path: Path, samples: np.ndarray) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None], "fltp", "mono")
        frame.sample_rate = 48_000
        container.mux([*stream.encode(frame), *stream.encode(None)])


@pytest.mark.parametrize("name", ["a.mkv", "a.webm"])
def test_a_film_of_which_a_part_cannot_be_found_is_damaged(tmp_path: Path, name: str) -> None:
    codec = "libx264" if name == "a.mkv" else "libvpx-vp9"
    path = film(tmp_path / name, [number * 7 % 200 for number in range(60)], codec=codec)
    with open_film(path) as whole:
        assert whole.facts.frames == 60
    holed(path, 0.5)
    for look in (require_usable, probe):
        with pytest.raises(MediaError, match=r"damaged at byte"):
            look(path, "film") if look is require_usable else look(path)


def test_a_frame_that_cannot_be_decoded_is_told(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv", [number * 7 % 200 for number in range(60)], options={"g": "1"})
    with av.open(str(path)) as container:
        packet = next(each for each in container.demux() if each.pts is not None and each.pts >= 1000)
        found = path.read_bytes().find(bytes(packet))
    data = bytearray(path.read_bytes())
    data[found : found + packet.size] = bytes(packet.size)
    path.write_bytes(data)
    assert probe(path).remarks == ("it is damaged 1.0 s after its beginning: the frame before is shown there",)


def test_an_empty_packet_shows_the_frame_before_it() -> None:
    """Theora in Ogg, from ffmpeg: three grey frames and three white ones, of which two packets are not empty."""
    with open_film(CASES / "repeats.ogv") as found:
        assert found.facts.duration == Fraction(6, 25)
        shown = [round(float(np.median(each))) for each in found.pictures(found.facts.shown_at(Fraction(25)))]
    assert np.abs(np.array(shown) - [128, 128, 128, 255, 255, 255]).max() <= 3


def test_sound_of_no_samples_or_no_numbers_is_told_before_the_work(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "none.wav", np.zeros(0, np.float32), 48_000)
    with pytest.raises(MediaError, match=r"none\.wav"):
        require_usable(tmp_path / "none.wav", "sound")
    samples = np.zeros(96_000, np.float32)
    samples[90_000] = np.nan
    soundfile.write(tmp_path / "nan.wav", samples, 48_000, subtype="FLOAT")
    with pytest.raises(MediaError, match="not numbers"):
        require_usable(tmp_path / "nan.wav", "sound")


# -- their neighbours: pictures --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["avif", "heic"])
def test_pictures_of_phones_are_read(tmp_path: Path, kind: str) -> None:
    image = Image.new("RGB", (64, 48), (200, 80, 40))
    read_picture(CASES / "H_alpha.png")  # knows HEIC from here on
    image.save(tmp_path / f"a.{kind}", quality=95)
    found = read_picture(tmp_path / f"a.{kind}")
    assert found.shape == (1, 48, 64, 3)
    assert np.abs(found[0, 20, 20].astype(int) - (200, 80, 40)).max() <= 4


@pytest.mark.parametrize("kind", ["avif", "heic"])
def test_a_damaged_picture_of_a_phone_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    read_picture(CASES / "H_alpha.png")  # knows HEIC from here on
    Image.new("RGB", (96, 96), (200, 80, 40)).save(path)
    data = path.read_bytes()
    start = data.index(b"mdat") + 4
    path.write_bytes(data[:start] + b"\xff" * (len(data) - start))
    with pytest.raises(MediaError, match="not a picture that sora can read"):
        require_usable(path, "picture")


def test_a_profile_is_applied_beside_transparency(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.new("RGBA", (32, 32), (10, 200, 30, 128)).save(tmp_path / "a.png", icc_profile=profile)
    found = read_picture(tmp_path / "a.png")[0, 5, 5].astype(int)
    assert np.abs(found - (132, 227, 142)).max() <= 2


def coded(path: Path, primaries: int, transfer: int) -> Path:
    """A picture of one colour that names its colours by code points (ITU-T H.273)."""
    image = Image.new("RGB", (32, 32), (200, 100, 50))
    if path.suffix == ".png":
        info = PngImagePlugin.PngInfo()
        info.add(b"cICP", bytes((primaries, transfer, 0, 1)))
        image.save(path, pnginfo=info)
    else:
        image.save(path, quality=100, subsampling="4:4:4")
        head, mark, rest = path.read_bytes().partition(b"colrnclx")
        path.write_bytes(head + mark + bytes((0, primaries, 0, transfer)) + rest[4:])
    return path


@pytest.mark.parametrize("name", ["a.png", "a.avif"])
def test_a_picture_that_names_its_colours_without_a_profile(tmp_path: Path, name: str) -> None:
    found = read_picture(coded(tmp_path / name, 12, 13))[0, 5, 5].astype(int)
    assert np.abs(found - (215, 93, 31)).max() <= 2  # Display P3: by the matrix of its primaries
    found = read_picture(coded(tmp_path / name, 1, 13))[0, 5, 5].astype(int)
    assert np.abs(found - (200, 100, 50)).max() <= 2
    for transfer in (8, 16, 18):
        with pytest.raises(MediaError, match="high dynamic range"):
            require_usable(coded(tmp_path / name, 9, transfer), "picture")


P3 = (31_270, 32_900, 68_000, 32_000, 26_500, 69_000, 15_000, 6_000)


@pytest.mark.parametrize("more", [b"", b"sRGB", b"gAMA"])
def test_a_picture_that_tells_the_points_of_its_primaries(tmp_path: Path, more: bytes) -> None:
    info = PngImagePlugin.PngInfo()
    info.add(b"cHRM", struct.pack(">8I", *P3))
    if more:
        info.add(more, b"\0" if more == b"sRGB" else (100_000).to_bytes(4, "big"))
    Image.new("RGB", (32, 32), (200, 100, 50)).save(tmp_path / "a.png", pnginfo=info)
    found = read_picture(tmp_path / "a.png")[0, 5, 5].astype(int)
    shown = {b"": (215, 93, 31), b"sRGB": (200, 100, 50), b"gAMA": (229, 168, 122)}[more]
    assert np.abs(found - shown).max() <= 2


@pytest.mark.parametrize(
    ("gamma", "more", "shown"),
    [(1.0, b"", 188), (0.55556, b"", 146), (0.45455, b"", 128), (1.0, b"sRGB", 128), (0.0, b"", 128)],
)
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
def test_a_picture_is_shown_by_its_gamma_where_nothing_else_tells(
    tmp_path: Path, mode: str, gamma: float, more: bytes, shown: int
) -> None:
    info = PngImagePlugin.PngInfo()
    info.add(b"gAMA", round(gamma * 100_000).to_bytes(4, "big"))
    if more:
        info.add(more, b"\0")
    Image.new(mode, (32, 32), 128 if mode == "L" else (128, 128, 128)).save(tmp_path / "a.png", pnginfo=info)
    assert np.abs(read_picture(tmp_path / "a.png")[0, 5, 5].astype(int) - shown).max() <= 1


@pytest.mark.parametrize("size", [(1, 100_000), (100_000, 1), (20, 2000)])
def test_a_picture_that_is_none_is_refused_before_it_is_decoded(tmp_path: Path, size: tuple[int, int]) -> None:
    Image.new("RGB", size).save(tmp_path / "a.png")
    with pytest.raises(MediaError, match="too long and narrow"):
        require_usable(tmp_path / "a.png", "picture")
    with pytest.raises(MediaError, match="too long and narrow"):
        read_frames(tmp_path / "a.png", 0, 1)


def test_a_reference_too_small_to_see_and_a_huge_one_are_refused(tmp_path: Path) -> None:
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    with pytest.raises(MediaError, match="too small"):
        require_usable(tmp_path / "dot.png", "picture", for_model=True)
    require_usable(tmp_path / "dot.png", "picture")
    data = io.BytesIO()
    Image.new("1", (30_000, 20_000)).save(data, "PNG")
    (tmp_path / "huge.png").write_bytes(data.getvalue())
    with pytest.raises(MediaError, match="too large"):
        require_usable(tmp_path / "huge.png", "picture")


# -- their neighbours: containers and codecs --------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "codec"), [
    ("a.avi", "mpeg4"), ("a.mpg", "mpeg2video"), ("a.ts", "mpeg2video"), ("a.flv", "flv"), ("a.mxf", "mpeg2video"),
    ("a.webm", "libvpx"), ("b.webm", "libvpx-vp9"), ("a.h264", "libx264"), ("a.nut", "ffv1"), ("a.mkv", "libx264"),
])  # fmt: skip
def test_each_frame_is_found_by_its_number_in_every_container(tmp_path: Path, name: str, codec: str) -> None:
    options = {"x264-params": "open-gop=1:keyint=10:bframes=3:scenecut=0"} if codec == "libx264" else {}
    path = film(tmp_path / name, range(40, 70), codec=codec, options=options)
    with open_film(path) as found:
        assert (found.facts.frames, found.facts.fps, found.facts.variable) == (30, 25, False)
        for number in (17, 0, 29, 3):
            assert abs(float(np.median(found.read(number, 1))) - (40 + number)) <= 3


@pytest.mark.parametrize(("name", "codec", "pixels"), [
    ("a.mov", "prores_ks", "yuva444p10le"), ("a.webm", "libvpx-vp9", "yuva420p"), ("a.mkv", "ffv1", "yuva420p"),
])  # fmt: skip
def test_transparent_films_of_every_codec_show_white(tmp_path: Path, name: str, codec: str, pixels: str) -> None:
    half = np.zeros((48, 64, 4), np.uint8)
    half[..., 0], half[:, :32, 3] = 255, 255
    with av.open(str(tmp_path / name), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = *SIZE, pixels
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(half, format="rgba")))
        container.mux(stream.encode(None))
    with open_film(tmp_path / name) as found:
        for picture in found.read(0, 5):
            assert np.abs(picture[20, 10].astype(int) - (255, 0, 0)).max() <= 3
            assert picture[20, 50].min() >= 253
        assert "transparent" in found.facts.remarks[0]


def test_what_is_opaque_in_a_film_with_transparency_is_shown_in_every_row(tmp_path: Path) -> None:
    """libswscale left half of the last row of each of its slices empty: white dashes in three places of an HD film."""
    for size in (SIZE, (1280, 720), (37, 21)):
        with av.open(str(tmp_path / "a.mkv"), "w") as container:
            stream = container.add_stream("ffv1", rate=25)
            stream.width, stream.height, stream.pix_fmt = *size, "bgra"
            grey = np.full((*size[::-1], 4), (90, 90, 90, 255), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgba")))
            container.mux(stream.encode(None))
        picture = read_frames(tmp_path / "a.mkv", 0, 1)[0]
        assert np.abs(picture.astype(int) - 90).max() <= 1, size


def test_transparency_in_a_second_layer_of_hevc_shows_white(tmp_path: Path) -> None:
    """As Apple's programs write it: libav's decoder showed the colours that are hidden, in silence.

    The first film is red and transparent on its right; the second one is grey and transparent by half, whose colours
    may be told to be multiplied by that.
    """
    with open_film(CASES / "hevc_alpha.mov") as found:
        assert TRANSPARENT in found.facts.remarks
        for number in (0, 4, 2):
            (picture,) = found.read(number, 1)
            assert np.abs(picture[20, 28].astype(int) - (255, 0, 0)).max() <= 3
            assert picture[20, 36].min() >= 253
    data, told = (CASES / "hevc_half.mov").read_bytes(), b"\x4e\x01\xa5\x04"
    assert data.count(told + b"\0") == 1
    (tmp_path / "multiplied.mov").write_bytes(data.replace(told + b"\0", told + b"\x10"))
    grey = (110 - 16) / 219 * 255
    for path, right in ((CASES / "hevc_half.mov", (grey + 255) / 2), (tmp_path / "multiplied.mov", grey + 255 / 2)):
        assert np.abs(read_frames(path, 0, 1) - right).max() <= 2
    (tmp_path / "lost.mov").write_bytes(data.replace(b"\x42\x09\x01\x01", b"\x42\x01\x01\x01"))
    with pytest.raises(UnusableFile, match="what is transparent in it cannot be decoded"):
        read_frames(tmp_path / "lost.mov", 0, 1)


def test_a_second_layer_is_decoded_whatever_is_told_of_it_and_in_full_range_too(tmp_path: Path) -> None:
    """What Apple's encoders tell of it in the stream's first unit libav 8.1 cannot parse, and showed nothing at all."""
    data = (CASES / "hevc_alpha.mov").read_bytes()
    layers, sequence = data.index(b"\x40\x01\x0c\x11\xff\xff"), data.index(b"\x42\x01\x01\x01\x60")
    for at, bit, red in ((layers + 30, 2, 254), (layers + 29, 4, 254), (sequence + 28, 4, 238)):
        changed = bytearray(data)
        changed[at] ^= bit
        (tmp_path / "a.mov").write_bytes(changed)
        with open_film(tmp_path / "a.mov") as found:
            for number in (0, 4, 2):
                (picture,) = found.read(number, 1)
                assert abs(int(picture[20, 28, 0]) - red) <= 2
                assert picture[20, 36].min() >= 253


@pytest.mark.parametrize(("primaries", "matrix"), [
    (9, [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]]),
    (12, [[1.2249, -0.2247, 0.0], [-0.0420, 1.0419, 0.0], [-0.0197, -0.0786, 1.0979]]),
    (6, [[0.9395, 0.0502, 0.0103], [0.0178, 0.9658, 0.0164], [-0.0016, -0.0044, 1.0060]]),
    (5, [[1.0440, -0.0440, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0118, 0.9882]]),
])  # fmt: skip
def test_colours_of_other_primaries_are_as_published(tmp_path: Path, primaries: int, matrix: list[list[float]]) -> None:
    """The matrices are those of ITU-R BT.2087, and of SMPTE RP 177's rule; a screen's gamma is 2.4 (BT.1886)."""
    coded = (120, 170, 100)
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "bgr0"
        stream.codec_context.color_primaries, stream.codec_context.color_trc = primaries, 1
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((48, 64, 3), coded, np.uint8))))
        container.mux(stream.encode(None))
    light = np.array(matrix) @ (np.array(coded) / 255) ** 2.4
    wanted = np.clip(light, 0, 1) ** (1 / 2.4) * 255
    assert np.abs(read_frames(tmp_path / "a.mkv", 0, 1)[0, 20, 20] - wanted).max() <= 1.5
