"""Brings the lines of batches into the queue, as far as their clients have room in it, and closes batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sora_cli.bounded import Json
from sora_cli.serve.batches import Batch, Batches, Line
from sora_cli.serve.desk import Desk, wanted
from sora_cli.serve.forms import video
from sora_cli.serve.keeper import Rounds
from sora_cli.serve.refusals import Refusal

STRIDE = 10
"""Lines of one batch that are ordered before the next one has its turn."""
CANCELLED: dict[str, Json] = {"code": "batch_cancelled", "message": "the batch was cancelled before this line"}
GONE: dict[str, Json] = {"code": "deleted", "message": "the video was removed"}


class Clerk(Rounds):
    """Works through batches, one step after the other, until it is stopped."""

    def __init__(self, desk: Desk, batches: Batches, say: Callable[[str], None]) -> None:
        super().__init__("batches", say)
        self._desk, self._batches = desk, batches

    def step(self) -> None:
        """Order what there is room for, of all batches in turn, and close those that are over."""
        for batch in self._batches.open_ones():
            if batch.status == "cancelling":
                self._drop(batch)
            else:
                self._order(batch)
            self._close(batch)

    def _order(self, batch: Batch) -> None:
        """Order a few lines of a batch, while there is room for its client: half is left for what is asked alone."""
        most = max(1, self._desk.settings.waiting // 2)
        for line in [each for each in self._batches.lines(batch) if each.waits][:STRIDE]:
            if self._stopped.is_set() or not self._desk.queue.room(batch.client, most):
                return
            try:
                self._become(batch, line)
            except Refusal as refusal:
                if refusal.status == 429:  # others of the client's took the room meanwhile
                    return
                self._batches.refused(line, {"code": refusal.code, "message": refusal.message})

    def _become(self, batch: Batch, line: Line) -> None:
        """Have a line become an order."""
        facts, picture = wanted(self._batches.asked(line))
        self._desk.order_video(batch.client, {**facts, "line": [batch.id, line.number]}, picture)

    def _drop(self, batch: Batch) -> None:
        """Take what waits of a batch out of the queue."""
        for line in self._batches.lines(batch):
            queued = line.order is not None and line.order.status == "queued"
            if line.waits or (line.order and queued and self._desk.queue.remove(line.order.id, batch.client)):
                self._batches.refused(line, CANCELLED)

    def _close(self, batch: Batch) -> None:
        """Write what became of a batch, where all of it is over."""
        lines = self._batches.lines(batch)
        if all(line.over for line in lines):
            self._batches.end(batch, [*_done(lines)], [*_wrong(lines)])


def _done(lines: list[Line]) -> Iterator[dict[str, Json]]:
    """What became of the lines whose videos are made, as the output file tells it."""
    for line in lines:
        if line.order is not None and line.made:
            answer: dict[str, Json] = {
                "status_code": 200,
                "request_id": line.order.id,
                "body": video(line.order).model_dump(),
            }
            yield {**_named(line), "response": answer, "error": None}


def _wrong(lines: list[Line]) -> Iterator[dict[str, Json]]:
    """Why other lines became no video, as the error file tells it."""
    for line in lines:
        if not line.made:
            error = line.error or (line.order.error if line.order is not None else None) or GONE
            yield {**_named(line), "response": None, "error": {**error}}


def _named(line: Line) -> dict[str, Json]:
    return {"id": f"batch_req_{line.batch.partition('_')[2]}_{line.number}", "custom_id": line.custom}
