"""Subtitles that a film holds are still in what is made of it, or it is told that they are not."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from msgspec.structs import replace

from sora_cli.cli.main import main
from sora_cli.media.cues import in_order
from sora_cli.media.deliveries import ARCHIVE
from sora_cli.media.film import write_film
from sora_cli.media.read import probe
from sora_cli.media.read.sound import sound_track
from sora_cli.media.read.subtitles import read_words, unkept
from sora_cli.media.replay import replay
from sora_cli.media.stream import Chapter, Subtitle
from sora_cli.media.track import SubtitleTrack
from tests.cases.test_what_is_shown import film as flat
from tests.media.test_film import master

WORDS = (Subtitle(0.1, 0.4, "It is still\nburning."), Subtitle(0.5, 0.9, "שלום"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def near(found: tuple[Subtitle, ...]) -> list[tuple[float, float, str]]:
    return [(round(each.start, 2), round(each.end, 2), each.text) for each in found]


def test_stamped_graded_and_stitched_films_keep_their_subtitles(home: Path) -> None:
    write_film(home / "a.mp4", master(24, subtitles=WORDS, language="heb"))
    once = near(WORDS)
    twice = [*once, *((start + 1, end + 1, text) for start, end, text in once)]
    for words, right in (
        (["stamp", "a.mp4"], once),
        (["grade", "a.mp4", "--match", "a.mp4"], once),
        (["stitch", "a.mp4", "a.mp4"], twice),
    ):
        assert main([*words, "-o", f"{words[0]}.mp4"]) == 0
        found = read_words(probe(home / f"{words[0]}.mp4"))
        assert (near(found.subtitles), found.language) == (right, "heb")


def test_what_a_kind_of_film_has_no_room_for_is_told(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    quiet = iter([np.zeros((48_000, 2), np.float32)])
    write_film(home / "a.mp4", master(24, subtitles=WORDS, sound=lambda: quiet))
    assert main(["stamp", "a.mp4", "-o", "a.gif"]) == 0
    told = " ".join(capsys.readouterr().err.split())
    assert "a.gif is without sound and subtitles: a film of the kind gif has none" in told
    assert main(["stamp", "a.gif", "-o", "b.gif"]) == 0
    assert "is without" not in capsys.readouterr().err


def test_the_sound_of_what_is_made_tells_its_language(home: Path) -> None:
    for name, language in (("a", "deu"), ("b", "fra"), ("c", "")):
        quiet = iter([np.zeros((48_000, 2), np.float32)])
        write_film(home / f"{name}.mkv", master(24, sound=lambda now=quiet: now, sound_language=language), ARCHIVE)
    for words, right in (
        (["stamp", "a.mkv"], "deu"),
        (["grade", "a.mkv", "--match", "b.mkv"], "deu"),
        (["stitch", "a.mkv", "c.mkv"], "deu"),
        (["stitch", "a.mkv", "b.mkv"], ""),
    ):
        assert main([*words, "-o", "made.mp4", "--overwrite"]) == 0
        assert sound_track(home / "made.mp4").language == right, words


def test_a_graded_film_keeps_its_title_author_and_chapters(home: Path) -> None:
    chapters = (Chapter("harbour", 0, 12), Chapter("the sea", 12, 24))
    write_film(home / "a.mp4", master(24, title="First Light", author="Jane Doe", chapters=chapters))
    assert main(["grade", "a.mp4", "--match", "a.mp4", "-o", "b.mp4"]) == 0
    found = replay(home / "b.mp4")
    assert (found.title, found.author, found.chapters) == ("First Light", "Jane Doe", chapters)


def tracks(path: Path, *codecs: str) -> Path:
    """A film with tracks of subtitles in these codecs."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        words = [SubtitleTrack(container, codec, WORDS) for codec in codecs]
        for number in range(25):
            frame = av.VideoFrame(64, 48, "yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(video.encode(frame))
            for each in words:
                each.write_until(Fraction(number, 25))
        container.mux(video.encode())
    return path


def test_of_several_tracks_one_is_kept_and_the_user_is_told(tmp_path: Path) -> None:
    film = probe(tracks(tmp_path / "a.mkv", "subrip", "ass"))
    assert near(read_words(film).subtitles) == near(WORDS)
    assert [*unkept(film)] == ["it has 2 tracks of subtitles: track 1 is kept"]
    assert [*unkept(film, words=False)] == ["its subtitles are not kept"]
    drawn = probe(tracks(tmp_path / "b.mkv", "subrip"))
    drawn.path.write_bytes(drawn.path.read_bytes().replace(b"S_TEXT/UTF8", b"S_VOBSUBxxx"))
    assert [*unkept(drawn)] == ["its subtitles cannot be read as words, and are not kept"]


@pytest.mark.parametrize(
    ("data", "told"), [(b"\xfc\x94\x20", True), (b"\xfc\x80\x80", False), (b"\xf8\x94\x20", False)]
)
def test_closed_captions_are_told_and_empty_ones_are_not(tmp_path: Path, data: bytes, *, told: bool) -> None:
    """Broadcasts of North America carry them in their pictures, and send empty ones where nobody speaks."""
    words = b"\xb5\x00\x31GA94\x03\xc1\xff" + data + b"\xff"
    unit = b"\x06\x04" + bytes([len(words)]) + words + b"\x80"
    with av.open(str(flat(tmp_path / "a.mp4", [90] * 3))) as source, av.open(str(tmp_path / "b.mp4"), "w") as target:
        made = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                one = av.Packet(len(unit).to_bytes(4, "big") + unit + bytes(packet))
                one.pts, one.dts, one.time_base = packet.pts, packet.dts, packet.time_base
                one.is_keyframe, one.stream = packet.is_keyframe, made
                target.mux(one)
    assert [*unkept(probe(tmp_path / "b.mp4"))] == ["the closed captions in its pictures are not kept"] * told


def test_how_letters_look_is_left_out_and_so_is_what_they_draw(tmp_path: Path) -> None:
    """Signs in subtitles of ASS are outlines, `{\\p1}m 0 0 l 9 0`: as words they were numbers under the picture."""
    path = tracks(tmp_path / "a.mkv", "ass")
    data = path.read_bytes()
    assert data.count(b"It is still") == 1
    for written, right in (
        (b"{\\i1}It{\\i}", ["It\nburning.", "שלום"]),
        (b"{\\p1}m 0 0l", ["שלום"]),
        (b"{\\p1}m{\\p0}", ["burning.", "שלום"]),
        (b"\\{It\\} is s", ["{It} is s\nburning.", "שלום"]),
        (b"{It is stil", ["{It is stil\nburning.", "שלום"]),
    ):
        path.write_bytes(data.replace(b"It is still", written))
        assert [each.text for each in read_words(probe(path)).subtitles] == right


def test_subtitles_that_are_on_at_once_stand_below_each_other() -> None:
    found = in_order(
        [Subtitle(1, 3, "one"), Subtitle(2, 4, "two"), Subtitle(-1, 0.5, "early"), Subtitle(5, 9, "late")], 6
    )
    assert near(found) == [(0, 0.5, "early"), (1, 2, "one"), (2, 3, "one\ntwo"), (3, 4, "two"), (5, 6, "late")]


def test_subtitles_go_where_the_pictures_go(tmp_path: Path) -> None:
    film = probe(tracks(tmp_path / "a.mkv", "subrip"))
    assert film.index is not None
    later = replace(film, index=replace(film.index, times=film.index.times + round(Fraction(1, 10) / film.index.base)))
    assert near(read_words(later).subtitles)[0][:2] == (0, 0.3)
