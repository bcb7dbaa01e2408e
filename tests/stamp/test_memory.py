"""Signing takes no more memory for a long film than for a short one, but room among temporary files."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sora_cli.errors import StampError
from sora_cli.media.pieces import PIECE
from sora_cli.media.read.whole import boxes
from sora_cli.stamp import Signer, credential, local_signer, verify
from tests.benchmarks.bench_stamp import MANIFEST, big_film

MEGABYTES = 64


def large(path: Path, megabytes: int) -> Path:
    big_film(path, megabytes << 20)
    return path


MEASURE = """
import json, sys
from pathlib import Path
from sora_cli.stamp import credential, local_signer, verify
from tests.memory import peak
signer, (manifest, *films) = local_signer(), sys.argv[1:]
for film in map(Path, films):
    credential.sign(film, film.with_suffix(".signed.mov"), json.loads(manifest), signer)
    assert verify(film.with_suffix(".signed.mov"), anchors_pem=signer.root).whole
    print(peak())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is told in kB there")
def test_a_long_film_is_signed_and_read_back_in_the_memory_of_a_short_one(tmp_path: Path) -> None:
    films = [large(tmp_path / f"{size}.mov", size) for size in (2 * PIECE >> 20, MEGABYTES)]
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, json.dumps(MANIFEST), *map(str, films)], capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    short, long = map(int, done.stdout.split())
    assert long < 1.1 * short
    signed = films[1].with_suffix(".signed.mov")
    with signed.open("rb") as file:
        sizes = [box.end - box.inside for box in boxes(file, 0, signed.stat().st_size) if box.name == b"mdat"]
    assert len(sizes) == -(-MEGABYTES * (1 << 20) // PIECE)
    assert max(sizes) <= PIECE


def test_no_room_for_the_copy_is_told_with_its_place(
    tmp_path: Path, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = large(tmp_path / "film.mov", 1 + (PIECE >> 20))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "none"))
    with pytest.raises(StampError) as refused:
        credential.sign(film, tmp_path / "signed.mov", MANIFEST, signer)
    place = tmp_path / "none"
    assert refused.value.message == f"film.mov cannot be signed by way of {place}: No such file or directory"
    assert "TMPDIR" in refused.value.hint
    assert list(tmp_path.iterdir()) == [film]


def test_a_changed_head_of_a_piece_is_found(tmp_path: Path) -> None:
    film = large(tmp_path / "film.mov", 1 + (PIECE >> 20))
    signed = tmp_path / "signed.mov"
    credential.sign(film, signed, MANIFEST, local_signer())
    assert verify(signed).whole
    raw = signed.read_bytes()
    second = raw.index(b"mdat", raw.index(b"mdat") + 4)
    for at, name in ((second, b"free"), (second + 100, b"x")):
        signed.write_bytes(raw[:at] + name + raw[at + len(name) :])
        assert not verify(signed).whole
