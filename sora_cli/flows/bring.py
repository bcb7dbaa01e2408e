"""`sora import`: turns a script, a shot list, boards or a timeline into a storyboard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from sora_cli import atomic, storyboard
from sora_cli.bounded import is_inside, read_bytes, seen_from
from sora_cli.errors import HINT_READ, Problem, RequestError, StoryboardError
from sora_cli.flows import outputs, places
from sora_cli.interchange.around import board_line
from sora_cli.interchange.assembly import FOLDERS, TIMELINES
from sora_cli.interchange.board import board_text
from sora_cli.interchange.boards import read_boards
from sora_cli.interchange.codes import as_prompts
from sora_cli.interchange.fountain import read_fountain
from sora_cli.interchange.listed import is_list, names_columns
from sora_cli.interchange.objects import as_rows
from sora_cli.interchange.outline import Outline, SourceText
from sora_cli.interchange.shotlist import read_shotlist
from sora_cli.interchange.single import as_one, without_chat
from sora_cli.interchange.tables import as_script, as_table
from sora_cli.interchange.told import as_list
from sora_cli.interchange.workbook import HINT_SAVED, WORKBOOKS, read_sheet
from sora_cli.spelling import YAML
from sora_cli.storyboard.source import HINT_WORKFLOW, MAX_BYTES, WORKFLOW, harmless, is_workflow
from sora_cli.texts import decoded

Reader = Callable[[SourceText, Path], Outline]


def _text(page: SourceText, folder: Path) -> Outline:
    """A plain text: prompts in JSON, a list with its columns' names, shots told one by one, a screenplay, or prompts.

    Raises:
        StoryboardError: it is a storyboard already.
    """
    if (rows := as_rows(page)) is not None:
        return read_shotlist(rows, folder, each=True)
    if line := board_line(page.lines):
        if is_workflow(page.text):
            raise StoryboardError([page.problem(line, WORKFLOW, HINT_WORKFLOW)])
        file = Path(page.name)
        board = file.with_suffix(".yaml").name
        hint = f"save it as {board}, without what a chat wrote around it; then: sora check {board}"
        hint = f"sora check {file.name}" if file.suffix.lower() == ".json" else hint
        told = "this has a storyboard's form (YAML or JSON), and is no notes, list or script"
        raise StoryboardError([page.problem(line, told, hint)])
    if is_list(page):  # `Prompt:` on a line of its own is a list's too
        return read_shotlist(as_one(page) or page, folder)
    if (table := as_table(page)) is not None:
        return read_shotlist(table, folder)
    if (shots := as_list(page) or as_one(page)) is not None:
        return read_shotlist(shots, folder, each=True)
    return _prose(page, folder)


def _prose(page: SourceText, folder: Path) -> Outline:
    """A text that tells no shots: a prompt a line, a screenplay, or prose; what a chat says around it is a comment."""
    plain, chat = without_chat(page)
    if (items := as_prompts(plain)) is None or (shots := as_list(items)) is None:
        outline = read_fountain(as_script(plain))
    else:
        outline = read_shotlist(shots, folder, each=True)
        hint = "for one shot, write all of it in one line; scenes of a script begin with INT. or EXT."
        outline.remarks.append(
            page.problem(1, "nothing here says where a shot begins: each line is taken as one", hint)
        )
    outline.notes += chat
    return outline


def _finaldraft(page: SourceText, _folder: Path) -> Outline:
    from sora_cli.interchange.finaldraft import fountain_of  # XML takes longer to load than all the others

    return read_fountain(fountain_of(page))


READERS: dict[str, Reader] = {
    **dict.fromkeys((".fountain", ".spmd"), lambda page, _folder: read_fountain(page)),
    **dict.fromkeys((".txt", ".md", ".json", ".jsonl"), _text),
    ".fdx": _finaldraft,
    **dict.fromkeys((".csv", ".tsv", ".tab", *WORKBOOKS), read_shotlist),
    ".storyboarder": lambda page, folder: read_boards(page, folder, Path(page.name).stem),
}
"""What reads a file, by its name's ending."""
_OTHERS = {
    **dict.fromkeys(
        (".aaf", ".prproj", ".drp", ".drt", ".mlt", ".kdenlive", ".veg", ".osp"),
        "export the timeline as OTIO, EDL or XML",
    ),
    **{ending: f"name the file {inside} in it" for ending, inside in FOLDERS.items()},
    **dict.fromkeys(
        (".celtx", ".fadein", ".highland", ".trelby", ".osf", ".fdr", ".wdz", ".docx", ".doc", ".odt", ".rtf",
         ".pages", ".pdf"),
        "export a script as Fountain, a list as CSV",
    ),
    **dict.fromkeys(YAML, "that is a storyboard's ending: sora check FILE"),
    **dict.fromkeys((".srt", ".vtt"), "write lines into `dialogue:` of a storyboard"),
    **dict.fromkeys((".xls", ".ods", ".numbers"), HINT_SAVED),
}  # fmt: skip


class Brought(Struct, frozen=True):
    """A storyboard that was written, and what of its source a storyboard cannot hold."""

    path: Path
    scenes: int
    shots: int
    remarks: tuple[Problem, ...]

    def as_dict(self) -> dict[str, object]:
        """Plain data, for `--json`."""
        remarks = [remark.as_dict() for remark in self.remarks]
        return {"file": str(self.path), "scenes": self.scenes, "shots": self.shots, "remarks": remarks}


def bring(file: Path, asked: Path | str | None, *, overwrite: bool = False) -> Brought:
    """Write the storyboard of a script, a shot list, boards or a timeline, by default beside it.

    It replaces an earlier import only if nobody has edited that.

    Raises:
        RequestError: sora cannot read this file, or another file has the storyboard's name.
        StoryboardError: what is wrong in the file, each with its line.
    """
    _check_kind(file)
    out = places.file_at(asked, file.with_suffix(".yaml"))
    maker = outputs.Maker(command="import", paths=(file,))
    outputs.check({out: outputs.own_table(maker)}, [file], overwrite=overwrite)
    outline, remarks = _read(file)
    outline.title = outline.title or file.stem
    _moved(outline, file.parent, out.parent)
    text = board_text(outline, f"From {harmless(file.name)}. `sora check {harmless(out.name)}` says what to mend.")
    reading = storyboard.read_text(text, folder=out.parent, name=harmless(str(out)))
    if reading.problems or reading.board is None:
        raise StoryboardError(reading.problems)
    atomic.save(out, text + outputs.table_mark(maker, out.parent)(text), hint="name another file with -o")
    return Brought(out, len(outline.scenes), len(outline.shots), (*remarks, *outline.remarks))


def _check_kind(file: Path) -> None:
    ending = file.suffix.lower()
    if file.is_dir() and ending not in FOLDERS:
        raise RequestError(f"cannot import {file}: it is a folder", hint="name the file inside it")
    if ending not in READERS and ending not in TIMELINES:
        known = ", ".join([*READERS, *TIMELINES])
        hint = _OTHERS.get(ending, f"sora imports files that end in {known}")
        raise RequestError(f"cannot import {file}: sora does not know this kind of file", hint=hint)


def _read(file: Path) -> tuple[Outline, list[Problem]]:
    if file.suffix.lower() in TIMELINES:
        from sora_cli.interchange.edits import read_edit  # OpenTimelineIO takes longer than all the others

        return read_edit(file), []
    page, remarks = _page(file)
    return READERS[file.suffix.lower()](page, file.parent), remarks


def _page(file: Path) -> tuple[SourceText, list[Problem]]:
    """The text of a file, and a remark where its encoding was guessed."""
    name = harmless(str(file))
    if file.suffix.lower() in WORKBOOKS:
        sheet = read_sheet(file, names_columns)
        return SourceText(name, sheet.text), [Problem(f"{name}: {sheet.told}")] if sheet.told else []
    try:
        data = read_bytes(file, MAX_BYTES)
        text, encoding = decoded(data)
    except OSError as error:
        raise RequestError(f"cannot read {file}: {error.strerror}", hint=HINT_READ) from error
    except UnicodeDecodeError as error:
        raise RequestError(f"cannot read {file}: {error.reason}", hint="save it as plain text in UTF-8") from error
    guessed = f"{name} is not in UTF-8: it is read as {encoding}"
    return SourceText(name, text), [Problem(guessed, "if letters come out wrong, save it in UTF-8")] if encoding else []


def _moved(outline: Outline, source: Path, folder: Path) -> None:
    """Make the paths that shots name relative to the storyboard's folder.

    Raises:
        RequestError: they lie outside of it.
    """
    for shot in outline.shots:
        for key in ("picture", "sound"):
            path = source / getattr(shot, key)
            if not getattr(shot, key) or not path.is_file():
                continue
            if not is_inside(path, folder):
                hint = f"write the storyboard there: -o {source / 'storyboard.yaml'}"
                raise RequestError(f"{path} is outside the storyboard's folder", hint=hint)
            setattr(shot, key, seen_from(path, folder))
