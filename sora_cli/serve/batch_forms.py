"""What requests and answers about batches and their files hold: OpenAI's words."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from sora_cli.serve.forms import Form, VideoRequest


class BatchLine(Form):
    """A video of a batch: what `POST /v1/videos` takes as JSON, with a name of the client's own."""

    custom_id: str = Field(min_length=1, max_length=200)
    method: Literal["POST"]
    url: Literal["/v1/videos"]
    body: VideoRequest


class BatchRequest(Form):
    """A file whose lines are videos to make. It takes as long as it takes: `24h` promises nothing."""

    input_file_id: str = Field(max_length=100)
    endpoint: Literal["/v1/videos"]
    completion_window: Literal["24h"]
    metadata: dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]] | None = Field(
        default=None, max_length=16
    )


class FileRequest(Form):
    """A file to keep for a batch."""

    purpose: Literal["batch"]


class FileObject(BaseModel):
    """A file that is kept. `filename` is the same for all: names are not kept."""

    id: str
    object: Literal["file"] = "file"
    bytes: int
    created_at: int
    filename: str
    purpose: str
    status: Literal["processed"] = "processed"


class FilesPage(BaseModel):
    """All files of a client."""

    object: Literal["list"] = "list"
    data: list[FileObject]
    has_more: bool = False


class FileDeleted(BaseModel):
    """A file is gone."""

    id: str
    object: Literal["file"] = "file"
    deleted: bool = True


class BatchMistake(BaseModel):
    """What is wrong with a line of a batch."""

    code: str
    line: int
    message: str
    param: str | None


class BatchErrors(BaseModel):
    """Why a batch failed: what is wrong with its file."""

    object: Literal["list"] = "list"
    data: list[BatchMistake]


class BatchCounts(BaseModel):
    """How many videos of a batch there are, are made, and became none."""

    total: int
    completed: int
    failed: int


class BatchObject(BaseModel):
    """A batch, and what became of it."""

    id: str
    object: Literal["batch"] = "batch"
    endpoint: Literal["/v1/videos"] = "/v1/videos"
    completion_window: Literal["24h"] = "24h"
    input_file_id: str
    status: Literal["failed", "in_progress", "completed", "cancelling", "cancelled"]
    created_at: int
    completed_at: int | None = None
    failed_at: int | None = None
    cancelled_at: int | None = None
    output_file_id: str | None
    error_file_id: str | None
    errors: BatchErrors | None
    metadata: dict[str, str] | None
    request_counts: BatchCounts


class BatchesPage(BaseModel):
    """A page of a list."""

    object: Literal["list"] = "list"
    data: list[BatchObject]
    first_id: str | None
    last_id: str | None
    has_more: bool
