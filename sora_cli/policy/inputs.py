"""Pictures and films of one's own that go into a film, looked at before the first take; and who of the cast agreed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field
from msgspec.structs import replace

from sora_cli.bounded import file_hash
from sora_cli.errors import MediaError, Problem, counted
from sora_cli.plan.prompt import compose
from sora_cli.plan.takes import ANY_ENGINE
from sora_cli.storyboard.cast import kind_of
from sora_cli.storyboard.files import AS_FILM, FILMS, PICTURES, SOUND_USES, is_film, suffix, use_of
from sora_cli.storyboard.model import Beat, CastMember, Loc, Storyboard
from sora_cli.storyboard.policy import CATEGORIES, MINORS, Decision

if TYPE_CHECKING:  # where no picture and no film goes in, nothing of their checkers is loaded
    from sora_cli.policy.pictures import Seen
    from sora_cli.policy.seen import JudgedPictures

TO_MODEL = ("reference", "from", "to", "of")
"""Keys of files that a model is given: who is seen in them may be seen in the film."""


class Found(Struct):
    """What a policy says of the files that go in: problems that it refuses, those that it notes, and counts."""

    refused: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    seen: dict[str, Seen] = field(default_factory=dict)
    """What was seen, by the hash of the file."""

    def add(self, decision: Decision, problem: Problem, hint: str = "") -> None:
        """Note a problem as it is decided; `hint` is what may be done where it is only noted."""
        if decision == "refuse":
            self.refused.append(problem)
        elif decision == "note":
            self.notes.append(Problem(problem.message, hint, problem.mark))


def look_at(board: Storyboard, kept: Path, made_here: Callable[[Path], bool], today: date) -> Found:
    """What the storyboard's policy says of the pictures and films that it names, and of its consents.

    `kept` is the folder with what was seen before; `made_here` says whether a film shows only whom a model made up.
    """
    found = Found()
    _check_consents(board, today, found)
    seen = {loc: path for loc, path in board.material.items() if suffix(path.name) in (*PICTURES, *FILMS)}
    shown = {loc: path for loc, path in seen.items() if use_of(loc) not in SOUND_USES}
    if not shown:
        return found
    from sora_cli.policy.seen import JudgedPictures

    before = JudgedPictures(kept)
    for loc, path in shown.items():
        try:
            _Given(board, loc, path, today).judge(before, made_here, found)
        except (OSError, MediaError):
            continue  # what is wrong with the file itself is told where files are opened
    return found


def look_at_films(paths: Sequence[Path], board: Storyboard, kept: Path, today: date) -> Found:
    """What the storyboard's policy says of films and pictures that an editor added, which play as they are.

    Raises:
        OSError, MediaError: one cannot be read.
    """
    from sora_cli.policy.seen import JudgedPictures

    found, before = Found(), JudgedPictures(kept)
    board = replace(board, mark=lambda _loc: None)  # no line of it names them
    for path in paths:
        _Given(board, ("added",), path, today).judge(before, lambda _: False, found)
    return found


def consents(board: Storyboard, today: date) -> list[str]:
    """The hashes of the consents that hold for members whom the film shows."""
    held = [member.consent for member in _shown(board) if member.consent and not _flaw(member, board, today)]
    return sorted(consent.sha256(file_hash(consent.path)) for consent in held)


def _shown(board: Storyboard) -> list[CastMember]:
    names = dict.fromkeys(name for shot in board.shots for beat in shot.shown for name in beat.cast)
    return [board.cast[name] for name in names]


def _flaw(member: CastMember, board: Storyboard, today: date) -> str:
    return member.consent.flaw(board.title, today) if member.consent else ""


def _check_consents(board: Storyboard, today: date, found: Found) -> None:
    """Whoever has a consent is a real person: where it does not hold, the member may not be shown."""
    for member in _shown(board):
        if flaw := _flaw(member, board, today):
            told = f"the consent of {member.name} {flaw}; to show the member then is {CATEGORIES['likeness']}"
            decision = board.rules.decision("likeness", "reference")
            hint = "remove the member from the cast, or ask for a new agreement"
            found.add(decision, Problem(told, hint, board.mark(("cast", member.name, "consent")), 4))


class _Given(Struct, frozen=True):
    """A picture or film that a storyboard names."""

    board: Storyboard
    loc: Loc
    path: Path
    today: date

    def judge(self, looks: JudgedPictures, made_here: Callable[[Path], bool], found: Found) -> None:
        """Look at it, and add what the policy says of it."""
        rules = self.board.rules
        seen = self._seen(looks, every=rules.unchecked == "refuse")
        found.seen[file_hash(self.path)] = seen
        for category in seen.categories_by(self._words()):
            age = "; how old somebody is who is seen, nobody here can tell" if category == MINORS else ""
            what = f"{self.path.name}: this reads as {CATEGORIES[category]}{age}"
            self._add(found, rules.decision(category, "reference"), what, "take it out, or name another file")
        if seen.unable:
            what = f"{self.path.name} could not be checked: {seen.unable}"
            self._add(found, rules.unchecked, what, seen.hint, noted=seen.hint)
        agreed = sum(len(member.consent.who) for member in self._members() if member.consent)
        if seen.faces > agreed and self._key in TO_MODEL and not made_here(self.path):
            self._add(found, rules.decision("likeness", "reference"), self._likeness(seen.faces, agreed), AGREE)

    def _seen(self, looks: JudgedPictures, *, every: bool) -> Seen:
        name = f"{file_hash(self.path)} {self._part}" + " as a film" * self._moves
        seen = looks.find(name, every=every)
        if seen is None:
            seen = self._looked_at(every=every)
            looks.keep(name, seen, every=every)
        return seen

    def _looked_at(self, *, every: bool) -> Seen:
        from sora_cli.media.read import open_film, read_picture
        from sora_cli.policy import pictures
        from sora_cli.policy.reels import FileReel

        if kind_of(self.path) == "picture" and not self._moves:
            return pictures.look_at_still(read_picture(self.path))
        with open_film(self.path) as film:
            return pictures.look(FileReel(film, self._part), every=every, for_faces=True)

    def _add(self, found: Found, decision: Decision, what: str, hint: str, noted: str = "") -> None:
        told = f"{what}; the {self.board.rules.name} policy {'refuses' if decision == 'refuse' else 'notes'} that"
        found.add(decision, Problem(told, hint, self.board.mark(self.loc), 4), noted)

    def _likeness(self, faces: int, agreed: int) -> str:
        shown = f"{self.path.name}: {counted(faces, 'face')} {'is' if faces == 1 else 'are'} seen"
        have = f"{agreed} who {'is' if agreed == 1 else 'are'} in the shot agreed" if agreed else "no consent holds"
        return f"{shown} and {have}; this reads as {CATEGORIES['likeness']}"

    @property
    def _moves(self) -> bool:
        """Whether a picture is used as a film; else a model is given its first frame."""
        used = self._key == "added" or self._key in AS_FILM
        return used and kind_of(self.path) == "picture" and is_film(self.path)

    @property
    def _part(self) -> Literal["whole", "start", "end"]:
        """What a film is given of: a take opens on its end, or leads to its start."""
        parts: dict[str, Literal["start", "end"]] = {"from": "end", "to": "start"}
        return parts.get(self._key, "whole")

    @property
    def _key(self) -> str:
        return next((step for step in reversed(self.loc) if isinstance(step, str)), "")

    def _members(self) -> list[CastMember]:
        """The cast that it shows, as far as their consents hold."""
        names = [str(self.loc[1])] if self.loc[0] == "cast" else [name for beat in self._beats() for name in beat.cast]
        members = (self.board.cast[name] for name in dict.fromkeys(names))
        return [member for member in members if not _flaw(member, self.board, self.today)]

    def _beats(self) -> Iterator[Beat]:
        """The beats whose model is given it."""
        for shot in self.board.shots:
            for beat in shot.shown:
                links = (link.path for link in (beat.start, beat.end) if link)
                edited = beat.edit.of if beat.edit is not None else None
                if self.path in (*beat.references, *links, edited):
                    yield beat

    def _words(self) -> str:
        if self.loc[0] == "cast":
            return self.board.cast[str(self.loc[1])].looks
        return ". ".join(compose(beat, self.board.cast, ANY_ENGINE) for beat in self._beats())


AGREE = (
    "where it is a real person, put `consent: {who, statement, date, file}` into the cast and the member's @name into "
    "the shot; where it is nobody, a policy file of yours can allow likeness"
)


def told(found: Found) -> dict[str, int]:
    """What the record tells of the files that went in."""
    seen = found.seen.values()
    return {
        "files": len(found.seen),
        "made": sum(each.made for each in seen),
        "looked_at": sum(each.looked_at for each in seen),
        "with_faces": sum(each.faces > 0 for each in seen),
    }
