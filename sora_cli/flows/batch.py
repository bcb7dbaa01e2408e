"""Many films in one process: storyboards, or one storyboard with a row of variables for each film.

Engines stay loaded from one film to the next, and films are ordered so that each is loaded once. One film is shot at
a time; with more than one job the film before it is finished meanwhile.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from functools import partial
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from sora_cli import storyboard
from sora_cli.bounded import open_regular
from sora_cli.errors import DeviceLost, Interrupted, Problem, RequestError, SoraError, refusal
from sora_cli.events import About, Event, FilmEnded, FilmStarted, Note, Report
from sora_cli.flows import film, outputs, places, preflight, subtitles
from sora_cli.flows.rows import OTHERS, is_list, read_rows
from sora_cli.flows.searching import Finder
from sora_cli.interchange.workbook import HINT_SAVED
from sora_cli.record import sidecar
from sora_cli.record.sidecar import ReleasedFilm
from sora_cli.shoot.studio import Studio
from sora_cli.storyboard.given import Cell
from sora_cli.texts import as_typed

BOARD, OUTPUT = "storyboard", "output"
"""Columns of a list with a meaning of their own; all others are variables."""
_PROMPT = re.compile(r"(?:\w+_)?prompts?|description", re.IGNORECASE)
"""A column that says what is seen."""


class Entry(Struct, frozen=True):
    """One film of a batch: `source` is where it was asked for, `output` its name where one was given."""

    source: str
    board: Path
    sets: Mapping[str, str] = field(default_factory=dict)
    output: str = ""
    row: int = 0


class CheckedEntry(Struct, frozen=True):
    """An entry without mistakes: where its film goes, and which engines it needs."""

    entry: Entry
    out: Path
    deliver: str
    engines: tuple[str, ...]
    sources: tuple[Path, ...]
    """What it is made from."""
    notes: tuple[Note, ...] = ()
    """What its author should know before anything is shot."""


class Outcome(Struct, frozen=True):
    """What became of one film. `state` is made, up to date, failed or not tried."""

    source: str
    state: str
    film: str = ""
    seconds: float = 0.0
    """How long it took."""
    length: float = 0.0
    """How long the film is, in seconds."""
    reason: str = ""
    hint: str = ""
    exit_code: int = 0
    remarks: tuple[dict[str, str | int], ...] = ()
    """What `check` would remark of its storyboard."""

    @property
    def row(self) -> list[str]:
        """Its row of the summary table."""
        length = f"{self.length:.2f}" if self.film and not self.reason else ""
        return [self.film or self.source, self.state, length, f"{self.seconds:.1f}", self.reason.partition("\n")[0]]


COLUMNS = ("film", "state", "length", "took", "why")


class BatchOptions(Struct, frozen=True, kw_only=True):
    """How a batch is made: `folder` takes the films, all of the kind `deliver`; `jobs` are worked on at once."""

    folder: Path
    sets: Mapping[str, str] = field(default_factory=dict)
    draft: bool = False
    allow_outside: bool = False
    keep_going: bool = False
    jobs: int = 1
    deliver: str | None = None
    """The kind of films; None: as their names' endings say, else the usual."""
    overwrite: bool = False
    executor: str | None = None
    """Where takes are made; None: as storyboards say."""


def entries(files: Sequence[Path], report: Report) -> list[Entry]:
    """What the files ask for: storyboards, and lists (CSV) of storyboards or of variables for one storyboard.

    Raises:
        RequestError: a list cannot be read, or names no storyboard.
    """
    for path in files:
        if what := OTHERS.get(path.suffix.lower()) or _json_list(path):
            raise RequestError(f"{path} is {what}, not a CSV list", hint=HINT_SAVED)
    boards = [path for path in files if not is_list(path)]
    names = (BOARD, OUTPUT)
    lists = [(path, read_rows(path, report, lower=names)) for path in files if is_list(path)]
    bare = [path for path, rows in lists if any(not row.get(BOARD) for row in rows.values())]
    if bare and len(boards) != 1:
        message = f"{bare[0]} has rows that name no storyboard"
        hint = f"give it a column `{BOARD}`, or name one storyboard beside it"
        raise RequestError(message, hint=(not boards and _of_prompts(bare[0], dict(lists)[bare[0]])) or hint)
    found = [] if bare else [Entry(str(path), path) for path in boards]
    for path, rows in lists:
        _tell_empty(path, rows, report)
        for number, row in rows.items():
            columns = row.keys() - {BOARD, OUTPUT}
            sets = {key: Cell.at(f"{path} row {number}, column {key}", row[key]) for key in sorted(columns)}
            board = path.parent / row[BOARD] if row.get(BOARD) else boards[0]
            found.append(Entry(f"{path} row {number}", board, sets, row.get(OUTPUT, ""), number))
    return found


def _json_list(path: Path) -> str:
    """What a file in JSON is that holds a list, and so no storyboard; empty for others."""
    if path.suffix.lower() != ".json":
        return ""
    with suppress(OSError), open_regular(path) as file:
        return "a list in JSON" if file.read(64).lstrip().startswith(b"[") else ""
    return ""  # why it cannot be read is told where it is


def _of_prompts(path: Path, rows: Mapping[int, Mapping[str, str]]) -> str:
    """What to do with a list of prompts; empty for other lists."""
    prompt = next((name for row in rows.values() for name in row if _PROMPT.fullmatch(name)), "")
    film = f"for a film a row, name a storyboard with `vars: {{{prompt}: a ball}}` and `shots: ['${{{prompt}}}']`"
    return f"{film}; for one film of all rows: sora import {as_typed(path)}" if prompt else ""


def _tell_empty(path: Path, rows: Mapping[int, Mapping[str, str]], report: Report) -> None:
    """Tell of variables that a row has no value for, and others have: its film takes the storyboard's own."""
    for name in dict.fromkeys(name for row in rows.values() for name in row if name not in {BOARD, OUTPUT}):
        if empty := [str(number) for number, row in rows.items() if name not in row]:
            which = f"row {empty[0]}" if len(empty) == 1 else f"rows {', '.join(empty[:5])}{' ...' * (len(empty) > 5)}"
            report(Note(f"{path}: {which}: `{name}` is empty: the storyboard's own value is taken"))


def run(asked: Sequence[Entry], studio: Studio, report: Report, options: BatchOptions) -> list[Outcome]:
    """Make the films, and return what became of each, in the order they were asked for.

    All storyboards are read and planned first, so that mistakes are reported before the first is shot.

    Raises:
        SoraError: without `keep_going`, what is wrong with storyboards; nothing was made.
        DeviceLost: the GPU is gone, and every other film needs it too.
    """
    jobs, outcomes = _checked(asked, options)
    _check_names(jobs)
    order = {engines: number for number, engines in reversed(list(enumerate(job.engines for job in jobs)))}
    jobs.sort(key=lambda job: order[job.engines])
    for job in jobs:
        for note in job.notes:
            report(About(str(job.out), note))
    outcomes += _Running(studio, report, options).run(jobs)
    places = {entry.source: number for number, entry in enumerate(asked)}
    return sorted(outcomes, key=lambda outcome: places[outcome.source])


def _checked(asked: Sequence[Entry], options: BatchOptions) -> tuple[list[CheckedEntry], list[Outcome]]:
    """The entries without mistakes, and outcomes of the others; a mistake raises unless `keep_going` is set."""
    jobs, wrong, errors = [], [], []
    for entry in asked:
        try:
            jobs.append(_check(entry, options))
        except SoraError as error:
            errors.append(error)
            wrong.append(_failed(entry, error))
    if errors and not options.keep_going:
        raise errors[0] if len(errors) == 1 else refusal([*dict.fromkeys(_told(errors))])
    return jobs, wrong


def _told(errors: Sequence[SoraError]) -> Iterator[Problem]:
    """What is wrong with several storyboards, as one list."""
    for error in errors:
        code = error.exit_code if error.exit_code in {3, 4} else 2
        yield from error.problems or [Problem(error.message, error.hint, None, code)]


def _deliver(entry: Entry, options: BatchOptions) -> str:
    from sora_cli.media.deliveries import kind_of

    ending = kind_of(Path(entry.output))
    return options.deliver or (ending.name if ending else places.WEB)


def _place(entry: Entry, options: BatchOptions, title: str) -> Path:
    """Where the film of an entry goes, by its title.

    Raises:
        RequestError: it leaves the folder of the films.
    """
    out = Path(entry.output) if entry.output else places.of_title(title, _deliver(entry, options))
    if entry.row and not entry.output:
        out = out.with_name(f"{out.stem}-{entry.row}{out.suffix}")
    if out.is_absolute() or ".." in out.parts:
        message = f"{entry.source}: the output {entry.output} leaves the folder of the films"
        raise RequestError(message, hint="name it within that folder; -o names another")
    return options.folder / out


def _check(entry: Entry, options: BatchOptions) -> CheckedEntry:
    from sora_cli.media.deliveries import delivery

    sets, place = {**entry.sets, **options.sets}, partial(_place, entry, options)
    board = preflight.load(
        entry.board, sets=sets, allow_outside=options.allow_outside, executor=options.executor, place=place
    )
    plan = preflight.plan_of(board, draft=options.draft)
    preflight.require_ready(plan)
    out, deliver = place(board.title or entry.board.stem), _deliver(entry, options)
    places.check_place(out, delivery(deliver))
    also = subtitles.of_film(plan, out)
    outputs.check_outputs(board, out, delivery(deliver), overwrite=options.overwrite, also=also)
    engines = tuple(dict.fromkeys(take.engine for take in plan.takes))
    notes = tuple(Note.of(remark) for remark in plan.remarks)
    return CheckedEntry(entry, out, deliver, engines, tuple(outputs.sources_of(board, None)), notes)


def _check_names(jobs: Sequence[CheckedEntry]) -> None:
    """Refuse two films with one name, and a film that another is made from: one would replace the other."""
    seen: dict[str, Entry] = {}
    for job in jobs:
        other = seen.setdefault(outputs.spelled(job.out), job.entry)
        if other is not job.entry:
            raise RequestError(
                f"{other.source} and {job.entry.source} would both be written to {job.out}",
                hint=f"give the films different titles, or an `{OUTPUT}` column in a list",
            )
    sources = [source for job in jobs for source in job.sources]
    written = [path for job in jobs for path in (job.out, *sidecar.beside(job.out))]
    outputs.check(dict.fromkeys(written, lambda _path: True), sources)


def _failed(entry: Entry, error: Exception, seconds: float = 0.0) -> Outcome:
    if isinstance(error, SoraError):
        return Outcome(entry.source, "failed", "", seconds, 0.0, error.message, error.hint, error.exit_code)
    words, hint = (
        f"{type(error).__name__}: {error}",
        "this is a bug in sora; run that storyboard on its own for the details",
    )
    return Outcome(entry.source, "failed", "", seconds, 0.0, words, hint, 1)


class _Running:
    """Makes a batch whose storyboards are right."""

    def __init__(self, studio: Studio, report: Report, options: BatchOptions) -> None:
        self._studio = studio
        self._report = report
        self._options = options
        self._why = ""

    def run(self, jobs: Sequence[CheckedEntry]) -> list[Outcome]:
        """Make the films, one after another or several at once."""
        numbered = [(job, number, len(jobs)) for number, job in enumerate(jobs, 1)]
        if self._options.jobs == 1:
            return [self._make(*each) for each in numbered]
        return list(self._beside(numbered))

    def _beside(self, numbered: Sequence[tuple[CheckedEntry, int, int]]) -> Iterator[Outcome]:
        with ThreadPoolExecutor(self._options.jobs, thread_name_prefix="film") as pool:
            waiting: set[Future[Outcome]] = {pool.submit(self._make, *each) for each in numbered}
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)

    def _make(self, job: CheckedEntry, number: int, of: int) -> Outcome:
        """Make one film; a failure is an outcome as well."""
        source, out, options = job.entry.source, str(job.out), self._options
        if why := self._studio.cancel.reason or self._why:
            return Outcome(source, "not tried", reason=why, exit_code=1)
        self._report(FilmStarted(out, source, number, of))
        began = time.monotonic()
        try:
            sets = {**job.entry.sets, **options.sets}
            find = Finder(job.entry.board, lambda _title: job.out)
            board = storyboard.load(job.entry.board, sets=sets, allow_outside=options.allow_outside, find=find)
            tell = AboutFilm(out, self._report, job.notes)
            made = film.make(
                replace(board, executor=options.executor or board.executor),
                job.out,
                report=tell,
                studio=self._studio,
                draft=options.draft,
                deliver=job.deliver,
                overwrite=options.overwrite,
            )
        except DeviceLost as error:
            self._why = error.message  # of films that wait for their turn beside this one none can be made
            raise
        except Interrupted:
            outcome = Outcome(source, "not tried", reason="interrupted", exit_code=1)
        except Exception as error:  # noqa: BLE001  one film's failure, even a bug of ours, must not end the batch
            outcome = _failed(job.entry, error, time.monotonic() - began)
            if not options.keep_going:
                self._why = f"{source} failed"
        else:
            outcome = _made(source, made, time.monotonic() - began)
        self._report(FilmEnded(out, outcome.state, round(outcome.seconds, 3), outcome.reason))
        return outcome


def _made(source: str, made: ReleasedFilm, seconds: float) -> Outcome:
    remarks = tuple(remark.as_dict() for remark in made.remarks)
    state = "up to date" if made.reused else "made"
    return Outcome(source, state, str(made.path), seconds, made.seconds, remarks=remarks)


class AboutFilm:
    """Adds to each event the film that it is about, and drops notes that were reported before."""

    def __init__(self, name: str, report: Report, reported: Sequence[Note]) -> None:
        self._name = name
        self._report = report
        self._reported = reported

    def __call__(self, event: Event) -> None:
        """Pass the event on."""
        if event not in self._reported:
            self._report(About(self._name, event))
