"""Stitch, grade and stamp: whatever is put in, a right film or a clear error comes out."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
from PIL import Image

from sora_cli import stamp
from sora_cli.cancel import Cancellation
from sora_cli.colour.cube import read_cube
from sora_cli.errors import MediaError, RequestError, SoraError, StampError
from sora_cli.events import Recording
from sora_cli.flows import edit
from sora_cli.media.deliveries import DELIVERIES
from sora_cli.media.read import open_film, probe, read_frames, read_sound
from sora_cli.storyboard.model import Provenance

SIZE = (192, 128)
RATE = Fraction(24)


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))


def way(**changes: Any) -> edit.EditOptions:
    return edit.EditOptions(report=Recording(), cancel=Cancellation(), **changes)


def film(
    path: Path, greys: Sequence[int], *, size: tuple[int, int] = SIZE, rate: Fraction = RATE, pixels: str = "yuv420p",
    times: Sequence[int] = (), rotate: int = 0, layout: str = "", half: bool = False, transfer: int = 0,
    aspect: Fraction | None = None, codec: str = "libx264", options: dict[str, str] | None = None,
    video: dict[str, str] | None = None,
) -> Path:  # fmt: skip
    """A film of flat frames in these greys; with `half`, their left half is red. Sound is a 440 Hz tone at -12 dB."""
    with av.open(str(path), "w", options=options or {}) as container:
        video = container.add_stream(codec, rate=rate, options=video or {})
        video.width, video.height, video.pix_fmt = *size, pixels
        context = video.codec_context
        context.color_primaries = context.color_trc = context.colorspace = 1
        if transfer:
            context.color_primaries, context.color_trc, context.colorspace = 9, transfer, 9
        if rotate:
            video.set_display_rotation(rotate)
        if aspect:
            context.sample_aspect_ratio = aspect
        audio = container.add_stream("aac", rate=48_000, layout=layout) if layout else None
        for number, grey in enumerate(greys):
            frame = video_frame(size, grey, half=half)
            frame.pts, frame.time_base = (times[number] if times else number), 1 / rate
            container.mux(video.encode(frame))
        container.mux(video.encode())
        if audio is not None:
            channels = {"mono": 1, "stereo": 2, "5.1": 6}[layout]
            count = round(len(greys) / rate * 48_000)
            wave = (0.25 * np.sin(np.arange(count) * 2 * np.pi * 440 / 48_000)).astype(np.float32)
            block = av.AudioFrame.from_ndarray(wave.repeat(channels)[None], format="flt", layout=layout)
            block.sample_rate, block.pts, block.time_base = 48_000, 0, Fraction(1, 48_000)
            for part in av.AudioResampler(format="fltp", layout=layout, rate=48_000, frame_size=1024).resample(block):
                container.mux(audio.encode(part))
            container.mux(audio.encode())
    return path


def video_frame(size: tuple[int, int], grey: int, *, half: bool) -> av.VideoFrame:
    pixels = np.full((size[1], size[0], 3), grey, np.uint8)
    if half:
        pixels[:, : size[0] // 2] = (220, 20, 20)
    frame = av.VideoFrame.from_ndarray(pixels)
    frame.colorspace = 1
    return frame


def shown(path: Path) -> list[int]:
    """The grey of each frame; the mark is off its median."""
    return [round(float(np.median(frame))) for frame in read_frames(path, 0, probe(path).frames)]


def near(found: Sequence[int], wanted: Sequence[int]) -> bool:
    return len(found) == len(wanted) and max(abs(a - b) for a, b in zip(found, wanted, strict=True)) <= 3


GREYS = list(range(40, 88, 4))


@pytest.fixture
def first(tmp_path: Path) -> Path:
    return film(tmp_path / "first.mp4", GREYS)


def test_films_one_after_the_other(tmp_path: Path, first: Path) -> None:
    second = film(tmp_path / "second.mp4", [200] * 12)
    made = edit.stitch([first, second, first], tmp_path / "out.mp4", way(provenance=Provenance("Jane Doe")))
    assert near(shown(tmp_path / "out.mp4"), [*GREYS, *[200] * 12, *GREYS])
    assert (made.frames, made.seconds) == (36, 1.5)
    verdict = stamp.verify(tmp_path / "out.mp4")
    assert verdict.ok
    assert (verdict.author, verdict.source) == ("Jane Doe", "composite")
    assert [part.name for part in verdict.parts] == ["first.mp4", "second.mp4", "first.mp4"]
    assert [part.start for part in verdict.parts] == [0, 0.5, 1]
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert [chapter["metadata"]["title"] for chapter in container.chapters()] == ["1 first", "2 second", "3 first"]


def test_transitions_overlap(tmp_path: Path, first: Path) -> None:
    second = film(tmp_path / "second.mp4", [200] * 12)
    edit.stitch([first, second], tmp_path / "out.mp4", way(), transition="dissolve 0.25s")
    found = shown(tmp_path / "out.mp4")
    assert near(found[:6], GREYS[:6])
    assert near(found[12:], [200] * 6)
    assert found[5:13] == sorted(found[5:13])
    for wrong in ("dissolve 1s", "melt 1s"):
        with pytest.raises(RequestError, match=r"too long|not a transition"):
            edit.stitch([first, second], tmp_path / "no.mp4", way(), transition=wrong)


def test_rates_and_sizes_become_the_first_ones_or_those_given(tmp_path: Path, first: Path) -> None:
    slow = film(tmp_path / "slow.mp4", [100, 120, 140], size=(96, 96), rate=Fraction(12))
    edit.stitch([first, slow], tmp_path / "out.mp4", way())
    known = probe(tmp_path / "out.mp4")
    assert (known.width, known.height, known.fps) == (*SIZE, RATE)
    assert near(shown(tmp_path / "out.mp4")[12:], [100, 100, 120, 120, 140, 140])
    edit.stitch([slow, first], tmp_path / "two.mp4", way(), size="320x180", fps="29.97", fit="fit")
    known = probe(tmp_path / "two.mp4")
    assert (known.width, known.height, known.fps) == (320, 180, Fraction(30000, 1001))
    assert known.frames == round(Fraction(3, 12) * known.fps) + round(Fraction(12, 24) * known.fps)
    bars = read_frames(tmp_path / "two.mp4", 2, 1)[0]
    assert bars[:, 20].max() <= 4 or bars[:, 300].max() <= 4


# -- whatever is put in --------------------------------------------------------------------------------------------


def test_a_changing_rate_is_shown_at_its_times(tmp_path: Path, first: Path) -> None:
    jumpy = film(tmp_path / "vfr.mp4", [100, 120, 140, 160, 180], times=[0, 1, 4, 6, 7])
    edit.stitch([first, jumpy], tmp_path / "out.mp4", way())
    assert near(shown(tmp_path / "out.mp4")[12:], [100, 120, 120, 120, 140, 140, 160, 180])


@pytest.mark.parametrize("rotate", [90, -90, 180])
def test_a_turned_film_stands_upright(tmp_path: Path, first: Path, rotate: int) -> None:
    turned = film(tmp_path / "turned.mp4", [90] * 3, rotate=rotate, half=True)
    edit.stitch([first, turned], tmp_path / "out.mp4", way())
    frame = read_frames(tmp_path / "out.mp4", 13, 1)[0].astype(int)
    red = {90: frame[96:], -90: frame[:32], 180: frame[:, 128:]}[rotate]
    other = {90: frame[:32], -90: frame[96:], 180: frame[:, :64]}[rotate]
    assert np.median(red[..., 0] - red[..., 1]) > 150
    assert abs(np.median(other[..., 0] - other[..., 1])) < 10


@pytest.mark.parametrize(
    "given",
    [
        {"size": (191, 127), "pixels": "yuv444p"},
        {"pixels": "yuv444p"},
        {"pixels": "yuv422p10le"},
        {"pixels": "yuv420p10le"},
        {"aspect": Fraction(4, 3), "size": (144, 128)},
        {"codec": "mpeg4"},
    ],
    ids=["odd", "444", "422-10", "420-10", "wide-pixels", "mpeg4"],
)
def test_pictures_of_every_kind(tmp_path: Path, first: Path, given: dict[str, Any]) -> None:
    other = film(tmp_path / "other.mp4", GREYS, **given)
    for clips, name in (([first, other], "second.mp4"), ([other, first], "first-one.mp4")):
        edit.stitch(clips, tmp_path / name, way())
        assert near(shown(tmp_path / name), GREYS * 2)
    known = probe(tmp_path / "first-one.mp4")
    assert (known.width, known.height) == ((190, 126) if given.get("size") == (191, 127) else SIZE)


@pytest.mark.parametrize("layout", ["mono", "stereo", "5.1"])
def test_sound_of_every_layout(tmp_path: Path, first: Path, layout: str) -> None:
    loud = film(tmp_path / "loud.mp4", [90] * 48, layout=layout)
    edit.stitch([first, loud], tmp_path / "out.mp4", way())
    assert probe(tmp_path / "out.mp4").channels == 2
    heard = read_sound(tmp_path / "out.mp4")
    assert np.abs(heard[:22_000]).max() < 0.01
    middle = heard[50_000:98_000]
    spectrum = np.abs(np.fft.rfft(middle[:, 0]))
    assert abs(int(spectrum.argmax()) - 440) <= 1
    assert np.abs(middle).max() > 0.2
    assert np.abs(middle[:, 0] - middle[:, 1]).max() < 0.06  # AAC codes the two sides apart


@pytest.mark.parametrize("name", ["a.mkv", "a.ts", "a.avi", "a.mov", "a.gif"])
def test_other_containers(tmp_path: Path, first: Path, name: str) -> None:
    codec, pixels = ("gif", "rgb8") if name == "a.gif" else ("mpeg4", "yuv420p")
    other = film(tmp_path / name, [255] * 6, codec=codec, pixels=pixels, rate=Fraction(25))
    edit.stitch([first, other], tmp_path / "out.mp4", way())
    assert near(shown(tmp_path / "out.mp4"), [*GREYS, *[255] * 6])


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.avi", "a.gif", "fast.mp4"])
@pytest.mark.parametrize("share", [0.97, 0.7, 0.3])
def test_a_film_cut_short_is_refused(tmp_path: Path, first: Path, name: str, share: float) -> None:
    rng = np.random.default_rng(0)
    codec, pixels = ("gif", "rgb8") if name == "a.gif" else ("mpeg4", "yuv420p")
    options = {"movflags": "+faststart"} if name == "fast.mp4" else {}
    greys = [int(grey) for grey in rng.integers(0, 255, 96)]
    whole = film(tmp_path / name, greys, codec=codec, pixels=pixels, options=options)
    data, wanted = whole.read_bytes(), shown(whole)
    whole.write_bytes(data[: int(len(data) * share)])
    if share == 0.97 and name in {"a.avi", "a.mkv"}:  # what is cut off is the index: every frame is there
        edit.stitch([first, whole], tmp_path / "out.mp4", way())
        assert near(shown(tmp_path / "out.mp4"), [*GREYS, *wanted])
    else:
        refused(tmp_path, [first, whole], "cut short|damaged|cannot read|no frame|no picture")


def refused(folder: Path, clips: Sequence[Path], why: str, kind: type[SoraError] = MediaError) -> None:
    before = sorted(path.name for path in folder.iterdir())
    with pytest.raises(kind, match=why) as caught:
        edit.stitch(clips, folder / "no.mp4", way())
    assert caught.value.hint
    assert sorted(path.name for path in folder.iterdir()) == before


def test_what_is_no_film_is_refused(tmp_path: Path, first: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "words.mp4").write_text("this is not a film\n" * 99)
    (tmp_path / "sidecar.json").write_text(json.dumps({"takes": ["x"] * 9000}, indent=1))
    Image.new("RGB", (64, 64)).save(tmp_path / "picture.png")
    shutil.copy(tmp_path / "picture.png", tmp_path / "picture.mp4")
    soundfile.write(tmp_path / "sound.wav", np.zeros(4800, np.float32), 48_000)
    shutil.copy(tmp_path / "sound.wav", tmp_path / "sound.mp4")
    with av.open(str(tmp_path / "none.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        container.start_encoding()
    for name, why in {
        "empty.mp4": "empty", "words.mp4": "not a picture, film or sound",
        "sidecar.json": "not a picture, film or sound", "picture.png": "it is a picture",
        "picture.mp4": "it is a picture", "sound.mp4": "it is a sound", "missing.mp4": "no such file",
        "none.mp4": "no frame|neither pictures", ".": "is a folder",
    }.items():  # fmt: skip
        refused(tmp_path, [first, tmp_path / name], why)


@pytest.mark.parametrize("transfer", [16, 18])
def test_high_dynamic_range_is_refused(tmp_path: Path, first: Path, transfer: int) -> None:
    hdr = film(tmp_path / "hdr.mp4", [90] * 3, pixels="yuv420p10le", transfer=transfer)
    refused(tmp_path, [first, hdr], "high dynamic range")
    with pytest.raises(MediaError, match="high dynamic range"):
        edit.mark(hdr, tmp_path / "no.mp4", way())
    with pytest.raises(MediaError, match=r"hdr\.mp4: it is in high dynamic range"):
        edit.grade(first, tmp_path / "no.mp4", way(), match=str(hdr))


def test_a_name_that_lies(tmp_path: Path, first: Path) -> None:
    film(tmp_path / "a.mkv", [200] * 6)
    lies = (tmp_path / "a.mkv").rename(tmp_path / "lies.mp4")
    refused(tmp_path, [first, lies], r"not what its ending says: it is matroska")
    with pytest.raises(MediaError, match="not what its ending says"):
        edit.mark(lies, tmp_path / "no.mp4", way())


def test_a_film_is_never_written_over_its_own_clip(tmp_path: Path, first: Path) -> None:
    before = first.read_bytes()
    with pytest.raises(RequestError, match="one of the sources"):
        edit.stitch([first, first], first, way())
    with pytest.raises(RequestError, match=r"must end in \.mp4"):
        edit.stitch([first, first], tmp_path / "out.mov", way())
    assert first.read_bytes() == before


def test_a_clip_whose_credential_is_broken_is_refused(tmp_path: Path, first: Path) -> None:
    made = edit.mark(first, tmp_path / "marked.mp4", way()).path
    assert made is not None
    data = bytearray(made.read_bytes())
    data[-2000] ^= 1
    (tmp_path / "broken.mp4").write_bytes(data)
    for clips in ([made, first], [first, tmp_path / "broken.mp4"]):
        broken = "broken.mp4" in clips[1].name
        if broken:
            with pytest.raises(StampError, match="broken credential"):
                edit.stitch(clips, tmp_path / "no.mp4", way())
        else:
            edit.stitch(clips, tmp_path / "out.mp4", way())
            assert stamp.verify(tmp_path / "out.mp4").ok


# -- grade, stamp, deliveries --------------------------------------------------------------------------------------


def scene(path: Path, gain: Sequence[float]) -> Path:
    """A film of a still, many-coloured picture under a light of its own."""
    tiles = np.random.default_rng(5).integers(30, 180, (8, 12, 3))
    picture = np.clip(tiles.repeat(16, 0).repeat(16, 1) * gain, 0, 255).astype(np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"crf": "5"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv444p"
        for number in range(12):
            frame = av.VideoFrame.from_ndarray(picture)
            frame.pts, frame.time_base = number, Fraction(1, 24)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def test_a_film_is_graded_to_a_film_a_picture_and_a_lut(tmp_path: Path) -> None:
    warm, plain = scene(tmp_path / "warm.mp4", (1.25, 1.0, 0.75)), scene(tmp_path / "plain.mp4", (1, 1, 1))
    aim = read_frames(plain, 3, 1).astype(float)
    Image.fromarray(aim[0].astype(np.uint8)).save(tmp_path / "aim.png")
    before = np.abs(read_frames(warm, 3, 1) - aim).mean()
    made = edit.grade(warm, tmp_path / "a.mp4", way(), match=str(plain), lut=tmp_path / "cool.cube")
    assert made.lut == tmp_path / "cool.cube"
    assert stamp.verify(tmp_path / "a.mp4").ok
    assert "c2pa.adjustedColor" in stamp.verify(tmp_path / "a.mp4").actions
    edit.grade(warm, tmp_path / "b.mp4", way(), match=str(tmp_path / "aim.png"))
    edit.grade(warm, tmp_path / "c.mp4", way(), match=str(tmp_path / "cool.cube"))
    for name in ("a.mp4", "b.mp4", "c.mp4"):
        graded = read_frames(tmp_path / name, 3, 1)
        assert np.median(np.abs(graded - aim)) < 0.35 * before, name
    full = read_cube(tmp_path / "cool.cube")
    assert full[16, 16, 16, 0] < full[16, 16, 16, 2]
    edit.grade(warm, None, way(), match=str(plain), lut=tmp_path / "alone.cube")
    assert (read_cube(tmp_path / "alone.cube") == full).all()


def test_grading_asks_for_what_it_needs(tmp_path: Path, first: Path) -> None:
    for out, match, why in ((None, str(first), "nothing to make"), (tmp_path / "a.mp4", "off", "not a file"),
                            (tmp_path / "a.mp4", "none.png", "no such file")):  # fmt: skip
        with pytest.raises(RequestError, match=why):
            edit.grade(first, out, way(), match=match)


@pytest.mark.parametrize("name", ["frames", "webp"])
def test_pictures_one_after_the_other_are_what_they_say(tmp_path: Path, name: str) -> None:
    clip = film(tmp_path / "in.mp4", GREYS, layout="stereo", rate=Fraction(12))
    made = edit.stitch([clip, clip], tmp_path / f"out.{name}", way(deliver=name))
    assert made.path is not None
    with open_film(made.path) as found:
        facts, pictures = found.facts, [round(float(np.median(each))) for each in found.pictures(range(24))]
    assert (facts.width, facts.height, facts.frames, facts.fps) == (*SIZE, 24, 12)
    if name == "frames":
        assert near(pictures, GREYS * 2)
        heard = probe(made.path / "sound.wav")
        assert (heard.codec, heard.rate, heard.channels, heard.duration) == ("pcm_s24le", 48_000, 2, 2)
    assert stamp.verify(made.path).ok
    if name == "frames":
        with pytest.raises(MediaError, match="a folder"):
            edit.stitch([made.path], tmp_path / "again.mp4", way())
    else:
        again = edit.stitch([made.path], tmp_path / "again.mp4", way())
        assert (again.frames, again.seconds) == (24, 2.0)


@pytest.mark.parametrize("name", sorted({*DELIVERIES} - {"frames", "webp"}))
def test_every_delivery_is_what_it_says(tmp_path: Path, name: str) -> None:
    kind = DELIVERIES[name]
    clip = film(tmp_path / "in.mp4", GREYS, layout="stereo", rate=Fraction(12))
    made = edit.stitch([clip, clip], tmp_path / f"out{kind.suffix}", way(deliver=name))
    assert made.path is not None
    known = probe(made.path)
    assert (known.width, known.height, known.frames) == (*SIZE, 24)
    assert abs(float(known.fps or 0) - 12) < 0.1
    codecs = {"web": ("h264", "aac"), "prores": ("prores", "pcm_s24le"), "archive": ("ffv1", "flac"),
              "av1": ("av1", "aac"), "gif": ("gif", "")}  # fmt: skip
    decoders = {"libdav1d": "av1", "libaom-av1": "av1"}
    assert (decoders.get(known.codec, known.codec), known.sound_codec) == codecs[name]
    if name != "gif":
        assert known.color.transfer in {"bt709", ""}
        assert near(shown(made.path), GREYS * 2)
    assert (made.credential is not None) == (not kind.signable)
    assert stamp.verify(made.path).ok
    by_another = shutil.which("ffprobe")
    if by_another:
        asked = [by_another, "-v", "error", "-of", "json", "-count_frames", "-show_streams", str(made.path)]
        facts = json.loads(subprocess.run(asked, check=True, capture_output=True).stdout)["streams"]
        assert (facts[0]["codec_name"], facts[0]["nb_read_frames"]) == (codecs[name][0], "24")
        heard = [each["codec_name"] for each in facts if each["codec_type"] == "audio"]
        assert heard == [codec for codec in codecs[name][1:] if codec]
        others = {each["codec_type"] for each in facts} - {"video", "audio"}
        assert others <= {"data"}  # the chapters, which MP4 and QuickTime keep as a track of text
