"""Finishing against its rivals; `python -m tests.benchmarks master [--seconds 60]` prints the rows.

Twelve shots of 720p or 1080p, with half-second dissolves, a colour table a shot, a moving mark, and AAC, from the same
lossless clips, by the same encoder settings:

* ours: `finish` (with its colour match, which the rivals are handed ready) + the mark + `write_film`;
* ffmpeg: one command, `lut3d` in 16 bits as ours, `xfade`, `overlay`, libx264, aac;
* MoviePy: the plain script that a person would write.

The films are held against each other first: as many frames, and over 40 dB. Start-up and imports count on both sides,
signing on neither. ffmpeg is imageio-ffmpeg's build, not PyAV's: both versions are told.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile
from msgspec import Struct
from msgspec.structs import replace
from PIL import Image

from sora_cli.colour.cube import write_cube
from sora_cli.colour.grade import Grader
from sora_cli.master import finish
from sora_cli.media.clip import write_clip
from sora_cli.media.deliveries import WEB
from sora_cli.media.film import _steady, write_film
from sora_cli.media.read import open_film, read_frames
from sora_cli.plan.timeline import Bed, Cut, CutShot, Piece
from sora_cli.stamp.watermark import make_badge, with_mark
from sora_cli.store import Clip
from sora_cli.storyboard.model import Duration, Look, Transition, Watermark
from tests.benchmarks.pairs import Row, Side, in_turn, python

SHOTS, OVERLAP, FPS = 12, 12, Fraction(24)
SIZES = {720: (1280, 720), 1080: (1920, 1080)}
ALIKE = 40.0
"""Decibels that the films of both sides are like each other, at least, but for the twentieth of their pixels that
differ most: their marks take other ways.
"""
X264, KEYFRAMES = {**WEB.options, **_steady(WEB.options)}, round(2 * FPS)


class Job(Struct, frozen=True):
    """A film to make: where its clips are, how long and how high, and how often over."""

    folder: Path
    seconds: int
    height: int = 720
    times: int = 1

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return SIZES[self.height]

    @property
    def shot(self) -> int:
        """Frames a shot, so that the whole is `seconds` long with its overlaps."""
        return (round(self.seconds * FPS) + OVERLAP * (SHOTS - 1)) // SHOTS

    @property
    def frames(self) -> int:
        """Frames of the whole."""
        return self.shot * SHOTS - OVERLAP * (SHOTS - 1)

    def side(self, name: str, times: int = 1) -> Side:
        """The run of one way, in a process of its own."""
        words = (name, str(self.folder), str(self.seconds), str(self.height), str(times))
        return Side(python("-m", "tests.benchmarks.bench_master", *words), Path.cwd())


def make_clips(job: Job) -> None:
    """Pans over painted pictures, each with a little grain and a drift of its own."""
    from tests.master.painted import CASES, paint

    width, height = job.size
    for number, drift in enumerate(list(CASES.values())[:SHOTS]):
        picture = np.rint(np.clip(drift(paint("harbour", number, 300, 560)), 0, 1) * 255).astype(np.uint8)
        wide = np.asarray(Image.fromarray(picture).resize((width + 2 * job.shot, height), Image.Resampling.BICUBIC))
        grain = np.random.default_rng(number).integers(-1, 2, wide.shape, dtype=np.int16)
        wide = np.clip(wide + grain, 0, 255).astype(np.uint8)
        film = np.stack([wide[:, 2 * at : 2 * at + width] for at in range(job.shot)])
        write_clip(job.folder / f"{number}.mp4", film, FPS)
    tone = 0.1 * np.random.default_rng(0).normal(size=(48_000 * (job.seconds + 5), 2))
    soundfile.write(job.folder / "music.wav", tone.astype(np.float32), 48_000)


def the_cut(job: Job) -> Cut:
    """The film as a cut."""
    (width, height), shots = job.size, []
    for number in range(SHOTS * job.times):
        path = job.folder / f"{number % SHOTS}.mp4"
        clip = Clip(key=path.stem, path=path, sha256="", frames=job.shot, width=width, height=height, fps=FPS)
        overlap = OVERLAP if number else 0
        shots.append(
            CutShot(
                name=f"shot {number}",
                scene="one",
                start=number * (job.shot - OVERLAP),
                pieces=(Piece(clip, tuple(range(job.shot))),),
                transition=Transition("dissolve", Duration(frames=OVERLAP)) if overlap else Transition(),
                overlap=overlap,
                look=Look("scene"),
            )
        )
    return Cut(width=width, height=height, fps=FPS, shots=tuple(shots))


def ours(job: Job) -> None:
    """Finish, mark and encode as `sora` does."""
    cut = the_cut(job)
    beds = (Bed(bus="music", path=job.folder / "music.wav", start=0, end=cut.frames),) if job.times == 1 else ()
    write_film(job.folder / "ours.mp4", with_mark(finish(replace(cut, beds=beds)), Watermark()))


def prepare_rivals(job: Job) -> None:
    """Write the colour tables and the badge that the rivals are handed."""
    cut = the_cut(job)
    grader = Grader(cut)
    for number, shot in enumerate(cut.shots):
        full = grader.table(shot)
        if full is not None:
            write_cube(job.folder / f"{number}.cube", full)
    badge = make_badge(Watermark(), *job.size)
    Image.fromarray(badge.rgba).save(job.folder / "badge.png")


def ffmpeg(job: Job) -> None:
    """The same film by one ffmpeg command."""
    import imageio_ffmpeg

    inputs = [part for number in range(SHOTS) for part in ("-i", f"{number}.mp4")]
    graph = []
    for number in range(SHOTS):
        table = (job.folder / f"{number}.cube").exists()
        look = f"format=gbrp16le,lut3d=file={number}.cube:interp=tetrahedral," if table else ""
        graph.append(f"[{number}:v]{look}format=gbrp[g{number}]")
    last = "g0"
    for number in range(1, SHOTS):
        at = number * (job.shot - OVERLAP) / FPS
        graph.append(
            f"[{last}][g{number}]xfade=transition=fade:duration={float(OVERLAP / FPS)}:offset={float(at)}[x{number}]"
        )
        last = f"x{number}"
    graph.append(f"[{last}]scale=out_color_matrix=bt709:out_range=tv:flags=bicubic+accurate_rnd,format=yuv420p[y]")
    graph.append(f"[y][{SHOTS}:v]overlay=x='abs(mod(97*t,2*(W-w))-(W-w))':y='abs(mod(61*t,2*(H-h))-(H-h))'[v]")
    length = (SHOTS * (job.shot - OVERLAP) + OVERLAP) / FPS
    x264 = [part for key, value in X264.items() for part in (f"-{key}:v", value)]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error", *inputs, "-i", "badge.png", "-i", "music.wav"]
    command += ["-filter_complex", ";".join(graph), "-map", "[v]", "-map", f"{SHOTS + 1}:a", "-t", str(float(length))]
    command += ["-c:v", "libx264", *x264, "-g", str(KEYFRAMES), "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "192k"]
    command += ["-movflags", "+faststart", "ffmpeg.mp4"]
    subprocess.run(command, check=True, cwd=job.folder)


def moviepy(job: Job) -> None:
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

    folder = job.folder
    layers = []
    for number in range(SHOTS):
        clip = graded(VideoFileClip(str(folder / f"{number}.mp4")), folder / f"{number}.cube")
        clip = clip.with_start(float(number * (job.shot - OVERLAP) / FPS))
        layers.append(clip.with_effects([vfx.CrossFadeIn(float(OVERLAP / FPS))]) if number else clip)
    length = float(job.frames / FPS)  # MoviePy reads the ends of clips in hundredths of a second
    badge = ImageClip(str(folder / "badge.png")).with_duration(length)
    free = (job.size[0] - badge.w, job.size[1] - badge.h)
    layers.append(
        badge.with_position(lambda t: (abs(97 * t % (2 * free[0]) - free[0]), abs(61 * t % (2 * free[1]) - free[1])))
    )
    film = CompositeVideoClip(layers, size=job.size).with_duration(length)
    film = film.with_audio(AudioFileClip(str(folder / "music.wav")).with_duration(length))
    x264 = [part for key, value in X264.items() if key != "preset" for part in (f"-{key}:v", value)]
    film.write_videofile(
        str(folder / "moviepy.mp4"),
        fps=24,
        codec="libx264",
        audio_codec="aac",
        preset=WEB.options["preset"],
        ffmpeg_params=[*x264, "-g", str(KEYFRAMES), "-pix_fmt", "yuv420p"],
        logger=None,
    )


RUNNERS: dict[str, Callable[[Job], None]] = {"ours": ours, "ffmpeg": ffmpeg, "moviepy": moviepy}


def alike(job: Job, rival: str) -> float:
    """Decibels between our film and a rival's, over frames all through; see `ALIKE`.

    Raises:
        RuntimeError: they have other numbers of frames, or are less alike than they should be.
    """
    count = job.frames
    squares = []
    for at in range(0, count, max(1, count // 12)):
        one, other = (read_frames(job.folder / f"{name}.mp4", at, 1).astype(np.float32) for name in ("ours", rival))
        error = np.sort(((one - other) ** 2).mean(axis=-1).ravel())
        squares.append(error[: round(0.95 * error.size)].mean())
    for name in ("ours", rival):
        with open_film(job.folder / f"{name}.mp4") as film:
            if len(film.index.times) != count:
                raise RuntimeError(f"{name} has {len(film.index.times)} frames, not {count}")
    found = float(10 * np.log10(255**2 / np.mean(squares)))
    if found < ALIKE:
        raise RuntimeError(f"ours and {rival} are {found:.1f} dB alike, not {ALIKE:g}")
    return found


def rows(folder: Path, rounds: int, seconds: int = 60, *, slow: bool = True, at_once: bool = False) -> Iterator[Row]:
    """Finishing of both sizes against ffmpeg; `slow`: against MoviePy too, and memory over length. See `in_turn`."""
    for height in SIZES:
        job = Job(folder / str(height), seconds, height)
        job.folder.mkdir()
        make_clips(job)
        prepare_rivals(job)
        for rival, bar in (("ffmpeg", 1.05), ("moviepy", 0.5)):
            if rival == "moviepy" and not (slow and height == 720):
                continue
            what, sides = f"finishing {seconds} s of {height}p", (job.side("ours"), job.side(rival))
            found = in_turn(what, rival, *sides, rounds=rounds, bar=bar, at_once=at_once)
            yield replace(found, rival=f"{rival} ({alike(job, rival):.1f} dB)")
        if slow and height == 720:
            longer, once = job.side("ours", 10), job.side("ours")
            yield in_turn("the same, ten times as long (memory: at most 1.1)", "once", longer, once, rounds=1)


if __name__ == "__main__":
    name, folder, *numbers = sys.argv[1:]
    RUNNERS[name](Job(Path(folder), *map(int, numbers)))
