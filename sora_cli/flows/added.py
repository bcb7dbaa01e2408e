"""Films and pictures that an editor added to a cut from outside its export; they play as they are."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from fractions import Fraction
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from msgspec import Struct, field
from msgspec.structs import replace

from sora_cli.errors import MediaError, RequestError
from sora_cli.events import Note, Report
from sora_cli.flows.edit import whole_shot
from sora_cli.flows.probed import probed
from sora_cli.interchange.assembly import EditEvent, frame_of
from sora_cli.interchange.cutlist import name_of
from sora_cli.lock import scratch
from sora_cli.media.read import Probe
from sora_cli.media.read.opening import opened
from sora_cli.plan.timeline import CutShot
from sora_cli.storyboard.files import PICTURES, suffix
from sora_cli.storyboard.model import Look


class Media(Struct):
    """The files that a timeline names: where it says, beside it, or in it where it is a bundle (`.otioz`)."""

    timeline: Path
    bundle: zipfile.ZipFile | None = None
    folder: Path = Path()
    """Where those of a bundle are unpacked."""
    inside: dict[Path, Path] = field(default_factory=dict)
    """The names of those that were, by their files: as if the bundle were a folder."""

    def find(self, event: EditEvent) -> Path | None:
        """The file that an event names; None if there is none.

        Raises:
            MediaError: it is in the bundle, and cannot be unpacked.
        """
        if not event.clip:
            return None
        address = unquote(urlsplit(event.clip).path) if "://" in event.clip else event.clip
        name = name_of(event.clip)
        if self.bundle is not None and (part := _member(self.bundle, address, name)) is not None:
            return self._unpacked(self.bundle, part)
        places = (self.timeline.parent / each for each in (address, name) if each)
        return next((path for path in places if path.is_file()), None)

    def _unpacked(self, bundle: zipfile.ZipFile, part: zipfile.ZipInfo) -> Path:
        path = self.folder / PurePosixPath(part.filename).name
        if path in self.inside:
            return path
        if part.file_size > shutil.disk_usage(self.folder).free:
            raise MediaError(f"no room to unpack {part.filename} of {self.timeline}", hint="make room on the disk")
        try:
            with bundle.open(part) as packed, path.open("xb") as file:
                shutil.copyfileobj(packed, file)
        except (OSError, RuntimeError, NotImplementedError, zipfile.BadZipFile) as error:
            raise MediaError(
                f"cannot unpack {part.filename} of {self.timeline}: {error}", hint="export the bundle again"
            ) from error
        self.inside[path] = self.timeline / part.filename
        return path


def _member(bundle: zipfile.ZipFile, address: str, name: str) -> zipfile.ZipInfo | None:
    """The file in a bundle that an address names, as it stands or by its name in the folder of media."""
    parts = {part.filename: part for part in bundle.infolist() if not part.is_dir()}
    return parts.get(address) or parts.get(f"media/{name}")


@contextmanager
def media_of(timeline: Path) -> Iterator[Media]:
    """The files of a timeline, for as long as the block lasts.

    Raises:
        MediaError: it is a bundle that cannot be opened.
    """
    if timeline.suffix.lower() != ".otioz":
        yield Media(timeline)
        return
    with ExitStack() as stack:
        try:
            bundle = stack.enter_context(zipfile.ZipFile(timeline))
        except (OSError, zipfile.BadZipFile) as error:
            raise MediaError(f"cannot read {timeline}: {error}", hint="export it again") from error
        yield Media(timeline, bundle, stack.enter_context(scratch()))


def first_frame(path: Path, fps: Fraction) -> int:
    """The number of a film's first frame by its own timecode, at `fps` frames a second; 0 where it has none.

    Raises:
        MediaError: it cannot be read.
    """
    if suffix(path.name) in PICTURES:
        return 0
    with opened(path) as film:
        told = (each.metadata.get("timecode", "") for each in (film, *film.streams))
        words = next(filter(None, told), "")
    with suppress(RequestError):
        return frame_of(words, fps)[0]
    return 0


def shots_of(
    paths: Sequence[Path], fps: Fraction, start: int, report: Report, inside: Mapping[Path, Path]
) -> list[CutShot]:
    """Each file as a whole shot, with its own colours and sound; a note names each. A picture is a shot of one frame.

    They stand at `start`, after the film, until the editor's cut places them. `inside` names those of a bundle.

    Raises:
        MediaError: a file is no film or picture, is cut short or damaged, or is in high dynamic range.
    """
    found = []
    for path in paths:
        facts = probed(path, report, may_be_picture=True, words=False)
        what = "it is shown as it is" if facts.kind == "picture" else "it plays unchanged"
        report(Note(f"{path.name} is not part of this export; {what}", str(inside.get(path, path))))
        found.append(whole_shot(_at(facts, fps), fps, Look("off"), name=path.stem, start=start))
    return found


def _at(facts: Probe, fps: Fraction) -> Probe:
    """A picture has no rate of its own."""
    return replace(facts, fps=fps) if facts.kind == "picture" else facts
