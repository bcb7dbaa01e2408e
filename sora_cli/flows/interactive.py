"""A story by choice, delivered: each passage as a film of its own, how they hang together, and a page that plays it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from pydantic import JsonValue

from sora_cli import __version__, atomic
from sora_cli.errors import Problem, RequestError
from sora_cli.events import Note, Report
from sora_cli.flows import outputs, parts, places
from sora_cli.plan import Plan
from sora_cli.plan.timeline import words_said
from sora_cli.record.sidecar import ReleasedFilm
from sora_cli.storyboard.model import Storyboard
from sora_cli.storyboard.story import Passage, has_choices, story_of

if TYPE_CHECKING:
    from sora_cli.flows.film import MakeOptions
    from sora_cli.shoot.studio import Studio

NAME = "interactive"
"""How a story by choice is called among deliveries."""
PAGE, GRAPH = "index.html", "story.json"


class ReleasedStory(Struct, frozen=True):
    """A story that was delivered: its page, its graph, and the films of its passages."""

    page: Path
    graph: Path
    films: tuple[ReleasedFilm, ...]
    remarks: tuple[Problem, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """Plain data, for `--json`."""
        films = [made.as_dict() for made in self.films]
        remarks = [remark.as_dict() for remark in self.remarks]
        return {"page": str(self.page), "graph": str(self.graph), "films": films, "remarks": remarks}

    @property
    def facts(self) -> dict[str, str]:
        """What the closing summary tells."""
        made = sum(not each.reused for each in self.films)
        return {
            "passages": f"{len(self.films)}, {made} made now",
            "graph": str(self.graph),
            "signed by": self.films[0].signer,
        }


def require_choices(board: Storyboard) -> None:
    """Refuse a storyboard that is not told by choice.

    Raises:
        RequestError: no shot has `choices`.
    """
    if not has_choices(board):
        raise RequestError(
            "this storyboard has no choices",
            hint="to make its film: sora storyboard FILE; or give a shot `choices: [{say: Stay, go: pier}, ...]`",
        )


def require(board: Storyboard, asked: str | None, only: Sequence[str]) -> Path:
    """The folder that a story goes to: `asked`, else one that is named after it.

    Raises:
        RequestError: it has no choices, or only a part of it is asked for, or a file is where it goes.
    """
    require_choices(board)
    if only:
        raise RequestError("--only: a story by choice is made whole", hint="sora play FILE --path makes a part of it")
    folder = Path(asked) if asked else Path(f"{places.default_name(board).stem}-{NAME}")
    if folder.exists() and not folder.is_dir():
        raise RequestError(f"cannot deliver a story to {folder}: it is a file", hint="name a folder with -o")
    return folder


def make(board: Storyboard, asked: str | None, *, report: Report, studio: Studio, how: MakeOptions) -> ReleasedStory:
    """Deliver a story into a folder: `asked`, else one that is named after it.

    Raises:
        RequestError: it has no choices, or something else is where it goes.
        SoraError: as `film.make` does; the films that were made until then are kept.
    """
    job = _Job(board, require(board, asked, how["only"]))
    planned = job.planned(how)
    told = tuple(job.told())
    for remark in told:
        report(Note.of(remark))
    made = tuple(parts.films(planned, report=report, studio=studio, how=how))
    job.write(planned, made)
    remarks = dict.fromkeys((*told, *(remark for each in made for remark in each.remarks)))
    return ReleasedStory(job.folder / PAGE, job.folder / GRAPH, made, tuple(remarks))


class _Job:
    """One story and the folder that it goes to."""

    def __init__(self, board: Storyboard, folder: Path) -> None:
        self.board, self.folder = board, folder
        self.story = story_of(board.shots)
        self._source = board.path.name if board.path else board.title
        self._maker = outputs.maker_of(board)

    def planned(self, how: MakeOptions) -> list[parts.Part]:
        """The films of the passages, in the order of the storyboard; nothing else is where the story goes.

        Raises:
            SoraError: as `parts.planned` does.
        """
        owns: dict[Path, outputs.Own] = {
            self.folder / PAGE: self._own_page,
            self.folder / GRAPH: outputs.own_note(self._maker),
        }
        files = places.each_once(map(places.slug, self.story))  # each named after its first shot
        wanted = {
            self.folder / f"{file}.mp4": each.shots for file, each in zip(files, self.story.values(), strict=True)
        }
        planned = parts.planned(self.board, wanted, how, also=owns)
        with atomic.writing(self.folder, "name another folder"):
            self.folder.mkdir(parents=True, exist_ok=True)
        return planned

    def _own_page(self, path: Path) -> bool:
        from sora_cli.page.render import is_page_of

        return is_page_of(path, self._source)

    def told(self) -> Iterator[Problem]:
        """What of the storyboard is not in the story as it is written."""
        first = next(iter(self.story))
        for shot in self.board.shots:
            if shot.name in self.story and shot.name != first and shot.transition.kind != "cut":
                message = f"{shot.name} begins with a cut: what comes before it is chosen, so nothing can overlap"
                hint = f"its {shot.transition.kind} plays in the films of `sora play`"
                yield Problem(message, hint, self.board.mark((*shot.loc, "transition")))

    def write(self, planned: Sequence[parts.Part], films: Sequence[ReleasedFilm]) -> None:
        """Write the graph and the page."""
        from sora_cli.page.render import render_player

        passages: dict[str, JsonValue] = {
            passage.name: self._passage(passage, part.plan, made)
            for passage, part, made in zip(self.story.values(), planned, films, strict=True)
        }
        plan = planned[0].plan
        story: dict[str, JsonValue] = {
            "title": self.board.title or self._source,
            "start": next(iter(self.story)),
            "width": plan.width,
            "height": plan.height,
            "passages": passages,
        }
        about = {"sora": __version__, "made_by": self._maker.record(self.folder).to_dict()}
        graph = json.dumps({**about, **story}, indent=1, ensure_ascii=False) + "\n"
        with atomic.writing(self.folder):
            atomic.write(self.folder / GRAPH, graph)
            atomic.write(self.folder / PAGE, render_player(str(story["title"]), self._source, story))

    def _passage(self, passage: Passage, plan: Plan, made: ReleasedFilm) -> dict[str, JsonValue]:
        """A passage as data: its film, what is said in it, and where it leads; `go` is null where the story ends."""
        said = () if self.board.subtitles == "burn" else words_said(plan)
        return {
            "file": made.path.name,
            "frames": made.frames,
            "seconds": made.seconds,
            "shots": [*passage.shots],
            "captions": [{"start": each.start, "end": each.end, "text": each.text} for each in said],
            "choices": [
                {
                    "say": choice.say,
                    "go": choice.go or None,
                    "after": None if choice.after is None else float(choice.after),
                }
                for choice in passage.choices
            ],
        }
