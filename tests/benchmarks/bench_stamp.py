"""Stamping against its rivals: `python -m tests.benchmarks.bench_stamp [--gigabytes 1] [--rounds 3]`.

Prints ratios (ours / rival) in time and peak memory, the best of the rounds each, every run in a process of its own:

* sign and read back a film of 1 GB: `stamp.credential.sign` + `stamp.verify` against c2pa-python called bare with the
  same settings, certificate and manifest;
* lay the moving mark on 10 s of 720p, against encoding them; and libavfilter's `overlay` against the same.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import av.filter
import c2pa
import numpy as np

from sora_cli.media.film import write_film
from sora_cli.media.overlay import overlay
from sora_cli.media.stream import Master
from sora_cli.stamp import credential, local_signer, verify
from sora_cli.stamp.watermark import make_badge, path
from sora_cli.storyboard.model import Watermark

MANIFEST = {
    "claim_generator_info": [{"name": "bench", "version": "1"}],
    "title": "film.mov",
    "format": "video/quicktime",
    "assertions": [
        {
            "label": "c2pa.actions.v2",
            "data": {
                "actions": [
                    {
                        "action": "c2pa.created",
                        "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
                    }
                ]
            },
        }
    ],
}


def big_film(target: Path, size: int) -> None:
    """A QuickTime film of raw pictures of a megabyte each, `size` bytes in all, as libav's muxer writes it."""
    noise = np.random.default_rng(0).integers(0, 256, (1023, 1024), np.uint8)
    with av.open(str(target), "w", format="mov") as container:
        stream = container.add_stream("rawvideo", rate=24)
        stream.width, stream.height, stream.pix_fmt = 1024, 682, "yuv420p"
        for number in range(size >> 20):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.roll(noise, number), format="yuv420p")))
        container.mux(stream.encode())


def ours(folder: Path) -> None:
    """Sign and read back as `release` does."""
    signer = local_signer()
    credential.sign(folder / "film.mov", folder / "signed.mov", MANIFEST, signer)
    assert verify(folder / "signed.mov").ok


def bare(folder: Path) -> None:
    """Sign and read back with c2pa-python and nothing else."""
    chain, key = ((folder / "config/sora/identity" / name).read_bytes() for name in ("chain.pem", "key.pem"))
    root = chain[chain.rindex(b"-----BEGIN") :].decode()
    settings = {
        "version": 1,
        "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
        "core": {"allowed_network_hosts": []},
        "builder": {"thumbnail": {"enabled": False}, "bmff_hash_exclude_free_and_skip_boxes": False},
        "trust": {"user_anchors": root, "trust_config": "1.3.6.1.5.5.7.3.4\n1.3.6.1.4.1.62558.2.1"},
    }
    signer = c2pa.Signer.from_info(c2pa.C2paSignerInfo(c2pa.C2paSigningAlg.ES256, chain, key, None))
    with c2pa.Context.from_dict(settings, signer) as context, c2pa.Builder(MANIFEST, context) as builder:
        builder.sign_file(str(folder / "film.mov"), str(folder / "signed.mov"))
    with (
        c2pa.Context.from_dict(settings) as context,
        c2pa.Reader(str(folder / "signed.mov"), context=context) as reader,
    ):
        assert reader.get_validation_state() == "Trusted"


@functools.cache
def _stills() -> list[av.VideoFrame]:
    """A second of 720p noise that drifts, as the encoder takes it."""
    noise = np.random.default_rng(0).integers(0, 256, (80, 190, 3), dtype=np.uint8).repeat(9, 0).repeat(8, 1)
    return [
        av.VideoFrame.from_ndarray(np.ascontiguousarray(noise[:, 8 * k : 8 * k + 1280]), format="rgb24").reformat(
            format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG"
        )
        for k in range(24)
    ]


def _pictures() -> Iterator[av.VideoFrame]:
    stills = _stills()
    for number in range(240):
        still = stills[number % 24]
        still.pts, still.time_base = number, Fraction(1, 24)
        yield still


def mark(_folder: Path) -> None:
    """Mark 10 s as `release` does, and encode nothing."""
    badge = make_badge(Watermark(), 1280, 720)
    for _ in overlay(_pictures(), badge.rgba, path(Fraction(24), (1280, 720), badge)):
        pass


def encode(folder: Path) -> None:
    """Encode the same 10 s."""
    write_film(folder / "out.mp4", Master(width=1280, height=720, fps=Fraction(24), frames=240, pictures=_pictures))


def libavfilter(_folder: Path) -> None:
    """Mark 10 s with libavfilter's `overlay`, moved by its own expressions along a path of the same kind."""
    badge = make_badge(Watermark(), 1280, 720)
    graph = av.filter.Graph()
    source = graph.add_buffer(width=1280, height=720, format="yuv420p", time_base=Fraction(1, 24))
    small = graph.add_buffer(width=badge.size[0], height=badge.size[1], format="rgba", time_base=Fraction(1, 24))
    saw = "abs(mod(t*{0}+{1},2)-1)"
    x, y = f"(W-w)*{saw.format('4/9.4', 0)}", f"(H-h)*{saw.format('2/9.4', 0.25)}"
    laid, sink = graph.add("overlay", x=x, y=y, eof_action="repeat"), graph.add("buffersink")
    source.link_to(laid, 0, 0)
    small.link_to(laid, 0, 1)
    laid.link_to(sink)
    graph.configure()
    still = av.VideoFrame.from_ndarray(badge.rgba, format="rgba")
    still.pts, still.time_base = 0, Fraction(1, 24)
    small.push(still)
    small.push(None)
    for frame in _pictures():
        source.push(frame)
        with contextlib.suppress(BlockingIOError, EOFError):
            while True:
                sink.pull()


WORK: dict[str, Callable[[Path], None]] = {
    "ours": ours,
    "bare": bare,
    "mark": mark,
    "libavfilter": libavfilter,
    "encode": encode,
}
BARS = ((("ours", "bare"), 1.3), (("mark", "encode"), 0.05), (("libavfilter", "encode"), 0.05))


FIGURES = ("seconds", "cpu_seconds", "megabytes")


def measure(names: Sequence[str], folder: Path, rounds: int) -> list[dict[str, float]]:
    """Seconds of work, of processor, and how far memory grew in MB: the best of the rounds, which take turns."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    environment = {**os.environ, "XDG_CONFIG_HOME": str(folder / "config")}
    for _ in range(rounds):
        for name in names:
            command = [sys.executable, "-m", __spec__.name, "--run", name, "--folder", str(folder)]
            told = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
            found[name].append(json.loads(told))
    return [{figure: min(each[figure] for each in runs) for figure in FIGURES} for runs in found.values()]


def run(name: str, folder: Path) -> None:
    """Do one thing in this process and print its figures; imports are not counted."""
    _stills()
    before, began, spent = _peak(), time.perf_counter(), time.process_time()
    WORK[name](folder)
    figures = time.perf_counter() - began, time.process_time() - spent, _peak() - before
    print(json.dumps(dict(zip(FIGURES, figures, strict=True))))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Run all, or with `--run` one of them in this process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--run", choices=WORK)
    options = parser.parse_args()
    if options.run:
        run(options.run, options.folder)
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        big_film(folder / "film.mov", int(options.gigabytes * (1 << 30)))
        if shutil.disk_usage(folder).free < 2 * (folder / "film.mov").stat().st_size:
            sys.exit("too little space on the disk")
        for pair, bar in BARS:
            mine, theirs = measure(pair, folder, options.rounds)
            ratios = ", ".join(
                f"{figure} {mine[figure] / theirs[figure]:.2f} ({mine[figure]:.2f} / {theirs[figure]:.2f})"
                for figure in FIGURES
            )
            print(f"{' / '.join(pair)}, bar {bar}: {ratios}")


if __name__ == "__main__":
    main()
