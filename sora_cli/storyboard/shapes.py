"""How the format is declared: what a value may be, how it is read, and what the published schema says of it.

A value is a plain one, a list, a table of names, a mapping of declared keys (`Form`), or one of these by what is
written. Ours, and not pydantic's: building its models took longer than all else that `sora check` does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Generic, Literal, NamedTuple, Protocol, Self, TypeVar, cast

from sora_cli.storyboard.alike import meant
from sora_cli.storyboard.forms import Wrong, as_text, kind
from sora_cli.storyboard.model import Loc
from sora_cli.storyboard.source import quoted

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Schema = dict[str, object]


class Fault(NamedTuple):
    """What is wrong at `loc`: a key that is not known, a key that is missing, or a value."""

    loc: Loc
    what: Literal["unknown", "missing", "wrong"]
    message: str = ""
    hint: str = ""
    like: str = ""
    """What a value looks like, as it is to be written."""


class Shape(Protocol[T_co]):
    """What a value may be."""

    @property
    def word(self) -> str:
        """What a person calls it: `a list`."""
        ...

    def read(self, value: object, loc: Loc, faults: list[Fault]) -> T_co:
        """What the value at `loc` means. Mistakes are added to `faults`; the value returned then means nothing."""
        ...

    def schema(self, defs: Schema) -> Schema:
        """Its JSON Schema; mappings put theirs into `defs` and are referred to."""
        ...

    def form_at(self, loc: Loc) -> type[Form] | None:
        """The form of the mapping that stands at `loc` inside such a value; None where none does."""
        ...


class Plain(Generic[T]):
    """A single value, read by a function that raises `Wrong`."""

    def __init__(self, reader: Callable[[object], T], schema: Schema, word: str = "text") -> None:
        self.word, self._reader, self._schema = word, reader, schema

    def read(self, value: object, loc: Loc, faults: list[Fault]) -> T:
        """As declared by `Shape`."""
        try:
            return self._reader(value)
        except Wrong as wrong:
            like = meant(value, self._means)
            faults.append(Fault(loc, "wrong", wrong.message, _hint(like, wrong), like or wrong.like))
            return cast("T", None)

    def _means(self, value: object) -> object:
        """What the value means, if that is no text: a text may look like any other."""
        try:
            found = self._reader(value)
        except Wrong:
            return None
        return None if isinstance(found, str) else found

    def schema(self, defs: Schema) -> Schema:  # noqa: ARG002  as declared
        """As declared by `Shape`."""
        return self._schema

    def form_at(self, loc: Loc) -> type[Form] | None:  # noqa: ARG002  as declared
        """As declared by `Shape`."""
        return None


class Listed(Generic[T]):
    """A list of values of one shape, at least `least` of them."""

    word = "a list"

    def __init__(self, item: Shape[T], least: int = 0) -> None:
        self._item, self._least = item, least

    def read(self, value: object, loc: Loc, faults: list[Fault]) -> list[T]:
        """As declared by `Shape`."""
        if not isinstance(value, list):
            faults.append(_not(self.word, value, loc, self._named(value)))
            return []
        if len(value) < self._least:
            message = f"{quoted(loc[-1])} must be a list of something"
            faults.append(Fault(loc, "wrong", message, "write one item at least, after `- `"))
        return [self._item.read(item, (*loc, index), faults) for index, item in enumerate(value)]

    def _named(self, value: object) -> str:
        """How an item is written whose name stands before it, as a key; empty where `value` is no mapping of such."""
        form = self._item.form_at(())
        if not (isinstance(value, dict) and value and form and "name" in form.keys) or value.keys() & form.keys.keys():
            return ""
        return f"- {{name: {next(iter(value))}, ...}}"

    def schema(self, defs: Schema) -> Schema:
        """As declared by `Shape`."""
        least = {"minItems": self._least} if self._least else {}
        return {"type": "array", "items": self._item.schema(defs), **least}

    def form_at(self, loc: Loc) -> type[Form] | None:
        """As declared by `Shape`."""
        return self._item.form_at(loc[1:]) if loc else None


class Table(Generic[T]):
    """A mapping of the author's own names to values of one shape, at most `most` of them."""

    word = "a mapping"

    def __init__(self, item: Shape[T], most: int | None = None, example: str = "") -> None:
        self._item, self._most = item, most
        named = getattr(item, "example", "")
        self._example = example or (f"NAME: {named}" if named else "")

    def read(self, value: object, loc: Loc, faults: list[Fault]) -> dict[str, T]:
        """As declared by `Shape`."""
        if not isinstance(value, dict):
            faults.append(_not(self.word, value, loc, self._example))
            return {}
        if self._most is not None and len(value) > self._most:
            faults.append(Fault(loc, "wrong", f"{quoted(loc[-1])} must be a mapping of at most {self._most} keys"))
        return {name: self._item.read(item, (*loc, name), faults) for name, item in value.items()}

    def schema(self, defs: Schema) -> Schema:
        """As declared by `Shape`."""
        most = {} if self._most is None else {"maxProperties": self._most}
        return {"type": "object", "additionalProperties": self._item.schema(defs) or True, **most}

    def form_at(self, loc: Loc) -> type[Form] | None:
        """As declared by `Shape`."""
        return self._item.form_at(loc[1:]) if loc else None


class OneOf(Generic[T]):
    """One of several shapes: which, is told by what is written (a mapping, a list, a switch, or else text)."""

    def __init__(self, *shapes: Shape[T], one: str = "") -> None:
        """`one` is the hint where somebody wrote a list of what there is one of."""
        self._one = one
        self._shapes = {shape.word: shape for shape in shapes}
        self.word = " or ".join(self._shapes)
        self.example = next((each for shape in shapes if (each := getattr(shape, "example", ""))), "")

    def read(self, value: object, loc: Loc, faults: list[Fault]) -> T:
        """As declared by `Shape`."""
        words = {bool: "off", dict: "a mapping", list: "a list"}
        shape = self._shapes.get(words.get(type(value), "text"))
        if shape is None:
            fault = _not(self.word, value, loc, self.example)
            several = self._one if isinstance(value, list) and len(value) > 1 else ""
            faults.append(fault._replace(hint=several or fault.hint))
            return cast("T", None)
        return shape.read(value, loc, faults)

    def schema(self, defs: Schema) -> Schema:
        """As declared by `Shape`."""
        return {"oneOf": [shape.schema(defs) for shape in self._shapes.values()]}

    def form_at(self, loc: Loc) -> type[Form] | None:
        """As declared by `Shape`."""
        return next((form for shape in self._shapes.values() if (form := shape.form_at(loc))), None)


def _hint(like: str, wrong: Wrong) -> str:
    """What to write instead; first what the value looks like."""
    if not like:
        return wrong.hint
    asked = "did you mean" in wrong.hint
    return f"did you mean {quoted(like)}?" + (f" {wrong.hint}" if wrong.hint and not asked else "")


def _not(what: str, value: object, loc: Loc, example: str) -> Fault:
    name = f"item {loc[-1] + 1}" if isinstance(loc[-1], int) else quoted(loc[-1])
    how = {"a list": "write `- ` before each item", "a mapping": "write `key: value`"}.get(what, as_text(value))
    if example:
        how = f"write it as {example}"
    elif isinstance(loc[-1], int) and isinstance(value, list):
        how = "write each of its items behind a `- ` of its own"
    return Fault(loc, "wrong", f"{name} must be {what}", f"it is {kind(value)}{how and ': '}{how}")


class Key(Generic[T_co]):
    """A key of a form; on a form that was read it is its value, None where it is not written."""

    needed = False

    def __init__(self, shape: Shape[T_co], description: str, **more: object) -> None:
        self.shape, self.about = shape, {"description": description, **more}

    def __set_name__(self, form: type[Form], name: str) -> None:
        """Take a place among the form's keys; `from_` is written `from`, `up_to` is `up to`."""
        self.name = name
        form.keys = {**form.keys, name.rstrip("_").replace("_", " "): self}

    def __get__(self, form: Form | None, kind: type[Form]) -> T_co | None:
        """Not written: what is stands in the form's own `__dict__`."""
        return None


class Needed(Key[T_co]):
    """A key that must be written."""

    needed = True

    def __get__(self, form: Form | None, kind: type[Form]) -> T_co:
        """Written always."""
        raise AttributeError(self.name)


class Form:
    """A mapping of declared keys: others are refused. `vars` of one that was read are the keys that are written."""

    word: ClassVar[str] = "a mapping"
    example: ClassVar[str] = ""
    """How one is written, where people often write it otherwise."""
    keys: ClassVar[dict[str, Key[object]]] = {}

    def __init__(self, **written: object) -> None:
        vars(self).update(written)

    @classmethod
    def read(cls, value: object, loc: Loc, faults: list[Fault]) -> Self:
        """As declared by `Shape`."""
        form = cls()
        if not isinstance(value, dict):
            faults.append(_not(cls.word, value, loc, cls.example))
            return form
        for name, key in cls.keys.items():
            if name in value:
                vars(form)[key.name] = key.shape.read(value[name], (*loc, name), faults)
            elif key.needed:
                faults.append(Fault((*loc, name), "missing"))
        faults += [Fault((*loc, name), "unknown") for name in value if name not in cls.keys]
        return form

    @classmethod
    def schema(cls, defs: Schema) -> Schema:
        """As declared by `Shape`."""
        defs[cls.__name__] = cls.definition(defs)
        return {"$ref": f"#/$defs/{cls.__name__}"}

    @classmethod
    def form_at(cls, loc: Loc) -> type[Form] | None:
        """As declared by `Shape`."""
        key = cls.keys.get(str(loc[0])) if loc else None
        return key.shape.form_at(loc[1:]) if key else None if loc else cls

    @classmethod
    def definition(cls, defs: Schema) -> Schema:
        """The form itself as JSON Schema, with what its keys may be."""
        keys = {
            name: {**key.shape.schema(defs), **key.about, "title": name.capitalize()} for name, key in cls.keys.items()
        }
        needed = [name for name, key in cls.keys.items() if key.needed]
        return {
            "title": cls.__name__,
            "description": cls.__doc__,
            "type": "object",
            "properties": keys,
            **({"required": needed} if needed else {}),
            "additionalProperties": False,
        }
