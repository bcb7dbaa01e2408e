"""What requests and answers hold: the Sora video API's words, and a few of ours."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from sora_cli.bounded import Json
from sora_cli.serve.queue import Order, Status

Prompt = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=8000)]
Size = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{1,4}x[1-9][0-9]{1,4}$")]


def _seconds(value: object) -> object:
    """Seconds are text in this API; a number is taken as well."""
    return f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else value


Seconds = Annotated[str, BeforeValidator(_seconds), StringConstraints(pattern=r"^[0-9]{1,4}(\.[0-9]{1,3})?$")]


class Form(BaseModel):
    """What a client sends; a word that nobody knows is refused, not dropped."""

    model_config = ConfigDict(extra="forbid")


class PictureReference(Form):
    """A picture in a JSON request: a `data:` address holds it."""

    image_url: str = Field(max_length=3_000_000)


class CharacterReference(Form):
    """A character that is to be seen."""

    id: str = Field(max_length=100)


class VideoRequest(Form):
    """A video to make. `seed` is ours: with it, a second video is the same again."""

    prompt: Prompt
    model: Annotated[str, StringConstraints(min_length=1, max_length=100)] = "sora-2"
    seconds: Seconds = "4"
    size: Size = "720x1280"
    seed: int | None = Field(default=None, ge=0, lt=2**32)
    input_reference: PictureReference | None = None
    characters: list[CharacterReference] = Field(default=[], max_length=8)


class RemixRequest(Form):
    """Other words for a video that was made."""

    prompt: Prompt


class VideoReference(Form):
    """A video that this server made."""

    id: str = Field(max_length=100)


class EditRequest(RemixRequest):
    """Other words for a video, which is named, or sent as the file that was downloaded."""

    video: VideoReference


class ExtendRequest(EditRequest):
    """What happens next in a video, for so many seconds."""

    seconds: Seconds


class CharacterRequest(Form):
    """A name for a character, which is sent as a film."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]


class CharacterAnswer(BaseModel):
    """A character that is kept."""

    id: str
    object: Literal["character"] = "character"
    created_at: int
    name: str


class CharacterDeleted(BaseModel):
    """A character is gone."""

    id: str
    object: Literal["character.deleted"] = "character.deleted"
    deleted: bool = True


class VideoError(BaseModel):
    """Why a video was not made."""

    code: str
    message: str


class Video(BaseModel):
    """A video, made or waiting."""

    id: str
    object: Literal["video"] = "video"
    model: str
    status: Status
    progress: int
    created_at: int
    completed_at: int | None
    expires_at: int | None = None
    size: str
    seconds: str
    prompt: str
    seed: int
    remixed_from_video_id: str | None
    error: VideoError | None


class Videos(BaseModel):
    """A page of a list."""

    object: Literal["list"] = "list"
    data: list[Video]
    first_id: str | None
    last_id: str | None
    has_more: bool


class Deleted(BaseModel):
    """A video is gone."""

    id: str
    object: Literal["video.deleted"] = "video.deleted"
    deleted: bool = True


class StoryboardFilm(BaseModel):
    """The film of a storyboard, made or waiting."""

    id: str
    object: Literal["storyboard"] = "storyboard"
    status: Status
    progress: int
    created_at: int
    completed_at: int | None
    seconds: float
    size: str
    error: VideoError | None


class Problem(BaseModel):
    """What is wrong."""

    message: str
    type: str
    param: str | None
    code: str


class ErrorAnswer(BaseModel):
    """An error as OpenAI's API tells it."""

    error: Problem


def video(order: Order) -> Video:
    """An order as the API shows it."""
    facts = order.facts
    source = facts.get("remixed_from")
    return Video(
        id=order.id,
        model=order.fact("model"),
        status=order.status,
        progress=order.progress,
        created_at=order.created,
        completed_at=order.ended,
        size=order.fact("size"),
        seconds=order.fact("seconds"),
        prompt=order.fact("prompt"),
        seed=_number(facts.get("seed")),
        remixed_from_video_id=source if isinstance(source, str) else None,
        error=error_of(order),
    )


def storyboard_film(order: Order) -> StoryboardFilm:
    """An order of a storyboard as the API shows it."""
    seconds = order.facts.get("seconds")
    return StoryboardFilm(
        id=order.id,
        status=order.status,
        progress=order.progress,
        created_at=order.created,
        completed_at=order.ended,
        seconds=seconds if isinstance(seconds, float) else 0.0,
        size=order.fact("size"),
        error=error_of(order),
    )


def error_of(order: Order) -> VideoError | None:
    """Why an order failed."""
    return VideoError.model_validate(order.error) if order.error else None


def _number(value: Json) -> int:
    return value if isinstance(value, int) else 0
