"""`/v1/storyboards`: a storyboard in, what happens out as server-sent events, the film back."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse

from sora_cli.serve.desk import Desk
from sora_cli.serve.forms import StoryboardFilm, storyboard_film
from sora_cli.serve.queue import Order
from sora_cli.serve.refusals import Refusal
from sora_cli.serve.videos import WRONG, client_of
from sora_cli.serve.worker import EVENTS

KINDS = ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml", "application/json", "text/plain")
STREAM = "text/event-stream"
PAUSE = 0.25
"""Seconds between two looks at what was told."""
QUIET = 15.0
"""Seconds without an event after which a line says that the server is still there."""
_PLACES = ("path", "film", "sidecar", "sheet", "source")
"""Fields of events that name files: clients hear their names alone."""


class StoryboardRoutes:
    """The paths, for one desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._one = CapacityLimiter(1)
        self.router = APIRouter(prefix="/v1/storyboards", tags=["storyboards"], responses=WRONG)
        sends = {"requestBody": {"required": True, "content": {KINDS[0]: {"schema": {"type": "string"}}}}}
        add = self.router.add_api_route
        add("", self.create, methods=["POST"], response_model=StoryboardFilm, openapi_extra=sends)
        add("/{storyboard_id}", self.retrieve, methods=["GET"], response_model=StoryboardFilm)
        add("/{storyboard_id}", self.delete, methods=["DELETE"], response_model=dict[str, str | bool])
        add("/{storyboard_id}/cancel", self.cancel, methods=["POST"], response_model=StoryboardFilm)
        add("/{storyboard_id}/events", self.events, methods=["GET"], response_class=StreamingResponse)
        add("/{storyboard_id}/content", self.content, methods=["GET"], response_class=Response)
        add(
            "/{storyboard_id}/content", self.content, methods=["HEAD"], response_class=Response, include_in_schema=False
        )

    async def create(self, request: Request) -> Response:
        """Order the film of a storyboard, sent as YAML; with `Accept: text/event-stream` hear how it is made."""
        kind = request.headers.get("content-type", KINDS[0]).partition(";")[0].strip().lower()
        if kind not in KINDS:
            raise Refusal(415, f"cannot read {kind}: send a storyboard as {KINDS[0]}", "unsupported_media_type")
        try:
            board = (await request.body()).decode("utf-8")
        except UnicodeDecodeError:
            raise Refusal(400, "the storyboard is not UTF-8", "invalid_value") from None
        client = client_of(request)
        order = await to_thread.run_sync(lambda: self._desk.accept("storyboard", client, board, {}), limiter=self._one)
        if STREAM in request.headers.get("accept", ""):
            return self._stream(order, 0)
        return JSONResponse(storyboard_film(order).model_dump())

    async def retrieve(self, request: Request, storyboard_id: str) -> StoryboardFilm:
        """Say how far a film is."""
        return storyboard_film(await self._find(request, storyboard_id))

    async def delete(self, request: Request, storyboard_id: str) -> dict[str, str | bool]:
        """Remove a film with its files; one that is being made is stopped."""
        order = await self._find(request, storyboard_id)
        await to_thread.run_sync(self._desk.remove, order)
        return {"id": order.id, "object": "storyboard.deleted", "deleted": True}

    async def cancel(self, request: Request, storyboard_id: str) -> StoryboardFilm:
        """Stop making a film: it has failed then, with the code `cancelled`; one that is over stays as it is."""
        order = await self._find(request, storyboard_id)
        return storyboard_film(await to_thread.run_sync(self._desk.cancel, order))

    async def events(self, request: Request, storyboard_id: str) -> StreamingResponse:
        """Hear how a film is made, from its beginning or after the event that `Last-Event-ID` names."""
        order = await self._find(request, storyboard_id)
        last = request.headers.get("last-event-id", "")
        return self._stream(order, int(last) if last.isascii() and last.isdigit() and len(last) < 10 else 0)

    async def content(self, request: Request, storyboard_id: str) -> FileResponse:
        """Download a film."""
        return FileResponse(self._desk.film(await self._find(request, storyboard_id)), media_type="video/mp4")

    async def _find(self, request: Request, name: str) -> Order:
        return await to_thread.run_sync(self._desk.find, name, client_of(request), "storyboard")

    def _stream(self, order: Order, after: int) -> StreamingResponse:
        return StreamingResponse(self._told(order, after), media_type=STREAM, headers={"Cache-Control": "no-store"})

    async def _told(self, order: Order, after: int) -> AsyncIterator[str]:
        """What is told of an order, until it is over; event 0 is the order as it was accepted."""
        if not after:
            yield _event("accepted", storyboard_film(order).model_dump_json(), 0)
        place, number, quiet = self._desk.queue.place(order.id) / EVENTS, 0, 0.0
        at = 0
        while True:
            now = await to_thread.run_sync(self._now, order)  # first, so that all that was told before is read
            lines, at = await to_thread.run_sync(_lines, place, at)
            for line in lines:
                number += 1
                if number > after:
                    yield _event(*_bare(line), number)
            if now is None or now.over:
                yield _event("ended", storyboard_film(now).model_dump_json() if now else "{}", number + 1)
                return
            quiet = 0.0 if lines else quiet + PAUSE
            if quiet >= QUIET:
                quiet = 0.0
                yield ": still here\n\n"
            await anyio.sleep(PAUSE)

    def _now(self, order: Order) -> Order | None:
        try:
            return self._desk.queue.require(order.id, order.client)
        except KeyError:
            return None


def _lines(path: Path, at: int) -> tuple[list[str], int]:
    """The whole lines of a file from byte `at` on, and where the next begins."""
    try:
        with path.open("rb") as file:
            file.seek(at)
            data = file.read(1 << 20)
    except FileNotFoundError:  # nobody has begun with it
        return [], at
    whole = data.rfind(b"\n") + 1
    return data[:whole].decode("utf-8", "replace").splitlines(), at + whole


def _bare(line: str) -> tuple[str, str]:
    """An event's name and its data, in which files have no folders."""
    try:
        told = json.loads(line)
    except ValueError:  # half a line of a worker that was killed, with the next one behind it
        return "note", json.dumps({"event": "note", "message": "the work began anew", "hint": ""})
    short = {key: Path(value).name for key, value in told.items() if key in _PLACES and isinstance(value, str)}
    return str(told.get("event", "note")), json.dumps({**told, **short})


def _event(name: str, data: str, number: int) -> str:
    return f"id: {number}\nevent: {name}\ndata: {data}\n\n"
