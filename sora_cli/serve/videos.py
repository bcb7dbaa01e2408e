"""`/v1/videos`: the Sora video API's paths."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel

from sora_cli.bounded import Json
from sora_cli.flows import ordered
from sora_cli.serve import body
from sora_cli.serve.desk import Desk, wanted
from sora_cli.serve.forms import (
    CharacterAnswer,
    CharacterDeleted,
    CharacterRequest,
    Deleted,
    EditRequest,
    ErrorAnswer,
    ExtendRequest,
    RemixRequest,
    Video,
    VideoRequest,
    Videos,
    video,
)
from sora_cli.serve.queue import Order
from sora_cli.serve.refusals import Refusal, missing

Variant = Literal["video", "thumbnail", "spritesheet"]
WRONG: dict[int | str, dict[str, object]] = {
    status: {"model": ErrorAnswer} for status in (400, 401, 403, 404, 408, 409, 413, 415, 429)
}
POLL = 1000
"""Milliseconds after which a client should ask again."""


class VideoRoutes:
    """The paths, for one desk. Orders are checked one at a time: a check takes a core."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._one = CapacityLimiter(1)
        self.router = APIRouter(prefix="/v1/videos", tags=["videos"], responses=WRONG)
        add = self.router.add_api_route
        add(
            "",
            self.create,
            methods=["POST"],
            response_model=Video,
            openapi_extra=sends(VideoRequest, "input_reference"),
        )
        add("", self.listing, methods=["GET"], response_model=Videos)
        add("/edits", self.edit, methods=["POST"], response_model=Video, openapi_extra=sends(EditRequest, "video"))
        add(
            "/extensions",
            self.extend,
            methods=["POST"],
            response_model=Video,
            openapi_extra=sends(ExtendRequest, "video"),
        )
        add(
            "/characters",
            self.make_character,
            methods=["POST"],
            response_model=CharacterAnswer,
            openapi_extra=sends(CharacterRequest, "video"),
        )
        add("/characters/{character_id}", self.character, methods=["GET"], response_model=CharacterAnswer)
        add("/characters/{character_id}", self.remove_character, methods=["DELETE"], response_model=CharacterDeleted)
        add("/{video_id}", self.retrieve, methods=["GET"], response_model=Video)
        add("/{video_id}", self.delete, methods=["DELETE"], response_model=Deleted)
        add("/{video_id}/content", self.content, methods=["GET"], response_class=Response)
        add("/{video_id}/content", self.content, methods=["HEAD"], response_class=Response, include_in_schema=False)
        add("/{video_id}/cancel", self.cancel, methods=["POST"], response_model=Video)
        add("/{video_id}/remix", self.remix, methods=["POST"], response_model=Video, openapi_extra=sends(RemixRequest))

    async def create(self, request: Request) -> Video:
        """Order a video from words, and a picture to begin on."""
        async with body.reading(request, "input_reference") as sent:
            facts, picture = wanted(sent.form(VideoRequest), sent.files.get("input_reference"))
            return video(await self._checked(lambda: self._desk.order_video(client_of(request), facts, picture)))

    async def retrieve(self, request: Request, response: Response, video_id: str) -> Video:
        """Say how far a video is."""
        found = await self._find(request, video_id)
        if not found.over:
            response.headers["openai-poll-after-ms"] = str(POLL)
        return video(found)

    async def listing(
        self,
        request: Request,
        after: str = "",
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        order: Literal["asc", "desc"] = "desc",
    ) -> Videos:
        """List your videos, newest first."""

        def listed() -> list[Order]:
            try:
                return self._desk.queue.listed(client_of(request), after=after, limit=limit + 1, rising=order == "asc")
            except KeyError:
                raise missing("video", after) from None

        found = [video(each) for each in await to_thread.run_sync(listed)]
        page = found[:limit]
        return Videos(
            data=page,
            first_id=page[0].id if page else None,
            last_id=page[-1].id if page else None,
            has_more=len(found) > limit,
        )

    async def delete(self, request: Request, video_id: str) -> Deleted:
        """Remove a video with its files; one that is being made is stopped."""
        found = await self._find(request, video_id)
        await to_thread.run_sync(self._desk.remove, found)
        return Deleted(id=found.id)

    async def cancel(self, request: Request, video_id: str) -> Video:
        """Stop making a video: it has failed then, with the code `cancelled`; one that is over stays as it is."""
        found = await self._find(request, video_id)
        return video(await to_thread.run_sync(self._desk.cancel, found))

    async def content(self, request: Request, video_id: str, variant: Variant = "video") -> Response:
        """Download a video, a picture of it, or its contact sheet."""
        found = await self._find(request, video_id)
        film = self._desk.film(found)
        if variant == "thumbnail":
            return Response(await to_thread.run_sync(ordered.thumbnail, film), media_type="image/webp")
        if variant == "spritesheet":
            return FileResponse(ordered.sheet(film.parent), media_type="image/png")
        return FileResponse(film, media_type="video/mp4")

    async def remix(self, request: Request, video_id: str) -> Video:
        """Order a video again with other words: engine, size, length and seed stay."""
        async with body.reading(request) as sent:
            asked = sent.form(RemixRequest)
        source = await self._find(request, video_id)
        return video(await self._checked(lambda: self._desk.order_from(source, asked.prompt)))

    async def edit(self, request: Request) -> Video:
        """Order a video again with other words, as `remix` does."""
        async with body.reading(request, "video") as sent:
            source, also = await self._source(request, sent)
        asked = sent.form(EditRequest, **also)
        return video(await self._checked(lambda: self._desk.order_from(source, asked.prompt)))

    async def extend(self, request: Request) -> Video:
        """Order a video that goes on where another ends; the film is both together."""
        async with body.reading(request, "video") as sent:
            source, also = await self._source(request, sent)
        asked = sent.form(ExtendRequest, **also)
        return video(await self._checked(lambda: self._desk.order_from(source, asked.prompt, seconds=asked.seconds)))

    async def make_character(self, request: Request) -> CharacterAnswer:
        """Keep a character: the frame in the middle of the film that is sent."""
        async with body.reading(request, "video") as sent:
            asked, film = sent.form(CharacterRequest), sent.files.get("video")
            if film is None:
                raise Refusal(400, "video: send one, in a form", "missing_required_parameter", "video")
            made = await to_thread.run_sync(
                self._desk.characters.make, client_of(request), asked.name, film, limiter=self._one
            )
        return CharacterAnswer(id=made.id, created_at=made.created, name=made.name)

    async def character(self, request: Request, character_id: str) -> CharacterAnswer:
        """Tell of a character."""
        found = await to_thread.run_sync(self._desk.characters.require, character_id, client_of(request))
        return CharacterAnswer(id=found.id, created_at=found.created, name=found.name)

    async def remove_character(self, request: Request, character_id: str) -> CharacterDeleted:
        """Remove a character."""
        found = await to_thread.run_sync(self._desk.characters.require, character_id, client_of(request))
        await to_thread.run_sync(self._desk.characters.remove, found)
        return CharacterDeleted(id=found.id)

    async def _source(self, request: Request, sent: body.Sent) -> tuple[Order, dict[str, Json]]:
        """The video that a request names, or sends back."""
        film = sent.files.get("video")
        if film is not None:
            found = await to_thread.run_sync(self._desk.known_film, client_of(request), film)
            return found, {"video": {"id": found.id}}
        named = sent.fields.get("video")
        name = named.get("id") if isinstance(named, dict) else named
        if not isinstance(name, str) or not name:
            raise Refusal(400, "video: name one by its id, or send its file", "missing_required_parameter", "video")
        return await self._find(request, name), {"video": {"id": name}}

    async def _find(self, request: Request, name: str) -> Order:
        return await to_thread.run_sync(self._desk.find, name, client_of(request), "video")

    async def _checked(self, order: Callable[[], Order]) -> Order:
        return await to_thread.run_sync(order, limiter=self._one)


def client_of(request: Request) -> str:
    """Who asks, as the guard knows it."""
    client: str = request.state.client
    return client


def sends(form: type[BaseModel], file: str = "") -> dict[str, object]:
    """What the OpenAPI page says of a request's body: JSON, and a form where it may hold a file."""
    schema = form.model_json_schema()
    inner = schema.pop("$defs", {})
    fields = {name: _inlined(each, inner) for name, each in schema["properties"].items()}
    kinds = {"application/json": {"schema": {**schema, "properties": fields}}}
    if file:
        fields = {**fields, file: {"type": "string", "format": "binary"}}
        kinds["multipart/form-data"] = {"schema": {**schema, "properties": fields}}
    return {"requestBody": {"required": True, "content": kinds}}


def _inlined(schema: dict[str, Json], inner: dict[str, dict[str, Json]]) -> dict[str, Json]:
    """A field's schema with what it refers to put in."""
    named = [schema, *(each for each in schema.get("anyOf", []) if isinstance(each, dict))]  # type: ignore[union-attr]
    found = [inner[str(each["$ref"]).rpartition("/")[2]] for each in named if "$ref" in each]
    return found[0] if found else schema
