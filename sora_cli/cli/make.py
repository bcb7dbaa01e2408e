"""Commands that make films: generate, storyboard, batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import Struct

from sora_cli.cli import console, usage
from sora_cli.cli.look import show_plan
from sora_cli.cli.options import (
    Avoid,
    Board,
    BoardOptions,
    Deliver,
    Draft,
    DraftOptions,
    DryRun,
    EngineName,
    EngineOption,
    ExtraOptions,
    Length,
    LimitOptions,
    MemoryMode,
    Only,
    Out,
    Outside,
    Overwrite,
    ReleaseOptions,
    ReportOptions,
    Sets,
    Steps,
    StoryOptions,
    Takes,
    WorkerOptions,
    refuse_idle,
)
from sora_cli.cli.session import pairs, require, working
from sora_cli.errors import Interrupted, counted
from sora_cli.plain import as_data

if TYPE_CHECKING:  # each command imports what it needs, so that `--help` and the like start at once
    from sora_cli.flows.batch import Outcome
    from sora_cli.flows.extras import Extras
    from sora_cli.flows.film import MakeOptions
    from sora_cli.flows.interactive import ReleasedStory
    from sora_cli.record.sidecar import ReleasedFilm
    from sora_cli.storyboard.model import Storyboard


class ShotOptions(Struct, frozen=True):
    """What a storyboard of one shot would say."""

    image: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Start from this picture, or the end of this film.")
    ] = None
    to_image: Annotated[Path | None, typer.Option(metavar="FILE", help="End on this picture.")] = None
    reference: Annotated[
        list[Path] | None, typer.Option(metavar="PICTURE", help="Show this person or thing; repeatable.")
    ] = None
    duration: Length = None
    size: Annotated[str | None, typer.Option(metavar="SIZE", help="Make it this large: 480x320, or 720p.")] = None
    aspect: Annotated[
        str | None,
        typer.Option(
            metavar="SHAPE",
            help="Give it this shape: 16:9, 9:16 or 1:1. Keeps the height; with 720p, the shorter side.",
        ),
    ] = None
    fps: Annotated[str | None, typer.Option(metavar="RATE", help="Show this many frames a second.")] = None
    takes: Takes = None
    seed: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Draw the noise from this seed: same seed, same clip.")
    ] = None
    engine: EngineName = None
    style: Annotated[str | None, typer.Option(metavar="WORDS", help="Draw or film it in this style.")] = None
    avoid: Avoid = None
    camera: Annotated[str | None, typer.Option(metavar="WORDS", help="Move the camera like this.")] = None
    steps: Steps = None
    option: EngineOption = None

    def storyboard(self, words: str, memory: str | None) -> dict[str, object]:
        """The storyboard of one shot with this prompt, as plain data."""
        from sora_cli.storyboard.given import Given, given

        shot: dict[str, object] = {
            "prompt": Given(words, "PROMPT"),
            "from": given("--image", self.image),
            "to": given("--to-image", self.to_image),
            "reference": self.reference and [given("--reference", path) for path in self.reference],
            "options": sampling(self.steps, self.option) or None,
            **{name: given(f"--{name}", getattr(self, name)) for name in WRITTEN_AS_THEY_ARE},
        }
        sizes = written({name: given(f"--{name}", getattr(self, name)) for name in ("size", "aspect", "fps")})
        return {
            "title": Given(" ".join(words.split()), "PROMPT"),
            "shots": [written(shot)],
            "memory": given("--memory", memory),
            "output": sizes or None,
        }


WRITTEN_AS_THEY_ARE = ("duration", "seed", "engine", "style", "avoid", "camera", "takes")
"""Options whose names and values are those of a storyboard."""


def generate(
    prompt: Annotated[list[str], typer.Argument(metavar="PROMPT...", help="What happens, in quotes or not.")],
    output: Out = None,
    dry_run: DryRun = False,
    *,
    shot: ShotOptions,
    drafts: DraftOptions,
    memory: MemoryMode = None,
    release: ReleaseOptions,
    reporting: ReportOptions,
    limits: LimitOptions,
    workers: WorkerOptions,
) -> None:
    """Make one clip from a prompt."""
    from sora_cli.flows import film, places, preview

    words = usage.prompt_of(prompt)
    if dry_run:
        require(reporting, limits)
        board = drafts.on(film.one_shot(shot.storyboard(words, memory)))
        view = preview.planned(board, draft=drafts.draft, workers=workers.asked(board))
        out, kind = places.target(output, partial(places.free_name, words), release.deliver)
        film.require_place(view.plan, out, deliver=kind, signer=release.signer(), overwrite=release.overwrite)
        show_plan(view, as_json=reporting.as_json)
        return
    with working(reporting, limits, workers) as (report, studio), ExitStack() as claims:
        board = drafts.on(film.one_shot(shot.storyboard(words, memory)))
        out, kind = places.target(output, partial(places.claimed_name, claims, words), release.deliver)
        how = make_options(release, draft=drafts.draft)
        made = film.make(board, out, report=report, studio=studio, deliver=kind, **how)
    show_film(made, as_json=reporting.as_json)


def make_options(release: ReleaseOptions, *, draft: bool = False, only: Sequence[str] = ()) -> MakeOptions:
    """How a film is made and released."""
    return {"draft": draft, "only": only, "signer": release.signer(), "overwrite": release.overwrite}


def show_story(story: ReleasedStory, *, as_json: bool) -> None:
    """Tell of a story by choice that was delivered."""
    if as_json:
        console.stdout_json(story.as_dict())
    console.show_summary(str(story.page), story.facts)


def sampling(steps: str | None, option: list[str] | None) -> dict[str, object]:
    """The options of an engine that a command line gives a shot."""
    from sora_cli.storyboard.given import given

    named = pairs(option, "--option").items()
    own = {key: given("--option", value, f"--option {key}={value}") for key, value in named}
    return {**({"steps": given("--steps", steps)} if steps else {}), **own}


def written(values: Mapping[str, object]) -> dict[str, object]:
    """What is given, of options that may be left out."""
    return {key: value for key, value in values.items() if value is not None}


def show_film(made: ReleasedFilm, *, as_json: bool) -> None:
    """Tell of a film that was made, or was there."""
    if as_json:
        console.stdout_json(made.as_dict())
    title = f"{made.path} is up to date" if made.reused else f"{made.path}"
    console.show_summary(title, made.facts(console.duration))


def storyboard(
    file: Board,
    output: Out = None,
    only: Only = None,
    dry_run: DryRun = False,
    *,
    reading: BoardOptions,
    drafts: DraftOptions,
    beside: ExtraOptions,
    release: StoryOptions,
    reporting: ReportOptions,
    limits: LimitOptions,
    workers: WorkerOptions,
) -> None:
    """Make the film of a storyboard; rerun to resume."""
    from sora_cli.flows import film, interactive, places, preflight, preview, subtitles
    from sora_cli.flows.extras import Extras

    shots, story = only or (), release.deliver == interactive.NAME
    if story:
        beside.refuse_folders()

    def load() -> Storyboard:
        place = places.by_title(output, None if story else release.deliver)
        board = preflight.load(file, **reading.asked(), executor=workers.executor, place=place)
        return subtitles.asked(drafts.on(board), beside.subtitles)

    def placed(board: Storyboard) -> tuple[Path, str, Extras]:
        out, kind = places.target(output, partial(places.default_name, board), release.deliver)
        how = make_options(release, draft=drafts.draft, only=shots)
        return out, kind, Extras(board=board, luts=beside.luts, stems=beside.stems, how=how)

    if dry_run:
        require(reporting, limits)
        board = load()
        view = preview.planned(board, draft=drafts.draft, only=shots, workers=workers.asked(board))
        if story:
            interactive.require(board, output, shots)
        else:
            out, kind, also = placed(board)
            film.require_place(view.plan, out, deliver=kind, signer=release.signer(), overwrite=release.overwrite)
            also.check()
        show_plan(view, as_json=reporting.as_json)
        return
    with working(reporting, limits, workers) as (report, studio):
        board, how = load(), make_options(release, draft=drafts.draft, only=shots)
        if story:
            told = interactive.make(board, output, report=report, studio=studio, how=how)
            show_story(told, as_json=reporting.as_json)
            return
        out, kind, also = placed(board)
        also.check()
        made = film.make(board, out, report=report, studio=studio, deliver=kind, **how)
        also.write(studio)
    show_film(made, as_json=reporting.as_json)


class StillOptions(Struct, frozen=True):
    """What is asked of stills."""

    again: Annotated[
        list[str] | None,
        typer.Option("--again", metavar="STILL", help="Make this one again, with another seed. Repeatable."),
    ] = None
    approve: Annotated[
        list[str] | None,
        typer.Option("--approve", metavar="STILL", help="Use this one; STILL=2 is the second of it. Repeatable."),
    ] = None
    approve_all: Annotated[bool, typer.Option("--approve-all", help="Use all as they are.")] = False


def stills(
    file: Board,
    output: Annotated[
        str | None, typer.Option("-o", "--output", metavar="PLACE", help="Write the picture, or the animatic, here.")
    ] = None,
    animatic: Annotated[
        bool, typer.Option("--animatic", help="Make a film of the stills, as long as their shots, with its sound.")
    ] = False,
    *,
    asked: StillOptions,
    reading: BoardOptions,
    release: ReleaseOptions,
    reporting: ReportOptions,
    limits: LimitOptions,
    workers: WorkerOptions,
) -> None:
    """Make, show and approve the stills that shots begin on."""
    from sora_cli.flows import film, places, preflight
    from sora_cli.flows import stills as flow

    if not animatic:
        refuse_idle("--animatic", deliver=release.deliver, sign_cert=release.sign_cert, sign_key=release.sign_key)
    wishes = flow.Wishes(asked.again or (), asked.approve or (), asked.approve_all)
    with working(reporting, limits, workers) as (report, studio):
        board = preflight.load(file, **reading.asked(), executor=workers.executor)
        picture = None if animatic else places.stills_name(board, output)
        flow.check(board, picture, overwrite=release.overwrite)
        with flow.chosen(board, wishes, studio.store) as board:
            if picture is not None:
                shown = flow.show(board, picture, report=report, studio=studio)
            else:
                out, kind = places.target(output, partial(places.animatic_name, board), release.deliver)
                how = make_options(release)
                made = film.make(board, out, report=report, studio=studio, deliver=kind, animatic=True, **how)
                flow.noted(board, studio.store)
    if picture is None:
        show_film(made, as_json=reporting.as_json)
        return
    if reporting.as_json:
        console.stdout_json(shown.as_dict())
    elif not reporting.events:
        console.show_table(flow.COLUMNS, list(shown.table()), right=("number", "at", "length", "seed"))
    console.say(f"picture: {shown.picture}", "green")


def batch(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILES...", help="Storyboards; or a CSV list, one row a film.")
    ],
    folder: Annotated[Path, typer.Option("-o", "--output", metavar="FOLDER", help="Write the films here.")] = Path(),
    sets: Sets = None,
    draft: Draft = False,
    keep_going: Annotated[bool, typer.Option("--keep-going", help="Make the other films when one fails.")] = False,
    jobs: Annotated[
        int, typer.Option(min=1, max=64, help="Make this many films at once: one is shot while others are finished.")
    ] = 1,
    allow_outside: Outside = False,
    *,
    deliver: Deliver = None,
    overwrite: Overwrite = False,
    reporting: ReportOptions,
    limits: LimitOptions,
    workers: WorkerOptions,
) -> None:
    """Make many films in one go. Give it storyboards, or one with a CSV row of variables for each film."""
    from sora_cli.flows import batch as films

    with working(reporting, limits, workers) as (report, studio):
        asked = films.entries(files, report)
        options = films.BatchOptions(
            folder=folder,
            sets=pairs(sets, "--set"),
            draft=draft,
            allow_outside=allow_outside,
            keep_going=keep_going,
            jobs=jobs,
            deliver=deliver,
            overwrite=overwrite,
            executor=workers.executor,
        )
        outcomes = films.run(asked, studio, report, options)
        _show_outcomes(outcomes, reporting)
        if studio.cancel.signal is not None and studio.cancel.reason in {outcome.reason for outcome in outcomes}:
            raise Interrupted(studio.cancel.signal, told=True)
    if any(outcome.exit_code for outcome in outcomes):
        raise typer.Exit(1)


def _show_outcomes(outcomes: Sequence[Outcome], reporting: ReportOptions) -> None:
    from sora_cli.flows.batch import COLUMNS

    if reporting.as_json:
        console.stdout_json([as_data(outcome) for outcome in outcomes])
    elif not reporting.events:  # a program reads stdout, and has heard how each film ended
        console.show_table(COLUMNS, [outcome.row for outcome in outcomes], right=("length", "took"))
    counts = Counter(outcome.state for outcome in outcomes)
    failed = counts["failed"] + counts["not tried"]
    words = ", ".join(f"{count} {state}" for state, count in counts.items())
    console.say(f"{counted(len(outcomes), 'film')}: {words}", "bold red" if failed else "bold green")
