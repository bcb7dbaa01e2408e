"""Rows of a shot list that do not say what is seen: what goes on over the picture above, and what stands for one."""

from __future__ import annotations

from sora_cli.interchange.headings import scene_of
from sora_cli.interchange.listed import ListRow
from sora_cli.interchange.outline import OutlineShot, titled
from sora_cli.interchange.said import OFF, heard, said, spoken

_HEARD = {"dialogue", "sound", "notes"}


def goes_on(row: ListRow) -> bool:
    """Whether a row has no more than what is heard, and no number or time of its own: it plays over the shot above."""
    filled = {column for column in row.cells if row.get(column)}
    told = row.get("dialogue") or row.get("sound")
    return bool(filled & {"dialogue", "sound"}) and filled <= _HEARD and scene_of(told) is None


def add_to(shot: OutlineShot, row: ListRow) -> None:
    """Let what is heard in a row go on over a shot."""
    beat = shot.beats[-1]
    beat.lines += said(row.get("dialogue"))
    beat.duration = beat.duration or ("spoken" if beat.lines else "")
    shot.sound = ", ".join(filter(None, (shot.sound, row.get("sound"), heard(row.get("dialogue")))))
    shot.notes += [row.get("notes")] if row.get("notes") else []
    shot.notes += [f"{name}: {cell}" for name, cell in row.more.items()]


def speaking(row: ListRow) -> str:
    """Who is seen in a row of which only its lines are told: `Mara speaks`; empty where nobody is named."""
    who = [titled(who) for who, *_ in spoken(row.get("dialogue")) if who and not OFF.fullmatch(who)]
    names = [*dict.fromkeys(who)]
    return f"{' and '.join(names)} {'speaks' if len(names) == 1 else 'speak'}" if names else ""


def narrated(row: ListRow) -> str:
    """The lines of a row that nobody is seen to say."""
    return " ".join(line.words for line in said(row.get("dialogue")))
