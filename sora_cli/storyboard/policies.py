"""A policy as it is written: `standard`, `strict`, `off`, or a file that extends one of these."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from sora_cli.bounded import is_inside
from sora_cli.errors import StoryboardError
from sora_cli.storyboard import forms
from sora_cli.storyboard.compose import compose
from sora_cli.storyboard.files import YAML_FILES, suffix
from sora_cli.storyboard.fill import fill
from sora_cli.storyboard.model import Loc
from sora_cli.storyboard.nodes import Document
from sora_cli.storyboard.policy import (
    BUILT_IN,
    CATEGORIES,
    DECISIONS,
    MINORS,
    PLACES,
    STANDARD,
    STRICT,
    Decision,
    Policy,
)
from sora_cli.storyboard.problems import Problems
from sora_cli.storyboard.shapes import Fault, Form, Key, Listed, OneOf, Plain, Table
from sora_cli.storyboard.source import quoted, read_source
from sora_cli.storyboard.values import Switch

SYSTEM = (
    Path(os.path.splitdrive(sys.executable)[0] + "/ProgramData/sora/policy.yaml")
    if os.name == "nt"
    else Path("/Library/Application Support/sora/policy.yaml" if sys.platform == "darwin" else "/etc/sora/policy.yaml")
)
"""The policy of a machine, which its administrator writes. No variable moves it."""
DEEPEST = 8
"""Files that extend each other."""


UNCHECKED: tuple[Decision, ...] = ("note", "refuse")
"""What may become of that which could not be checked: it is never passed over in silence."""

_Decided = Plain(forms.word(DECISIONS, "a decision"), {"enum": list(DECISIONS)})
_Name = Plain(forms.text, {"type": "string"})


class PolicyForm(Form):
    """A policy for `sora`."""

    extends = Key(_Name, "standard, strict, off, or another policy file; standard where not written.")
    categories = Key(
        Table(OneOf(Table(_Decided), _Decided)),
        "By category: allow, note or refuse; or one of these for each place: prompt, reference, frames, speech, text.",
    )
    words = Key(Table(Listed(_Name)), "By category: words of your own that count.")
    exceptions = Key(Listed(_Name), "Phrases that never count.")
    unchecked: Key[Decision] = Key(
        Plain(forms.word(UNCHECKED, "a decision"), {"enum": list(UNCHECKED)}),
        "What becomes of that which no checker could look at: note or refuse.",
    )
    watermark: Key[str] = Key(
        Plain(forms.word(("needed", "free"), "a rule for the mark"), {"enum": ["needed", "free"]}),
        "Whether a film must carry its visible mark: needed or free.",
    )
    second_seeds = Key(
        Plain(forms.whole(0, 10), {"type": "integer", "minimum": 0, "maximum": 10}),
        "How many other seeds are tried for a take that is refused; none where not written.",
    )
    locked = Key(Switch, "In the machine's own policy: storyboards cannot be milder.")


def read_file(path: Path, problems: Problems, seen: tuple[Path, ...] = ()) -> Policy:
    """The policy in a file; what is wrong with it is noted at its place there, and then it is `strict`."""
    try:
        source = read_source(path)
        document = Document(compose(source, problems), source)
        data, _ = fill(document, {}, problems)
    except StoryboardError as error:
        for problem in error.problems:
            problems.add(problem.message, problem.mark, problem.hint)
        return STRICT
    faults: list[Fault] = []
    form = PolicyForm.read(data, (), faults)
    for fault in faults:
        known = problems.meant(str(fault.loc[-1]), PolicyForm.keys) or f"known keys: {', '.join(PolicyForm.keys)}"
        message, hint = (
            (f"a policy has no key {quoted(fault.loc[-1])}", known) if fault.what == "unknown" else fault[2:4]
        )
        problems.add(message, document.mark(fault.loc, key=fault.what == "unknown"), hint)
    return STRICT if faults else _Reader(path, document, problems, (*seen, path)).policy(form)


class _Reader:
    """Makes a policy of the form in one file."""

    def __init__(self, path: Path, document: Document, problems: Problems, seen: tuple[Path, ...]) -> None:
        self._path, self._document, self._problems, self._seen = path, document, problems, seen

    def policy(self, form: PolicyForm) -> Policy:
        """The policy that it extends, with what it says itself."""
        base = self._base(form.extends or "standard")
        return replace(
            base,
            name=self._path.name,
            table=self._table(base, form.categories or {}),
            words={**base.words, **self._words(form.words or {})},
            exceptions=(*base.exceptions, *(form.exceptions or ())),
            unchecked=form.unchecked or base.unchecked,
            marked=base.marked if form.watermark is None else form.watermark == "needed",
            second_seeds=base.second_seeds if form.second_seeds is None else form.second_seeds,
            locked=bool(form.locked),
        )

    def _base(self, name: str) -> Policy:
        if name in BUILT_IN:
            return BUILT_IN[name]
        path = self._path.parent / name
        if suffix(name) not in YAML_FILES:
            hint = self._problems.meant(name, BUILT_IN) or "write standard, strict, off or a .yaml file"
            return self._wrong(f"{quoted(name)} is not a policy", ("extends",), hint)
        if not is_inside(path, self._path.parent):
            return self._wrong(f"{quoted(name)} is outside the policy's folder", ("extends",), "put it beside this one")
        if path in self._seen or len(self._seen) > DEEPEST:
            return self._wrong("these policies extend each other without end", ("extends",), "extend standard")
        if not path.is_file():
            return self._wrong(f"{quoted(name)}: no such file", ("extends",), "name a file beside this one")
        return read_file(path, self._problems, self._seen)

    def _table(
        self, base: Policy, written: Mapping[str, Mapping[str, Decision] | Decision]
    ) -> dict[str, Mapping[str, Decision]]:
        table = dict(base.table)
        for category, row in written.items():
            if not self._known(category, ("categories", category)):
                continue
            places = row if isinstance(row, Mapping) else dict.fromkeys(PLACES, row)
            for place in [place for place in places if place not in PLACES]:
                self._wrong(
                    f"{quoted(place)} is not a place",
                    ("categories", category, place),
                    f"places are {', '.join(PLACES)}",
                )
            table[category] = {place: places.get(place, held) for place, held in table[category].items()}
        return table

    def _words(self, written: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
        names = (name for name in written if self._known(name, ("words", name), minors=True))
        return {name: tuple(written[name]) for name in names}

    def _known(self, category: str, loc: Loc, *, minors: bool = False) -> bool:
        """Whether there is such a category, and a file may speak of it."""
        if category == MINORS and not minors:
            self._wrong("every policy refuses sexual content with minors", loc, "remove the line")
        elif category not in CATEGORIES:
            hint = self._problems.meant(category, CATEGORIES) or f"categories are {', '.join(CATEGORIES)}"
            self._wrong(f"{quoted(category)} is not a category", loc, hint)
        else:
            return True
        return False

    def _wrong(self, message: str, loc: Loc, hint: str) -> Policy:
        self._problems.add(message, self._document.mark(loc, key=loc[0] != "extends"), hint)
        return STRICT


def machines(problems: Problems) -> Policy | None:
    """The policy of this machine; None where it has none. What is wrong with it is noted."""
    return read_file(SYSTEM, problems) if os.path.lexists(SYSTEM) else None


def in_force(written: Policy | None, machine: Policy | None) -> Policy:
    """The policy that holds: the storyboard's, else the machine's; where that is locked, never a milder one."""
    if written is None:
        return machine or STANDARD
    return written.held_to(machine) if machine is not None and machine.locked else written
