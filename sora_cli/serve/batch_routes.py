"""`/v1/files` and `/v1/batches`: many videos ordered with one file."""

from __future__ import annotations

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse

from sora_cli.bounded import Json
from sora_cli.serve import body
from sora_cli.serve.batch_forms import (
    BatchCounts,
    BatchErrors,
    BatchesPage,
    BatchObject,
    BatchRequest,
    FileDeleted,
    FileObject,
    FileRequest,
    FilesPage,
)
from sora_cli.serve.batches import MOST_FILES, NAME, Batch, Batches, File
from sora_cli.serve.refusals import Refusal
from sora_cli.serve.videos import WRONG, client_of, sends


class BatchRoutes:
    """The paths, for the batches of one server."""

    def __init__(self, batches: Batches) -> None:
        self._batches = batches
        self.router = APIRouter(prefix="/v1", tags=["batches"], responses=WRONG)
        add = self.router.add_api_route
        add(
            "/files", self.upload, methods=["POST"], response_model=FileObject, openapi_extra=sends(FileRequest, "file")
        )
        add("/files", self.files, methods=["GET"], response_model=FilesPage)
        add("/files/{file_id}", self.file, methods=["GET"], response_model=FileObject)
        add("/files/{file_id}", self.remove, methods=["DELETE"], response_model=FileDeleted)
        add("/files/{file_id}/content", self.content, methods=["GET"], response_class=FileResponse)
        add("/batches", self.create, methods=["POST"], response_model=BatchObject, openapi_extra=sends(BatchRequest))
        add("/batches", self.listing, methods=["GET"], response_model=BatchesPage)
        add("/batches/{batch_id}", self.retrieve, methods=["GET"], response_model=BatchObject)
        add("/batches/{batch_id}/cancel", self.cancel, methods=["POST"], response_model=BatchObject)

    async def upload(self, request: Request) -> FileObject:
        """Send the file of a batch: a line of JSON for each video."""
        async with body.reading(request, "file") as sent:
            sent.form(FileRequest)
            if "file" not in sent.files:
                raise Refusal(400, "file: send one, in a form", "missing_required_parameter", "file")
            return _file(await to_thread.run_sync(self._batches.keep, client_of(request), sent.files["file"]))

    async def files(self, request: Request) -> FilesPage:
        """List your files, newest first."""
        found = await to_thread.run_sync(self._batches.files, client_of(request), 3 * MOST_FILES)
        return FilesPage(data=[_file(each) for each in found])

    async def file(self, request: Request, file_id: str) -> FileObject:
        """Tell of a file."""
        return _file(await to_thread.run_sync(self._batches.file, file_id, client_of(request)))

    async def remove(self, request: Request, file_id: str) -> FileDeleted:
        """Remove a file."""
        file = await to_thread.run_sync(self._batches.file, file_id, client_of(request))
        await to_thread.run_sync(self._batches.remove, file)
        return FileDeleted(id=file.id)

    async def content(self, request: Request, file_id: str) -> FileResponse:
        """Download a file: what became of a batch, or what you sent."""
        file = await to_thread.run_sync(self._batches.file, file_id, client_of(request))
        return FileResponse(self._batches.place(file.id), media_type="application/jsonl")

    async def create(self, request: Request) -> BatchObject:
        """Order all videos of a file."""
        async with body.reading(request) as sent:
            asked = sent.form(BatchRequest)
        client = client_of(request)
        file = await to_thread.run_sync(self._batches.file, asked.input_file_id, client)
        facts: dict[str, Json] = {"metadata": {**asked.metadata} if asked.metadata else None}
        return await self._told(await to_thread.run_sync(self._batches.create, client, file, facts))

    async def retrieve(self, request: Request, batch_id: str) -> BatchObject:
        """Say how far a batch is."""
        return await self._told(await to_thread.run_sync(self._batches.require, batch_id, client_of(request)))

    async def listing(
        self, request: Request, after: str = "", limit: Annotated[int, Query(ge=1, le=100)] = 20
    ) -> BatchesPage:
        """List your batches, newest first."""
        found = await to_thread.run_sync(self._batches.listed, client_of(request), after, limit + 1)
        page = [await self._told(each) for each in found[:limit]]
        ends = (page[0].id, page[-1].id) if page else (None, None)
        return BatchesPage(data=page, first_id=ends[0], last_id=ends[1], has_more=len(found) > limit)

    async def cancel(self, request: Request, batch_id: str) -> BatchObject:
        """Make no more videos of a batch than the one that is being made."""
        client = client_of(request)
        await to_thread.run_sync(
            self._batches.cancel, await to_thread.run_sync(self._batches.require, batch_id, client)
        )
        return await self._told(await to_thread.run_sync(self._batches.require, batch_id, client))

    async def _told(self, batch: Batch) -> BatchObject:
        return await to_thread.run_sync(_told, self._batches, batch)


def _file(file: File) -> FileObject:
    """A file as the API shows it."""
    return FileObject(id=file.id, bytes=file.bytes, created_at=file.created, filename=NAME, purpose=file.purpose)


def _told(batches: Batches, batch: Batch) -> BatchObject:
    """A batch as the API shows it."""
    lines = batches.lines(batch)
    lost = sum(line.over and not line.made for line in lines)
    ended = {"failed": "failed_at", "completed": "completed_at", "cancelled": "cancelled_at"}
    errors = batch.facts.get("errors")
    return BatchObject(
        id=batch.id,
        input_file_id=batch.input,
        status=batch.status,
        created_at=batch.created,
        output_file_id=batch.output,
        error_file_id=batch.wrong,
        errors=BatchErrors.model_validate({"data": errors}) if errors else None,
        metadata=batch.facts.get("metadata"),
        request_counts=BatchCounts(total=len(lines), completed=sum(line.made for line in lines), failed=lost),
        **({ended[batch.status]: batch.ended} if batch.status in ended else {}),
    )
