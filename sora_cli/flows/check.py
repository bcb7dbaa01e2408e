"""What `check` finds in a storyboard: mistakes, remarks, advice. Nothing of the store and of takes' costs is loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from msgspec import Struct

from sora_cli import storyboard
from sora_cli.errors import Problem, counted, refusal
from sora_cli.flows import places, preflight
from sora_cli.flows.searching import Finder
from sora_cli.plan import Plan, in_file_order
from sora_cli.plan.advice import Advice, advise
from sora_cli.storyboard.prices import prices

Opinion = Callable[[Plan], Iterable[Advice]]
"""What a language model says of a plan."""


class Checked(Struct, frozen=True):
    """What `check` found."""

    file: Path
    problems: tuple[Problem, ...]
    remarks: tuple[Problem, ...]
    plan: Plan | None
    advice: tuple[Advice, ...] = ()
    """What is likely to come out badly: the grave findings, or all where they are asked for."""

    def as_dict(self) -> dict[str, object]:
        """Plain data, for `--json`."""
        return {
            "file": str(self.file),
            "ok": not self.problems,
            "problems": [problem.as_dict() for problem in self.problems],
            "remarks": [remark.as_dict() for remark in self.remarks],
            "advice": [advice.as_dict() for advice in self.advice],
            **({"error": refusal(self.problems).as_dict()} if self.problems else {}),
        }

    def praise(self) -> str:
        """One line for a storyboard without problems."""
        if self.plan is None:
            return f"{self.file}: nothing wrong"
        work = f"{counted(len(self.plan.shots), 'shot')}, {counted(len(self.plan.takes), 'take')}"
        return f"{self.file}: nothing wrong; {work}, {self.plan.seconds:.2f} s of film"


def check(
    path: Path, *, sets: Mapping[str, str], allow_outside: bool, advice: bool = False, opinion: Opinion | None = None
) -> Checked:
    """Find all that is wrong with a storyboard, remarks, and advice: only grave advice unless `advice` is set.

    Where there are mistakes, only remarks on the text itself are made: others could be untrue. `opinion` is asked of
    a plan without mistakes.
    """
    find = Finder(path, places.of_title)
    reading = storyboard.read(path, sets=sets, allow_outside=allow_outside, find=find)
    problems, plan = preflight.everything_wrong(reading)
    if not problems:
        preflight.require_signer()
        preflight.require_store()
    if not problems and reading.board is not None:
        prices(reading.board.cost)  # those of this machine may be wrong
    mistaken = plan is None or any(problem.code == 2 for problem in problems)
    remarks = plan.remarks if plan is not None and not mistaken else ()
    if mistaken and reading.board is not None:
        remarks = tuple(in_file_order(reading.board.remarks))
    found = () if mistaken or plan is None else tuple(advise(plan, grave_alone=not advice))
    found += () if mistaken or plan is None or opinion is None else tuple(opinion(plan))
    return Checked(path, problems, remarks, plan, found)
