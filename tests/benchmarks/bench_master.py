"""Finishing against its rivals: `python -m tests.benchmarks.bench_master [--seconds 60] [--rounds 1] [--moviepy]`.

Twelve shots of 720p, with half-second dissolves, a colour table a shot, a moving mark, and AAC, from the same lossless
clips, by the same encoder settings:

* ours: `finish` (with its colour match, which the rivals are handed ready) + the mark + `write_film`;
* ffmpeg: one command, `lut3d`, `xfade`, `overlay`, libx264, aac;
* MoviePy: the plain script that a person would write (asked for by name, it takes minutes).

Prints wall and processor seconds and ratios, ours / rival; and the peak memory of a film ten times as long. Each run
is a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image

from sora_cli.colour.cube import write_cube
from sora_cli.colour.grade import Grader
from sora_cli.master import finish
from sora_cli.media.clip import write_clip
from sora_cli.media.deliveries import WEB
from sora_cli.media.film import write_film
from sora_cli.plan.timeline import Bed, Cut, CutShot, Piece
from sora_cli.stamp.release import with_mark
from sora_cli.stamp.watermark import make_badge
from sora_cli.store import Clip
from sora_cli.storyboard.model import Duration, Look, Transition, Watermark

SHOTS, OVERLAP, SIZE, FPS = 12, 12, (1280, 720), Fraction(24)


def make_clips(folder: Path, seconds: int) -> None:
    """Pans over painted pictures, each with a little grain and a drift of its own."""
    from tests.master.painted import CASES, paint

    frames = shot_frames(seconds)
    for number, drift in enumerate(list(CASES.values())[:SHOTS]):
        picture = np.rint(np.clip(drift(paint("harbour", number, 300, 560)), 0, 1) * 255).astype(np.uint8)
        wide = np.asarray(Image.fromarray(picture).resize((SIZE[0] + 2 * frames, SIZE[1]), Image.Resampling.BICUBIC))
        grain = np.random.default_rng(number).integers(-1, 2, wide.shape, dtype=np.int16)
        wide = np.clip(wide + grain, 0, 255).astype(np.uint8)
        film = np.stack([wide[:, 2 * at : 2 * at + SIZE[0]] for at in range(frames)])
        write_clip(folder / f"{number}.mp4", film, FPS)
    tone = 0.1 * np.random.default_rng(0).normal(size=(48_000 * (seconds + 5), 2))
    soundfile.write(folder / "music.wav", tone.astype(np.float32), 48_000)


def shot_frames(seconds: int) -> int:
    """Frames a shot, so that the whole is `seconds` long with its overlaps."""
    return (round(seconds * FPS) + OVERLAP * (SHOTS - 1)) // SHOTS


def the_cut(folder: Path, seconds: int, times: int = 1) -> Cut:
    """The film as a cut; `times` over, for a longer one."""
    frames, shots = shot_frames(seconds), []
    for number in range(SHOTS * times):
        path = folder / f"{number % SHOTS}.mp4"
        clip = Clip(key=path.stem, path=path, sha256="", frames=frames, width=SIZE[0], height=SIZE[1], fps=FPS)
        overlap = OVERLAP if number else 0
        shots.append(
            CutShot(
                name=f"shot {number}",
                scene="one",
                start=number * (frames - OVERLAP),
                pieces=(Piece(clip, tuple(range(frames))),),
                transition=Transition("dissolve", Duration(frames=OVERLAP)) if overlap else Transition(),
                overlap=overlap,
                look=Look("scene"),
            )
        )
    return Cut(width=SIZE[0], height=SIZE[1], fps=FPS, shots=tuple(shots))


def ours(folder: Path, seconds: int, times: int = 1) -> None:
    """Finish, mark and encode as `sora` does."""
    cut = the_cut(folder, seconds, times)
    master = finish(replace(cut, beds=(Bed(bus="music", path=folder / "music.wav", start=0, end=cut.frames),)))
    write_film(folder / "ours.mp4", with_mark(master, Watermark()))


def prepare_rivals(folder: Path, seconds: int) -> None:
    """Write the colour tables and the badge that the rivals are handed."""
    cut = the_cut(folder, seconds)
    grader = Grader(cut)
    for number, shot in enumerate(cut.shots):
        full = grader.table(shot)
        if full is not None:
            write_cube(folder / f"{number}.cube", full)
    badge = make_badge(Watermark(), *SIZE)
    Image.fromarray(badge.rgba).save(folder / "badge.png")


def ffmpeg(folder: Path, seconds: int) -> None:
    """The same film by one ffmpeg command."""
    import imageio_ffmpeg

    frames = shot_frames(seconds)
    inputs = [part for number in range(SHOTS) for part in ("-i", f"{number}.mp4")]
    graph = []
    for number in range(SHOTS):
        look = f"lut3d=file={number}.cube," if (folder / f"{number}.cube").exists() else ""
        graph.append(f"[{number}:v]{look}format=gbrp[g{number}]")
    last = "g0"
    for number in range(1, SHOTS):
        at = number * (frames - OVERLAP) / FPS
        graph.append(
            f"[{last}][g{number}]xfade=transition=fade:duration={float(OVERLAP / FPS)}:offset={float(at)}[x{number}]"
        )
        last = f"x{number}"
    graph.append(f"[{last}]scale=out_color_matrix=bt709:out_range=tv:flags=bicubic+accurate_rnd,format=yuv420p[y]")
    graph.append(f"[y][{SHOTS}:v]overlay=x='abs(mod(97*t,2*(W-w))-(W-w))':y='abs(mod(61*t,2*(H-h))-(H-h))'[v]")
    length = (SHOTS * (frames - OVERLAP) + OVERLAP) / FPS
    x264 = [part for key, value in WEB.options.items() for part in (f"-{key}:v", value)]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error", *inputs, "-i", "badge.png", "-i", "music.wav"]
    command += ["-filter_complex", ";".join(graph), "-map", "[v]", "-map", f"{SHOTS + 1}:a", "-t", str(float(length))]
    command += ["-c:v", "libx264", *x264, "-g", "48", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "192k"]
    command += ["-af", f"afade=in:d=1,afade=out:st={float(length) - 2}:d=2", "-movflags", "+faststart", "ffmpeg.mp4"]
    subprocess.run(command, check=True, cwd=folder)


def moviepy(folder: Path, seconds: int) -> None:
    """The same film by a plain MoviePy script; the table is applied with numpy, nearest point."""
    from moviepy import AudioFileClip, CompositeVideoClip, ImageClip, VideoFileClip, vfx

    from sora_cli.colour.cube import read_cube

    def graded(clip: VideoFileClip, path: Path) -> VideoFileClip:
        if not path.exists():
            return clip
        full = np.rint(read_cube(path) * 255).astype(np.uint8)
        size = len(full) - 1

        def look(frame: np.ndarray) -> np.ndarray:
            at = (frame.astype(np.uint16) * size + 127) // 255
            return full[at[..., 2], at[..., 1], at[..., 0]]

        return clip.image_transform(look)

    frames = shot_frames(seconds)
    layers = []
    for number in range(SHOTS):
        clip = graded(VideoFileClip(str(folder / f"{number}.mp4")), folder / f"{number}.cube")
        clip = clip.with_start(float(number * (frames - OVERLAP) / FPS))
        layers.append(clip.with_effects([vfx.CrossFadeIn(float(OVERLAP / FPS))]) if number else clip)
    length = max(layer.end for layer in layers)
    badge = ImageClip(str(folder / "badge.png")).with_duration(length)
    free = (SIZE[0] - badge.w, SIZE[1] - badge.h)
    layers.append(
        badge.with_position(lambda t: (abs(97 * t % (2 * free[0]) - free[0]), abs(61 * t % (2 * free[1]) - free[1])))
    )
    film = CompositeVideoClip(layers, size=SIZE).with_duration(length)
    film = film.with_audio(AudioFileClip(str(folder / "music.wav")).with_duration(length))
    x264 = [part for key, value in WEB.options.items() if key != "preset" for part in (f"-{key}:v", value)]
    film.write_videofile(
        str(folder / "moviepy.mp4"),
        fps=24,
        codec="libx264",
        audio_codec="aac",
        preset=WEB.options["preset"],
        ffmpeg_params=[*x264, "-pix_fmt", "yuv420p"],
        logger=None,
    )


RUNNERS: dict[str, Callable[..., None]] = {"ours": ours, "ffmpeg": ffmpeg, "moviepy": moviepy}


def timed(name: str, folder: Path, seconds: int, *more: int) -> dict[str, float]:
    """Run one of them in a process of its own: wall seconds, processor seconds, peak megabytes."""
    command = [sys.executable, "-m", "tests.benchmarks.bench_master", "--run", name, "--folder", str(folder)]
    command += ["--seconds", str(seconds), *(part for times in more for part in ("--times", str(times)))]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def measured(name: str, folder: Path, seconds: int, times: int) -> None:
    """Run it here, and print what it took; imports are not counted."""
    began = time.perf_counter()
    RUNNERS[name](folder, seconds, *([times] if times > 1 else []))
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    report = {
        "wall": time.perf_counter() - began,
        "cpu": sum(part.ru_utime + part.ru_stime for part in used),
        "peak": peak() if name == "ours" else used[1].ru_maxrss / 1024,
    }
    print(json.dumps(report))  # noqa: T201


def peak() -> float:
    """This process's largest resident size so far, in megabytes; `ru_maxrss` would tell of the parent's as well."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def compare(folder: Path, arguments: argparse.Namespace) -> None:
    """Make the material, run everybody, print the ratios."""
    make_clips(folder, arguments.seconds)
    prepare_rivals(folder, arguments.seconds)
    best: dict[str, dict[str, float]] = {}
    for name in ["ours", "ffmpeg", *(["moviepy"] if arguments.moviepy else [])]:
        runs = [timed(name, folder, arguments.seconds) for _ in range(arguments.rounds)]
        best[name] = min(runs, key=lambda run: run["wall"])
        print(f"{name:8s} {best[name]['wall']:7.1f} s wall {best[name]['cpu']:7.1f} s cpu {best[name]['peak']:6.0f} MB")  # noqa: T201
    for rival in best.keys() - {"ours"}:
        for what in ("wall", "cpu"):
            print(f"ours / {rival}, {what}: {best['ours'][what] / best[rival][what]:.3f}")  # noqa: T201
    if arguments.memory:
        longer = timed("ours", folder, arguments.seconds, 10)
        print(f"peak memory, ten times as long / once: {longer['peak'] / best['ours']['peak']:.3f}")  # noqa: T201


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--moviepy", action="store_true")
    parser.add_argument("--memory", action="store_true", help="also a film ten times as long")
    parser.add_argument("--keep", type=Path, help="keep the material here")
    parser.add_argument("--run", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--times", type=int, default=1, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        measured(arguments.run, arguments.folder, arguments.seconds, arguments.times)
        return
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    if arguments.keep:
        arguments.keep.mkdir(parents=True, exist_ok=True)
        compare(arguments.keep, arguments)
        return
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        compare(Path(folder), arguments)


if __name__ == "__main__":
    main()
