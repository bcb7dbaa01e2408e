"""The shots of a cut as a table that spreadsheets open, with the columns that `sora import` reads."""

from __future__ import annotations

import csv
import io

from sora_cli.interchange.assembly import Assembly, Item

COLUMNS = (
    "Scene", "Shot", "File", "Reel", "TC In", "TC Out", "Frames", "Duration", "Head", "Tail", "Transition",
    "Description", "Title", "Colour table", "Comments",
)  # fmt: skip


def written_sheet(assembly: Assembly) -> str:
    """The table as CSV; what a spreadsheet would take for a formula begins with an apostrophe."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for item in assembly.items:
        writer.writerow([_harmless(cell) for cell in _row(assembly, item)])
    return out.getvalue()


def _row(assembly: Assembly, item: Item) -> list[str]:
    shared = item.overlap or item.lead
    way = f" {item.direction}" if item.kind == "wipe" else ""
    come = f"{item.kind}{way} {shared}f" if shared else "cut"
    tail = max(0, item.total - item.head - item.frames)
    return [
        item.scene,
        item.name,
        item.file,
        item.reel,
        assembly.timecode(item.start),
        assembly.timecode(item.start + item.frames),
        str(item.frames),
        f"{float(item.frames / assembly.fps):.3f}s",
        str(item.head),
        str(tail),
        come,
        " / ".join(note.text for note in item.notes),
        item.title,
        item.look,
        " / ".join(item.comments),
    ]


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell[:1] in {"=", "+", "-", "@"} else cell
