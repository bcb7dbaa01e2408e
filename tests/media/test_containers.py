"""What containers say of a film beside its frames: which part of them is shown, and where another film begins."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from msgspec.structs import replace
from PIL import Image

from sora_cli.media.read import probe, read_frames
from sora_cli.media.splice import why_not
from sora_cli.media.stream import Master

SIZE = (96, 64)


def ramps(path: Path, *, high: int = SIZE[1]) -> Path:
    """A film whose red tells the column and whose green the row, two levels a pixel."""
    down, across = np.mgrid[0:high, 0 : SIZE[0]]
    picture = np.stack([across * 2, down * 2, down * 0], -1).astype(np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "5", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = SIZE[0], high, "yuv444p"
        for number in range(3):
            frame = av.VideoFrame.from_ndarray(picture)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def with_clap(path: Path, wide: int, high: int, right: Fraction, down: Fraction) -> Path:
    """An MP4 whose index lies behind its pictures, with a clean aperture (ISO/IEC 14496-12, 12.1.4)."""
    numbers = [part for each in (wide, high, right, down) for part in Fraction(each).as_integer_ratio()]
    box = struct.pack(">I4sIIIIiIiI", 40, b"clap", *numbers)
    data, way = path.read_bytes(), (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"avc1")
    index = data.index(way[0])
    starts = [data.index(name, index) - 4 for name in way]
    end = starts[-1] + int.from_bytes(data[starts[-1] :][:4], "big")
    made = bytearray(data[:end] + box + data[end:])
    for at in starts:
        made[at : at + 4] = (int.from_bytes(made[at : at + 4], "big") + len(box)).to_bytes(4, "big")
    path.write_bytes(made)
    return path


def remuxed(path: Path, out: Path) -> Path:
    """The packets of a film in another container; libav copies what the first one says of the picture's edges."""
    with av.open(str(path)) as source, av.open(str(out), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    return out


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv"])
def test_what_a_container_cuts_off_is_not_shown(tmp_path: Path, name: str) -> None:
    path = with_clap(ramps(tmp_path / "told.mp4"), 64, 32, Fraction(-9, 2), Fraction(6))
    path = path if name == "a.mp4" else remuxed(path, tmp_path / name)
    found = probe(path)
    assert (found.width, found.height) == (64, 32)
    (picture,) = read_frames(path, 1, 1).astype(int)
    assert abs(picture[0, 0, 0] / 2 - 12) <= 2
    assert abs(picture[-1, -1, 0] / 2 - 75) <= 2
    assert abs(picture[0, 0, 1] / 2 - 22) <= 2
    assert abs(picture[-1, -1, 1] / 2 - 53) <= 2


def test_what_the_codec_cut_already_is_not_cut_again(tmp_path: Path) -> None:
    path = with_clap(ramps(tmp_path / "a.mp4", high=60), 96, 60, Fraction(0), Fraction(0))
    data = path.read_bytes()
    told = data.index(b"avc1", data.index(b"stsd")) + 28  # some programs tell the height in whole blocks there
    path.write_bytes(data[: told + 2] + struct.pack(">H", 64) + data[told + 4 :])
    assert probe(path).height == 60


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.m4a", "a.wav"])
def test_a_file_behind_another_is_told(tmp_path: Path, name: str) -> None:
    """`cat a.mp4 b.mp4 > c.mp4`: players show the first."""
    path = tmp_path / name
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le" if name == "a.wav" else "aac", rate=48_000, layout="mono")
        kind = "s16" if name == "a.wav" else "fltp"
        block = av.AudioFrame.from_ndarray(np.ones((1, 4800), np.int16 if kind == "s16" else np.float32), kind, "mono")
        block.sample_rate = 48_000
        if name not in {"a.wav", "a.m4a"}:
            video = container.add_stream("mpeg4", rate=25)
            video.width, video.height = SIZE
            container.mux([*video.encode(av.VideoFrame(*SIZE, "yuv420p")), *video.encode(None)])
        container.mux([*stream.encode(block), *stream.encode(None)])
    assert probe(path).remarks == ()
    one = path.read_bytes()
    path.write_bytes(one * 2)
    assert probe(path).remarks == (f"another file begins behind it, at byte {len(one):,}: it is not used",)


@pytest.mark.parametrize("name", ["a.gif", "a.apng", "a.flv", "a.wmv", "a.webp", "a.aiff", "a.flac"])
def test_a_second_file_of_other_kinds_is_told(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    codecs = {"a.flv": "flv", "a.wmv": "wmv2"}
    if name in {"a.gif", "a.apng", "a.webp"}:
        pictures = [Image.new("RGB", SIZE, (60 * number, 0, 0)) for number in range(3)]
        pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=100)
    else:
        with av.open(str(path), "w") as container:
            if name in codecs:
                video = container.add_stream(codecs[name], rate=25)
                video.width, video.height = SIZE
                frames = [av.VideoFrame(*SIZE, video.format.name) for _ in range(3)]
                container.mux([packet for each in (*frames, None) for packet in video.encode(each)])
            else:
                stream = container.add_stream("flac" if name == "a.flac" else "pcm_s16be", rate=48_000, layout="mono")
                block = av.AudioFrame.from_ndarray(np.ones((1, 4800), np.int16), "s16", "mono")
                block.sample_rate = 48_000
                container.mux([*stream.encode(block), *stream.encode(None)])
    assert probe(path).remarks == ()
    one = path.read_bytes()
    path.write_bytes(one * 2)
    assert probe(path).remarks == (f"another file begins behind it, at byte {len(one):,}: it is not used",)


def test_packets_of_which_a_part_is_shown_stand_beside_no_others(tmp_path: Path) -> None:
    facts = replace(probe(with_clap(ramps(tmp_path / "a.mp4"), 64, 32, Fraction(0), Fraction(0))), pixels="yuv420p")
    master = Master(width=64, height=32, fps=Fraction(25), frames=1, pictures=lambda: iter(()), title="")
    assert why_not(facts, master) == "its header shows a part of its pictures"
