"""`choices`: where the story goes after a shot, as it is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

from msgspec import Struct, field

from sora_cli.spelling import composed
from sora_cli.storyboard.model import Choice, Loc
from sora_cli.storyboard.nodes import Document
from sora_cli.storyboard.problems import Problems
from sora_cli.storyboard.shapes import Form, Key, Listed, Needed, OneOf, Shape
from sora_cli.storyboard.source import quoted
from sora_cli.storyboard.values import Label, Length

if TYPE_CHECKING:  # it reads forms, as this does
    from sora_cli.storyboard.links import Links

END = "end"
"""Where a choice goes that ends the story, where no shot is called so."""
MOST = 9
"""Choices of one shot: each has a key from 1 to 9."""


class ChoiceForm(Form):
    """One way on from the end of a shot."""

    say = Key(Label, "What the viewer reads; a choice without words is only taken by itself.")
    go = Needed(Label, "The shot that it leads to; or end.")
    after = Key(Length, "It is taken by itself when nobody chose for so long: 8s.")


Choices: Shape[list[ChoiceForm] | ChoiceForm | str] = OneOf(Listed(ChoiceForm, 1), ChoiceForm, Label)
Written = list[ChoiceForm] | ChoiceForm | str | None
"""What stands under `choices`."""


class Choosing(Struct):
    """Reads the choices of one storyboard, once the names of all shots are known."""

    names: Mapping[str, int]
    links: Links
    document: Document
    problems: Problems
    lost: set[Loc] = field(default_factory=set)
    """Where choices stand that lead nowhere."""

    def of(self, written: Written, loc: Loc) -> tuple[Choice, ...] | None:
        """The choices of a shot, written at `loc`; None where it has none of its own."""
        if written is None:
            return None
        if isinstance(written, str):
            return tuple(self._choice(ChoiceForm(go=written), loc, loc))
        several = written if isinstance(written, list) else [written]
        places = [(*loc, number) for number in range(len(several))] if isinstance(written, list) else [loc]
        each = zip(several, places, strict=True)
        choices = tuple(one for form, place in each for one in self._choice(form, place, (*place, "go")))
        for place, message, hint in _wrong(choices):
            self.problems.add(message, self.document.mark(place), hint)
        if len(several) > MOST:
            message = f"a shot has at most {MOST} choices; this one has {len(several)}"
            self.problems.add(message, self.document.mark(loc))
        return choices

    def _choice(self, form: ChoiceForm, loc: Loc, at: Loc) -> Iterator[Choice]:
        """The choice, where it leads somewhere; `at` is where that is written."""
        go: str | None = vars(form).get("go")
        go = go and composed(go)
        if go is None or (go not in self.names and go != END):
            self.lost.add(loc)
            if go is not None:  # else it is missing, which is told
                hint = self.problems.meant(go, [*self.names, END]) or "name a shot of the film, or end"
                self.problems.add(f"there is no shot called {quoted(go)}", self.document.mark(at), hint)
            return
        after = self.links.seconds(form.after, (*loc, "after")) if form.after is not None else None
        waits = after if isinstance(after, Fraction) else None
        yield Choice(say=form.say or "", go=go if go in self.names else "", after=waits, loc=loc)


def _wrong(choices: tuple[Choice, ...]) -> Iterator[tuple[Loc, str, str]]:
    """What is wrong with the choices of one shot: where, what, and a hint."""
    waiting = [choice for choice in choices if choice.after is not None]
    for choice in waiting[1:]:
        yield (*choice.loc, "after"), "a second choice that is taken by itself", "leave one `after` of them"
    for choice in choices:
        if not choice.say and choice.after is None and len(choices) > 1:
            yield choice.loc, "nobody can take this choice: it has no words", "give it `say`, or `after: 8s`"
