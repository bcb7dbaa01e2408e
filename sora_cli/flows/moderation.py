"""What the policy of a film decides, where commands ask for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace
from pydantic import JsonValue

from sora_cli import storyboard
from sora_cli.errors import PolicyError, Problem, RequestError, SoraError, refusal
from sora_cli.flows import places
from sora_cli.flows.searching import Finder
from sora_cli.plan import Plan, in_file_order
from sora_cli.policy import inputs
from sora_cli.policy.board import Judgement, Text, judge, judge_texts
from sora_cli.policy.judge import JudgedTexts, cache_folder, state
from sora_cli.storyboard.model import Storyboard
from sora_cli.storyboard.policies import in_force, machines, read_file
from sora_cli.storyboard.policy import BUILT_IN, CATEGORIES, MINORS, OFF, PLACES, Policy
from sora_cli.storyboard.problems import Problems
from sora_cli.storyboard.source import quoted

if TYPE_CHECKING:
    from sora_cli.events import Report
    from sora_cli.policy.pictures import Seen
    from sora_cli.shoot.screen import Screen


class BoardJudged(Struct, frozen=True):
    """What was decided of a storyboard, before anything is made: of its words, and of the files that go in."""

    words: Judgement
    files: inputs.Found

    @property
    def refused(self) -> tuple[Problem, ...]:
        """What may not be made, each at its place."""
        return (*self.words.refused, *self.files.refused)

    def with_remarks(self, plan: Plan) -> Plan:
        """The plan, with the policy's notes among its remarks."""
        notes = dict.fromkeys([*self.words.notes, *self.files.notes])
        return replace(plan, remarks=tuple(in_file_order([*plan.remarks, *notes])))


def memory() -> JudgedTexts:
    """What was judged before, of all storyboards on this machine."""
    return JudgedTexts(cache_folder())


def of_board(board: Storyboard) -> BoardJudged:
    """What the storyboard's policy decides of its words and of the files that go in."""
    return BoardJudged(judge(board, memory()), inputs.look_at(board, cache_folder(), made_up_here, today()))


def today() -> date:
    """The day it is here."""
    return datetime.now(tz=UTC).astimezone().date()


def made_up_here(path: Path) -> bool:
    """Whether a file's credential proves that this installation made it, and that it shows no real person.

    That is: models made all of it, and no picture or film went in.
    """
    from sora_cli import stamp
    from sora_cli.stamp.verdict import walk

    try:
        proven = stamp.verify(path)
    except SoraError:
        return False
    made = proven.ok and proven.self_made and proven.source == "trainedAlgorithmicMedia"
    return made and not any(part.relationship == "inputTo" for part in walk(proven.parts))


def record(plan: Plan, screen: Screen, added: inputs.Found | None = None) -> dict[str, JsonValue]:
    """What the sidecar and the credential record: policy, checkers, counts, decisions, consents; what was `added` too.

    It counts the frames that were made and those that were checked, so a checker that was left out shows.
    """
    from sora_cli.flows import watching  # `check` and `plan` look at no frames
    from sora_cli.policy import hearing, pictures

    rules, held = plan.board.rules, of_board(plan.board)
    seen = [screen.seen[take.key] for take in plan.takes if take.key in screen.seen]
    heard = [screen.heard[take.key] for take in plan.takes if take.key in screen.heard]
    files = inputs.Found(seen={**held.files.seen, **(added.seen if added else {})})
    every = [*seen, *heard, *files.seen.values()]
    unable = dict.fromkeys([*held.words.unchecked, *(each.unable for each in every if each.unable)])
    return {
        "policy": rules.name,
        "sha256": rules.sha256,
        "checkers": {"words": state(), "pictures": pictures.state(), "speech": hearing.state()},
        "words": {"looked_at": held.words.texts, **{str(name): count for name, count in held.words.decided.items()}},
        "inputs": {**inputs.told(files)},
        "consents": [*inputs.consents(plan.board, today())],
        "frames": {**_counted(seen), "highest": {**_highest(seen)}},
        "film": {**watching.counts(plan, frames_unable(screen))},
        "speech": {**_counted(heard)},
        "takes_refused": screen.refused,
        "could_not_check": [*unable],
        "not_checked": [*pictures.UNCHECKED, "ages", *([hearing.UNHEARD] if heard else [])],
    }


def frames_unable(screen: Screen) -> str:
    """Why frames of takes could not be looked at; nothing where they could."""
    return next((each.unable for each in screen.seen.values() if each.unable), "")


def _counted(seen: Sequence[Seen]) -> dict[str, int]:
    return {"made": sum(each.made for each in seen), "looked_at": sum(each.looked_at for each in seen)}


def _highest(seen: Sequence[Seen]) -> dict[str, float]:
    highest: dict[str, float] = {}
    for each in seen:
        highest |= {name: max(score, highest.get(name, 0.0)) for name, score in each.scores.items()}
    return highest


def made_again(board: Storyboard) -> Storyboard:
    """The storyboard of a film that is made again to be compared, and then removed.

    Its recipe does not tell who agreed to be shown; its credential tells that somebody did.
    """
    row = board.rules.table["likeness"]
    table = {**board.rules.table, "likeness": {**row, "reference": "note" if row["reference"] == "refuse" else "allow"}}
    return replace(board, rules=replace(board.rules, table=table))


def require_words(texts: Sequence[Text], rules: Policy, report: Report, told: Iterable[Problem] = ()) -> None:
    """Refuse words of a command that stand in no storyboard: names of files, an author, a mark.

    What was `told` of the storyboard is not told of them once more.

    Raises:
        PolicyError: the policy refuses them, or refuses what could not be checked.
    """
    _heed(judge_texts(texts, rules, memory(), lambda _loc: None), report, told)


def require_films(paths: Sequence[Path], board: Storyboard, report: Report) -> inputs.Found:
    """What was seen of films that an editor added to a storyboard's, which its policy allows.

    Raises:
        PolicyError: the policy refuses what they show, or what could not be checked.
    """
    found = inputs.look_at_films(paths, board, cache_folder(), today())
    _heed(found, report)
    return found


def _heed(found: Judgement | inputs.Found, report: Report, told: Iterable[Problem] = ()) -> None:
    """Report what is noted, and refuse what is refused."""
    from sora_cli.events import Note  # `check` and `plan` need no events

    known = {problem.message for problem in told}
    for note in found.notes:
        if note.message not in known:
            report(Note.of(note))
    if found.refused:
        raise PolicyError(found.refused[0].message, hint=found.refused[0].hint)


def require_allowed(prompts: Sequence[str]) -> None:
    """Refuse prompts that no policy allows, or that this machine's policy refuses: a clip has no policy of its own.

    Raises:
        PolicyError: one is refused.
    """
    problems = Problems()
    board = storyboard.from_data({"policy": "off", "shots": list(prompts)}, folder=Path.cwd())
    refused = judge(replace(board, rules=in_force(OFF, machines(problems))), memory()).refused
    if refused or problems:
        raise PolicyError("its prompt is refused: " + (refused or problems.told())[0].message)


def policy_of(board: Path | None) -> Policy:
    """The policy of a storyboard, or the default policy.

    Raises:
        SoraError: the storyboard or the policy is wrong.
    """
    if board is None:
        return _here(None, Problems())
    reading = storyboard.read(board, allow_outside=True, find=Finder(board, places.of_title))
    if reading.board is None or reading.problems:
        raise refusal(reading.problems)
    return reading.board.rules


def named(name: str) -> Policy:
    """A policy by its word or its file, as it holds on this machine.

    Raises:
        SoraError: there is none, or it is wrong.
    """
    problems = Problems()
    if name not in BUILT_IN and not Path(name).exists():
        hint = problems.meant(name, BUILT_IN) or "name standard, strict, off or a policy file"
        raise RequestError(f"{quoted(name)} is no policy, and no such file is here", hint=hint)
    written = BUILT_IN[name] if name in BUILT_IN else read_file(Path(name), problems)
    return _here(written, problems)


def _here(written: Policy | None, problems: Problems) -> Policy:
    """A policy as it holds on this machine; `problems` are those of its file."""
    found = in_force(written, machines(problems))
    if problems:
        raise refusal(problems.told())
    return found


COLUMNS = ("category", *PLACES)


def rows(policy: Policy) -> list[list[str]]:
    """Its table: what becomes of each category in each place."""
    return [[category, *(policy.decision(category, place) for place in PLACES)] for category in CATEGORIES]


def facts(policy: Policy) -> dict[str, str]:
    """What else it says."""
    return {
        "policy": policy.name,
        "hash": policy.sha256,
        "what is not checked": policy.unchecked,
        "visible mark": "needed" if policy.marked else "free",
        "second seeds": str(policy.second_seeds),
        "your own words": ", ".join(f"{name}: {len(own)}" for name, own in policy.words.items()) or "none",
        "exceptions": str(len(policy.exceptions)),
        "always refused": CATEGORIES[MINORS],
    }


def tried(policy: Policy, words: str) -> Judgement:
    """What a policy decides of a prompt."""
    board = storyboard.from_data({"shots": [words]}, folder=Path.cwd())
    return judge(replace(board, rules=policy), memory())


def as_dict(policy: Policy) -> Mapping[str, object]:
    """Plain data, for `--json`."""
    table = {row[0]: dict(zip(PLACES, row[1:], strict=True)) for row in rows(policy)}
    return {**facts(policy), "categories": table}
