"""An export against copying its clips; `python -m tests.benchmarks.bench_export [--shots 200] [--size 192x128]`.

With `--drawn 192x128`, clips are of that size and brought to the film's.

Copying is what nobody can leave out who hands the same clips over: each clip of the store is decoded,
encoded as ProRes, signed by c2pa-python called bare with a signed copy of the take as its ingredient, and
read back. What only `sora export` does is counted on its side alone: the mark, the print that finds a copy again,
colour tables, handles, the timeline, the record of the export, and flushing to disk. Start-up and imports count on both
sides.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import av
import c2pa
import numpy as np
from msgspec.structs import replace
from PIL import Image

from sora_cli.engines.base import Footage, Given, Progress, Take
from sora_cli.media.deliveries import PRORES
from sora_cli.stamp.credential import settings
from tests.benchmarks.bench_commands import board_of
from tests.benchmarks.bench_stamp import MANIFEST
from tests.benchmarks.pairs import HEAD, Side, in_turn, python
from tests.unattended import drawing
from tests.unattended.conftest import new_machine

SIZE = tuple(map(int, os.environ.get("BENCH_SIZE", "192x128").split("x")))
DRAWN = tuple(map(int, os.environ["BENCH_DRAWN"].split("x"))) if "BENCH_DRAWN" in os.environ else SIZE
AGAIN = 'rm -rf out && exec "$@"'
"""A shell that exports anew each time."""
TAKE = {"title": "take", "relationship": "componentOf", "label": "take-0"}


CARD = replace(
    drawing.CARD,
    family="tests.benchmarks.bench_export:Panning",
    max_pixels=DRAWN[0] * DRAWN[1],
    native_size=DRAWN,
    film_size=DRAWN,
)


class Panning(drawing.Drawing):
    """Draws pans over soft colours: takes of the film's own size, whose frames are as hard to encode as others."""

    def generate(self, take: Take, given: Given, progress: Progress) -> Footage:  # noqa: ARG002  the seam's own
        """A take."""
        progress(1, 1)
        spots = np.random.default_rng(take.seed).integers(0, 256, (12, 20, 3), np.uint8)
        wide = Image.fromarray(spots).resize((take.width + 4 * take.frames, take.height), Image.Resampling.BICUBIC)
        pan = [np.asarray(wide)[:, 4 * number : 4 * number + take.width] for number in range(take.frames)]
        return Footage(np.stack(pan), take.fps)


def copied(clip: Path, to: Path) -> None:
    """Encode a clip as an export has it."""
    with av.open(str(clip)) as given, av.open(str(to), "w", format="mov") as made:
        video = given.streams.video[0]
        video.thread_type = "AUTO"
        stream = made.add_stream("prores_ks", rate=video.average_rate, options=dict(PRORES.options))
        stream.width, stream.height, stream.pix_fmt, stream.thread_type = *SIZE, "yuv422p10le", "AUTO"
        for frame in given.decode(video):
            made.mux(stream.encode(frame.reformat(format="yuv422p10le", dst_colorspace="ITU709")))
        made.mux(stream.encode())


def copy(folder: Path) -> None:
    """Copy all clips of a store, each signed and read back."""
    chain, key = (folder.joinpath("config/sora/identity", name).read_bytes() for name in ("chain.pem", "key.pem"))
    own = settings(chain[chain.rindex(b"-----BEGIN") :].decode())
    out = folder / "copied"
    out.mkdir(exist_ok=True)
    plain, take = out / "plain.mov", out / "take.mp4"

    def context() -> c2pa.Context:
        signer = c2pa.Signer.from_info(c2pa.C2paSignerInfo(c2pa.C2paSigningAlg.ES256, chain, key, None))
        return c2pa.Context.from_dict(own, signer)

    for number, clip in enumerate(sorted((folder / "store").rglob("*.mp4"))):
        signed = out / f"{number}.mov"
        copied(clip, plain)
        take.unlink(missing_ok=True)
        signed.unlink(missing_ok=True)
        with context() as each, c2pa.Builder(MANIFEST, each) as builder:
            builder.sign_file(str(clip), str(take))
        with context() as each, c2pa.Builder(MANIFEST, each) as builder, take.open("rb") as file:
            builder.add_ingredient(TAKE, "video/mp4", file)
            builder.sign_file(str(plain), str(signed))
        with c2pa.Context.from_dict(own) as each, c2pa.Reader(str(signed), context=each) as reader:
            assert reader.get_validation_state() == "Trusted"


def main() -> None:
    """Print the row, or with `--copy` do the rival's work."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shots", type=int, default=200)
    parser.add_argument("--size", default="192x128")
    parser.add_argument("--drawn")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--copy", type=Path)
    asked = parser.parse_args()
    if asked.copy:
        copy(asked.copy)
        return
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        machine = new_machine(Path(place))
        sizes = {"BENCH_SIZE": asked.size, "BENCH_DRAWN": asked.drawn or asked.size}
        drawn = {**machine.environment, "XDG_CACHE_HOME": str(machine.folder / "cache"), **sizes}
        entry = machine.folder / "site" / "sora_drawing-1.dist-info" / "entry_points.txt"
        entry.write_text(f"[sora.engines]\ndrawing = {__spec__.name}:CARD\n")
        machine.write("long.yaml", f"output: {{size: {asked.size}}}\n{board_of(asked.shots, 2)}")
        export = python("-m", "sora_cli", "export", "long.yaml", "--to", "otio", "-o", "out")
        ours = Side(["sh", "-c", AGAIN, "sh", *export], machine.folder, drawn)
        plain = python("-m", "tests.benchmarks.bench_export", "--copy", str(machine.folder))
        print(HEAD)
        what = f"`export` of {asked.shots} shots of 2 s, {asked.drawn or asked.size} to {asked.size}"
        print(
            in_turn(
                what,
                "copying their clips",
                ours,
                Side(plain, Path.cwd(), sizes),
                rounds=asked.rounds,
                bar=1.2,
            )
        )


if __name__ == "__main__":
    sys.exit(main())
