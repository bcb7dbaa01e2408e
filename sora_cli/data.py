"""Values that go to files and come back: the base of all records, and the kinds of their fields.

Anybody may have written what is read here, so every field has a kind and bounds, and nothing else is let through.
Fields that a later version adds are passed over. What sora writes itself is not measured against the bounds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, ValidationError

from sora_cli.errors import RequestError
from sora_cli.texts import shortened

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


def _letters(most: int) -> AfterValidator:
    """At most so many letters. pydantic's own `max_length` refuses names that are no UTF-8, which files may have."""

    def check(text: str) -> str:
        if len(text) > most:
            raise ValueError(f"has more than {most:,} letters")
        return text

    return AfterValidator(check)


LIST = BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)
"""Of a field that is a tuple here and a list in JSON."""

Key = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Sha = Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]
"""SHA-256 in hexadecimal, or nothing."""
Name = Annotated[str, _letters(1_000)]
Words = Annotated[str, _letters(1_000_000)]
Rate = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,8}(/[1-9][0-9]{0,8})?$")]
Ratio = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,29}(/[1-9][0-9]{0,29})?$")]
"""A rate or stride as exact as it was computed."""
Size = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,4}x[1-9][0-9]{0,4}$")]
Count = Annotated[int, Field(ge=0, le=10_000_000)]
Seconds = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
Finite = Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]
Versions = Annotated[dict[Name, Name], Field(max_length=100)]
Keys = Annotated[tuple[Key, ...], LIST, Field(max_length=1_000)]
MOST = 100_000
"""Takes, shots or files of a film."""


_SAID = {
    "greater_than_equal": "{} is out of range: {ge:g} or more",
    "greater_than": "{} is out of range: more than {gt:g}",
    "less_than_equal": "{} is out of range: {le:g} or less",
    "less_than": "{} is out of range: less than {lt:g}",
    **dict.fromkeys(("int_parsing", "int_type", "int_from_float"), "{} is not a whole number"),
    **dict.fromkeys(("float_parsing", "float_type"), "{} is not a number"),
    **dict.fromkeys(("bool_parsing", "bool_type"), "{} is not true or false"),
    "string_type": "{} is not text",
    "literal_error": "{} is not one of {expected}",
    "missing": "it is missing",
}


def fault_words(fault: ErrorDetails) -> str:
    """What pydantic found wrong with a value, in the words that storyboards' errors have."""
    if fault["type"] not in _SAID:
        return fault["msg"].removeprefix("Value error, ")
    value = fault["input"]
    written = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    written = written if written.isprintable() else json.dumps(written)[1:-1]  # what a terminal would obey is shown
    return _SAID[fault["type"]].format(f"`{shortened(written, 60)}`", **fault.get("ctx", {}))


class Record(BaseModel):
    """The base of all records: frozen, strict, and with names as JSON has them."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", populate_by_name=True, defer_build=True)

    @classmethod
    def from_dict(cls, told: Mapping[str, object], what: str) -> Self:
        """The record in plain data; `what` is what a person calls it.

        Raises:
            RequestError: a field is missing, of another kind, or out of bounds.
        """
        try:
            return cls.model_validate(told)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(str(step) for step in first["loc"])[:80]
            message = f"{what} is damaged: {place}: {fault_words(first)}"
            raise RequestError(message, hint="use an undamaged copy") from None

    @classmethod
    def if_whole(cls, told: object) -> Self | None:
        """The record in plain data; None where that is none, for what can be done without it."""
        try:
            return cls.from_dict(told, "it") if isinstance(told, Mapping) else None
        except RequestError:
            return None

    @classmethod
    def _of_ours(cls, **told: object) -> Self:
        made: Self = super().model_construct(None, **told)
        return made

    def to_dict(self) -> dict[str, JsonValue]:
        """Plain data, as JSON has it; what is not told is left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True, warnings=False)
