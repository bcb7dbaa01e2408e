"""Films made longer: what was there stays as it is, packet for packet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from msgspec.structs import replace

from sora_cli import stamp
from sora_cli.cli.main import main
from sora_cli.media.film import write_film
from sora_cli.media.parameters import number_of
from sora_cli.media.read import open_film, probe, read_sound
from sora_cli.media.read.sound import sound_track
from sora_cli.media.read.subtitles import read_words
from sora_cli.media.replay import replay
from sora_cli.media.splice import why_not, write_beside
from sora_cli.media.stream import Chapter, Kept, Master, Subtitle
from tests.boards import catalogue
from tests.test_film import Greys
from tests.test_tools import film, near, shown

SIZE = (64, 48)
GREYS = list(range(40, 88, 4))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "store"))
    monkeypatch.setattr("sora_cli.engines.catalogue.card", catalogue(native_size=(48, 32), size_step=16))
    monkeypatch.setattr("sora_cli.engines.catalogue.open_engine", lambda card, **_: Greys(card))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def packets(path: Path, kind: str) -> list[bytes]:
    with av.open(str(path)) as container:
        streams = getattr(container.streams, kind)[:1]
        return [bytes(packet) for packet in container.demux(streams) if packet.dts is not None] if streams else []


@pytest.mark.parametrize("before", [False, True], ids=["after", "before"])
@pytest.mark.parametrize("layout", ["", "stereo"], ids=["silent", "with sound"])
@pytest.mark.parametrize("frames", [0, 1, 3], ids=["no pictures held back", "one", "several"])
def test_what_was_there_is_the_same_packets(home: Path, layout: str, frames: int, *, before: bool) -> None:
    held = {"x264-params": f"bframes={frames}:b-pyramid=none" if frames == 1 else f"bframes={frames}"}
    old = film(home / "a.mp4", GREYS, size=SIZE, layout=layout, video=held)
    words = ["extend", "a.mp4", "light", "--duration", "0.5s", "-o", "b.mp4", *(["--before"] if before else [])]
    assert main(words) == 0
    grown, found = shown(home / "b.mp4"), probe(home / "b.mp4")
    kept = grown[12:] if before else grown[:12]
    assert near(kept, shown(old))
    assert (len(grown), found.frames, found.variable, found.fps) == (24, 24, False, 24)
    was, now = packets(old, "video"), packets(home / "b.mp4", "video")
    assert (now[-len(was) :] if before else now[: len(was)]) == was
    heard, hears = packets(old, "audio"), packets(home / "b.mp4", "audio")
    assert (hears[len(hears) - len(heard) :] if before else hears[: len(heard)]) == heard
    assert bool(found.channels) == bool(layout)


def test_a_film_that_was_extended_keeps_its_packets_too(home: Path) -> None:
    old = film(home / "0.mp4", GREYS, size=SIZE, layout="stereo", video={"x264-params": "bframes=0"})
    for number, way in enumerate((["--before"], [], [])):
        words = ["extend", f"{number}.mp4", "light", "--duration", "0.5s", "-o", f"{number + 1}.mp4", *way]
        assert main(words) == 0
        was, now = packets(home / f"{number}.mp4", "video"), packets(home / f"{number + 1}.mp4", "video")
        assert (now[-len(was) :] if way else now[: len(was)]) == was, f"the {number + 1}. time"
    grown, found = shown(home / "3.mp4"), probe(home / "3.mp4")
    assert (len(grown), found.frames, found.variable, found.fps) == (48, 48, False, 24)
    assert near(grown[12:24], shown(old))
    heard = read_sound(home / "3.mp4", 48_000)[:, 0]
    assert np.abs(heard[24_000:46_000] - read_sound(old, 48_000)[:22_000, 0]).max() < 1e-3


@pytest.mark.parametrize("before", [False, True], ids=["after", "before"])
def test_the_sound_stays_with_its_pictures(home: Path, *, before: bool) -> None:
    old = film(home / "a.mp4", GREYS, size=SIZE, layout="stereo")
    words = ["extend", "a.mp4", "light", "--duration", "0.5s", "-o", "b.mp4", *(["--before"] if before else [])]
    assert main(words) == 0
    was, now = (read_sound(path, 48_000)[:, 0] for path in (old, home / "b.mp4"))
    start = 24_000 if before else 0
    inner = slice(0 if before else 2048, 20_000)
    assert np.abs(was[inner] - now[start + inner.start : start + inner.stop]).max() < 1e-3
    quiet = now[2048:22_000] if before else now[27_000:46_000]
    assert np.abs(quiet).max() < 1e-3


@pytest.mark.parametrize("how", ["kept", "encoded again"])
@pytest.mark.parametrize("before", [False, True], ids=["after", "before"])
def test_chapters_stay_with_their_pictures(home: Path, how: str, *, before: bool) -> None:
    film(home / "a.mp4", GREYS, size=SIZE)
    master = replace(replay(home / "a.mp4"), chapters=(Chapter("Harbour", 0, 5), Chapter("Pier", 5, 12)))
    write_film(home / "c.mp4", master)
    out, side = ("d.mp4" if how == "kept" else "d.mkv"), ["--before"] if before else []
    assert main(["extend", "c.mp4", "light", "--duration", "0.5s", "-o", out, *side]) == 0
    later = 12 if before else 0
    found = {each.title: (each.start, each.end) for each in replay(home / out).chapters}
    assert (found["Harbour"], found["Pier"]) == ((later, 5 + later), (5 + later, 12 + later))


def test_the_credential_opens_the_film_and_tells_what_was_made(home: Path) -> None:
    film(home / "a.mp4", GREYS, size=SIZE)
    assert main(["stamp", "a.mp4", "-o", "signed.mp4"]) == 0
    assert main(["extend", "signed.mp4", "light", "--duration", "0.5s", "-o", "b.mp4"]) == 0
    proven = stamp.verify(home / "b.mp4")
    assert proven.ok
    assert proven.actions[:2] == ("c2pa.opened", "c2pa.edited")
    assert "c2pa.repackaged" in proven.actions
    assert proven.source == "compositeWithTrainedAlgorithmicMedia"
    assert proven.parameters["prompt"] == "light"
    parents = [part for part in proven.parts if part.relationship == "parentOf"]
    assert [(part.name, part.state) for part in parents] == [("signed.mp4", "whole")]
    takes = [part for part in proven.parts if part.relationship == "componentOf"]
    assert [(take.start, take.end) for take in takes] == [(0.5, 1.0)]


@pytest.mark.parametrize("before", [False, True], ids=["after", "before"])
@pytest.mark.parametrize("how", ["kept", "encoded again"])
def test_subtitles_and_languages_stay_with_their_pictures(home: Path, how: str, *, before: bool) -> None:
    film(home / "a.mp4", GREYS, size=SIZE, layout="stereo")
    words = (Subtitle(0.1, 0.2, "It is still burning."), Subtitle(0.3, 0.5, "Nobody came."))
    told = replace(replay(home / "a.mp4"), subtitles=words, language="eng", sound_language="deu")
    write_film(home / "c.mp4", told)
    out, side = ("d.mp4" if how == "kept" else "d.mkv"), ["--before"] if before else []
    assert main(["extend", "c.mp4", "light", "--duration", "0.5s", "-o", out, *side]) == 0
    found = read_words(probe(home / out))
    seen = [(round(each.start, 2), round(each.end, 2), each.text) for each in found.subtitles]
    later = 0.5 if before else 0
    assert seen == [(each.start + later, each.end + later, each.text) for each in words]
    assert (found.language, sound_track(home / out).language) == ("eng", "deu")


def test_a_films_sound_is_whole_from_its_first_sample_on(home: Path) -> None:
    """Encoders of AAC give other numbers of samples first: Apple's 2,112, so that a packet is under way at 0."""
    film(home / "a.mp4", GREYS, size=SIZE, layout="stereo")
    for samples in (0, -64, 300):
        with av.open("a.mp4") as one, av.open("c.mp4", "w") as other:
            made = {each.index: other.add_stream_from_template(each) for each in one.streams}
            for packet in one.demux():
                if packet.dts is not None and packet.pts is not None:
                    moved = samples if packet.stream.type == "audio" else 0
                    packet.pts, packet.dts = packet.pts + moved, packet.dts + moved
                    packet.stream = made[packet.stream.index]
                    other.mux(packet)
        new = Master(width=64, height=48, fps=Fraction(24), frames=12, pictures=replay(home / "a.mp4").pictures)
        write_beside(home / "b.mp4", new, Kept(home / "c.mp4", 12, follows=True), home)
        was, now = (read_sound(home / name, 48_000)[:, 0] for name in ("c.mp4", "b.mp4"))
        assert np.abs(was[:8192]).max() > 0.01
        assert np.abs(was[512:8192] - now[24_512:32_192]).max() < 1e-3, samples
        assert np.abs(now[:22_000]).max() < 1e-3


def copied(source: Path, target: Path, *, seconds: Fraction = Fraction(0), frames: int = 1000, **options: str) -> Path:
    """The packets of a film, so many seconds later, and so many of its pictures, in another file."""
    with av.open(str(source)) as one, av.open(str(target), "w", options=options) as other:
        made = {each.index: other.add_stream_from_template(each) for each in one.streams}
        count = 0
        for packet in one.demux():
            count += packet.stream.type == "video"
            if packet.dts is None or packet.pts is None or (packet.stream.type == "video" and count > frames):
                continue
            packet.pts, packet.dts = (at + round(seconds / packet.time_base) for at in (packet.pts, packet.dts))
            packet.stream = made[packet.stream.index]
            other.mux(packet)
    return target


def test_sound_after_the_last_picture_is_not_heard_under_what_is_made(home: Path) -> None:
    copied(film(home / "a.mp4", GREYS * 2, size=SIZE, layout="stereo", video={"bf": "0"}), home / "b.mp4", frames=12)
    assert main(["extend", "b.mp4", "light", "--duration", "0.5s", "-o", "c.mp4"]) == 0
    sound = read_sound(home / "c.mp4", 48_000)[:, 0]
    assert probe(home / "c.mp4").frames == 24
    assert np.abs(sound[20_000:22_000]).max() > 0.1
    assert np.abs(sound[24_000 + 2048 :]).max() < 1e-3


@pytest.mark.parametrize("before", [False, True], ids=["after", "before"])
def test_what_a_header_leaves_out_is_not_shown(home: Path, *, before: bool) -> None:
    """Phones and `ffmpeg -ss -c copy` trim so; its first keyframe lies before what is shown."""
    whole = film(home / "a.mp4", [*range(40, 136, 4)], size=SIZE, video={"bf": "0"})
    copied(whole, home / "b.mp4", seconds=Fraction(-1, 4))
    assert main(["extend", "b.mp4", "light", "--duration", "0.5s", "-o", "c.mp4", *(["--before"] * before)]) == 0
    grown = shown(home / "c.mp4")
    assert len(grown) == 30
    assert near(grown[12:] if before else grown[:18], [*range(64, 136, 4)])


def test_a_film_whose_clock_begins_late_follows_at_once(home: Path) -> None:
    """Films in fragments without an edit list show their first picture after their clock begins."""
    whole = film(home / "a.mp4", GREYS, size=SIZE)
    copied(whole, home / "b.mp4", movflags="frag_keyframe+empty_moov", use_editlist="0")
    with av.open(str(home / "b.mp4")) as late:
        assert late.streams.video[0].start_time
    assert main(["extend", "b.mp4", "light", "--duration", "0.5s", "-o", "c.mp4", "--before"]) == 0
    found = probe(home / "c.mp4")
    assert (found.frames, found.variable, found.duration) == (24, False, 1)


REASONS = {
    "another codec": ({"codec": "mpeg4"}, [], "mpeg4, not h264"),
    "another kind of film": ({}, ["--deliver", "archive"], "archive is another kind of film"),
    "other sound": ({"layout": "mono"}, [], "its sound is not AAC in stereo at 48 kHz"),
    "times of its own": ({"times": [0, 1, 2, 3, 4, 9, 10, 11, 12, 13, 14, 15]}, [], "at no constant rate"),
    "other pixels": ({"pixels": "yuv444p"}, [], "its pixels are yuv444p"),
    "a turn": ({"rotate": 90}, [], "turned by its header"),
}  # fmt: skip


@pytest.mark.parametrize(("how", "words", "why"), REASONS.values(), ids=REASONS)
def test_a_film_that_is_encoded_again_says_why(
    home: Path, capsys: pytest.CaptureFixture[str], how: dict[str, object], words: list[str], why: str
) -> None:
    film(home / "a.mp4", GREYS, size=SIZE, **how)  # type: ignore[arg-type]
    out = "b.mkv" if words else "b.mp4"
    assert main(["extend", "a.mp4", "light", "--duration", "0.5s", "-o", out, *words, "--json"]) == 0
    said = capsys.readouterr()
    assert "a.mp4 is encoded again: " in said.err
    assert why in " ".join(said.err.split())
    told = json.loads(said.out)
    assert told["copied"] is False
    assert told["frames"] == probe(home / out).frames
    takes = [part for part in stamp.verify(home / out).parts if part.relationship == "componentOf"]
    assert [each.start * 24 for each in takes] == [pytest.approx(told["frames"] - 12, abs=0.01)]
    grown = shown(home / out)
    assert near(grown[:2], GREYS[:2])
    assert near(grown[-2:], [150, 150])


def test_packets_with_wide_pixels_stand_beside_no_others(home: Path) -> None:
    facts = probe(film(home / "a.mp4", GREYS, size=SIZE, aspect=Fraction(2)))
    master = Master(width=128, height=48, fps=Fraction(24), frames=1, pictures=lambda: iter(()), title="")
    assert (facts.width, facts.height) == (128, 48)
    assert why_not(facts, replace(master, fps=facts.fps)) == "its pixels are not square"


@pytest.mark.parametrize("follows", [False, True], ids=["after", "before"])
@pytest.mark.parametrize("size", [(64, 48), (1280, 48)], ids=["small", "large"])
def test_colours_stay_where_a_film_does_not_tell_how_they_are_coded(
    tmp_path: Path, size: tuple[int, int], *, follows: bool
) -> None:
    colour, old, fps = (200, 60, 30), tmp_path / "a.mp4", Fraction(24)

    def pictures() -> Iterator[av.VideoFrame]:
        for _ in range(12):
            yield av.VideoFrame.from_ndarray(np.broadcast_to(np.uint8(colour), (*size[::-1], 3)).copy())

    with av.open(str(old), "w") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for number, frame in enumerate(pictures()):
            coded = frame.reformat(format="yuv420p", dst_colorspace="ITU601" if size[0] < 1280 else "ITU709")
            coded.colorspace, coded.pts, coded.time_base = 2, number, 1 / fps
            container.mux(stream.encode(coded))
        container.mux(stream.encode())
    assert probe(old).color.matrix == ""
    new = Master(width=size[0], height=size[1], fps=fps, frames=12, pictures=pictures)
    write_beside(tmp_path / "b.mp4", new, Kept(old, 12, follows=follows), tmp_path)
    with open_film(tmp_path / "b.mp4") as found:
        shown = [picture[20, 20].astype(int) for picture in found.pictures(range(24))]
    assert np.abs(np.array(shown) - colour).max() <= 4


def test_an_engine_that_makes_another_shape_is_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sora_cli.engines.catalogue.card", catalogue(native_size=(96, 32), fixed_size=True))
    film(home / "a.mp4", GREYS, size=SIZE)
    assert main(["extend", "a.mp4", "light", "-o", "b.mp4"]) == 2
    assert "makes 96x32 only" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("number", [0, 1, 9, 31])
def test_the_number_of_a_parameter_set_is_read(number: int) -> None:
    code = f"{number + 1:b}"
    bits = ("0" * (len(code) - 1) + code).ljust(32, "1")
    assert number_of(b"\x67\x64\x00\x0a" + int(bits, 2).to_bytes(4, "big")) == number
