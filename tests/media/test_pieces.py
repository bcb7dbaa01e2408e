"""Media data in pieces: the same packets, boxes that a piece fits in, and nothing of that where it cannot be."""

import io
import struct
from pathlib import Path

import av
import numpy as np
import pytest
from msgspec.structs import replace

from sora_cli.media.deliveries import AV1, PRORES, WEB, Delivery
from sora_cli.media.film import write_film
from sora_cli.media.pieces import in_pieces
from sora_cli.media.read.whole import boxes, require_whole
from sora_cli.media.stream import Chapter
from tests.stamp.conftest import make_master, tone

KINDS = {
    "web": WEB,
    "moov at the end": replace(WEB, container_options={}),
    "prores": PRORES,
    "av1": AV1,
}
MOST = 30_000


def film(folder: Path, kind: Delivery) -> Path:
    path = folder / f"film{kind.suffix}"
    chapters = (Chapter("One", 0, 12), Chapter("Two", 12, 24))
    write_film(path, replace(make_master(sound=tone()), chapters=chapters), kind)
    return path


def packets(path: Path) -> list[tuple[int, int | None, int | None, bool, bytes]]:
    with av.open(str(path)) as container:
        return [(p.stream_index, p.pts, p.dts, p.is_keyframe, bytes(p)) for p in container.demux()]


def media(path: Path) -> list[int]:
    with path.open("rb") as file:
        found = boxes(file, 0, path.stat().st_size)
        return [box.end - box.inside for box in found if box.name == b"mdat"]


@pytest.mark.parametrize("name", KINDS)
def test_the_packets_are_the_same(tmp_path: Path, name: str) -> None:
    whole, pieces = film(tmp_path, KINDS[name]), tmp_path / "pieces.mp4"
    with whole.open("rb") as file, in_pieces(file, MOST) as stream:
        pieces.write_bytes(stream.read())
    require_whole(pieces)
    assert packets(pieces) == packets(whole)
    (size,), sizes = media(whole), media(pieces)
    assert sum(sizes) == size
    assert len(sizes) > 2


def test_it_is_read_from_anywhere_as_a_file_is(tmp_path: Path) -> None:
    with film(tmp_path, WEB).open("rb") as file, in_pieces(file, MOST) as stream:
        whole = stream.read()
        dice = np.random.default_rng(0)
        assert stream.seek(0, io.SEEK_END) == len(whole)
        for at, length in dice.integers(0, len(whole), (200, 2)):
            assert stream.seek(at) == at
            assert stream.read(length) == whole[at : at + length]
        assert stream.seek(-3, io.SEEK_END) == len(whole) - 3
        assert stream.read() == whole[-3:]


def test_a_wide_head_stays_wide(tmp_path: Path) -> None:
    """So it is in files of over 4 GB: the head of 16 bytes took the place of an empty box before it."""
    whole = film(tmp_path, replace(WEB, container_options={}))
    raw = whole.read_bytes()
    at = raw.index(b"free") - 4
    size = struct.unpack_from(">I", raw, at + 8)[0]
    whole.write_bytes(raw[:at] + struct.pack(">I4sQ", 1, b"mdat", size + 8) + raw[at + 16 :])
    with whole.open("rb") as file, in_pieces(file, MOST) as stream:
        (tmp_path / "pieces.mp4").write_bytes(stream.read())
    assert packets(tmp_path / "pieces.mp4") == packets(whole)
    assert len(media(tmp_path / "pieces.mp4")) > 2


@pytest.mark.parametrize("kind", ["small", "fragmented", "other", "cut", "places run out"])
def test_what_cannot_be_in_pieces_comes_as_it_is(tmp_path: Path, kind: str) -> None:
    options = {"movflags": "+frag_keyframe+empty_moov"} if kind == "fragmented" else WEB.container_options
    whole = film(tmp_path, replace(WEB, container_options=options))
    raw = whole.read_bytes()
    if kind == "other":
        raw = b"RIFF" + bytes(100)
    if kind == "cut":
        raw = raw[:-10]
    if kind == "places run out":
        at = raw.rindex(b"stco") + 8
        last = at + 4 * struct.unpack_from(">I", raw, at)[0]
        raw = raw[:last] + b"\xff" * 4 + raw[last + 4 :]
    whole.write_bytes(raw)
    with whole.open("rb") as file, in_pieces(file, 1 << 24 if kind == "small" else MOST) as stream:
        assert stream is file
        assert stream.read() == raw
