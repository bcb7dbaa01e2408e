"""Cut -> master: the finished film as a stream."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import av

from sora_cli.colour.grade import Grader
from sora_cli.errors import MediaError
from sora_cli.events import Report
from sora_cli.master.burn import burnt, lettered
from sora_cli.master.picture import Grade, pictures
from sora_cli.master.sound import soundtrack
from sora_cli.media.deliveries import WEB
from sora_cli.media.read.shelf import Open, Shelf
from sora_cli.media.stream import Chapter, Master
from sora_cli.plan.timeline import Cut


def finish(
    cut: Cut,
    loudness: float | None = None,
    *,
    pixels: str = WEB.pixels,
    report: Report | None = None,
    grade: Grade | None = None,
    films: Open | None = None,
) -> Master:
    """Finish a cut. Nothing is decoded before the master is asked for its pictures or its sound.

    `loudness` is what the sound is brought to, LUFS; it stays as it is where None, its peaks held. `pixels` is the
    pixel format that the pictures come in: that of the delivery, so that each pixel is converted once. `report` hears
    where the sound cannot come out as loud as asked. `grade` says how each shot is graded, where its look does not.
    `films` opens clips that somebody has looked at already.

    Raises:
        MediaError: the cut is empty. Later, from the master's streams: a clip is missing, damaged or too short.
    """
    if not cut.shots:
        raise MediaError("cannot finish the film: it has no shots")
    burn = cut.subtitles if cut.subtitled == "burn" else ()

    def play() -> Iterator[av.VideoFrame]:
        with Shelf() as own:
            opener = films or own.open
            shown = pictures(cut, pixels, grade or Grader(cut, opener).steps, opener)
            yield from burnt(shown, burn, cut)

    return Master(
        width=cut.width,
        height=cut.height,
        fps=cut.fps,
        frames=cut.frames,
        pictures=play,
        sound=soundtrack(cut, loudness, report),
        title=cut.title,
        author=cut.author,
        chapters=chapters(cut),
        subtitles=cut.subtitles if cut.subtitled == "track" else (),
        lettered=lettered(burn, cut.width, cut.height),
    )


def chapters(cut: Cut) -> tuple[Chapter, ...]:
    """A chapter for each run of shots of one scene; it starts where the scene's first shot comes in."""
    runs = [(scene, next(shots).start) for scene, shots in groupby(cut.shots, key=lambda shot: shot.scene)]
    ends = [start for _, start in runs[1:]] + [cut.frames]
    return tuple(Chapter(scene, start, end) for (scene, start), end in zip(runs, ends, strict=True))
