"""Batches by the official client: each line once, in the same queue, whatever is killed."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from sora_cli.serve.batches import MOST_LINES, Batches
from sora_cli.serve.clerk import Clerk
from sora_cli.serve.desk import Desk
from sora_cli.serve.queue import Queue
from tests.serve.conftest import listening, worker
from tests.serve.test_door import GOOD, TOKEN, Asks, code

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    openai = pytest.importorskip("openai")

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API is scheduled to permanently shut down:DeprecationWarning")


def line(name: str, **body: object) -> dict[str, Any]:
    return {"custom_id": name, "method": "POST", "url": "/v1/videos", "body": {**GOOD, "seconds": "0.5", **body}}


def text(*lines: object) -> bytes:
    return "\n".join(json.dumps(each) for each in lines).encode()


def clerk(desk: Desk) -> Clerk:
    return Clerk(desk, Batches(desk.queue), pytest.fail)


def accepted(desk: Desk, *lines: object) -> Any:
    """A batch of these lines, as a client of the server orders it."""
    with listening(desk) as address:
        client = openai.OpenAI(api_key=TOKEN, base_url=f"{address}/v1", max_retries=0)
        file = client.files.create(file=("lines.jsonl", text(*lines)), purpose="batch")
        return client.batches.create(input_file_id=file.id, endpoint="/v1/videos", completion_window="24h")


def test_a_batch_is_made_and_told_by_files(desk: Callable[..., Desk]) -> None:
    here = desk()
    with worker(here.queue) as work, listening(here := Desk(here.settings, here.queue, work.wake)) as address:
        client = openai.OpenAI(api_key="anything", base_url=f"{address}/v1")
        file = client.files.create(
            file=("../../x", text(line("one", prompt="dark"), line("two", prompt="a nude child"))), purpose="batch"
        )
        batch = client.batches.create(
            input_file_id=file.id, endpoint="/v1/videos", completion_window="24h", metadata={"film": "tides"}
        )
        assert (batch.status, batch.request_counts.total) == ("in_progress", 2)
        until = time.monotonic() + 120
        while batch.status == "in_progress" and time.monotonic() < until:
            clerk(here).step()
            batch = client.batches.retrieve(batch.id)
        assert (batch.status, batch.metadata) == ("completed", {"film": "tides"})
        assert (batch.request_counts.completed, batch.request_counts.failed) == (1, 1)
        (made,) = map(json.loads, client.files.content(batch.output_file_id).text.splitlines())
        assert (made["custom_id"], made["response"]["status_code"]) == ("one", 200)
        assert client.videos.download_content(made["response"]["body"]["id"]).read()[4:8] == b"ftyp"
        (wrong,) = map(json.loads, client.files.content(batch.error_file_id).text.splitlines())
        assert (wrong["custom_id"], wrong["error"]["code"]) == ("two", "moderation_blocked")
        assert [each.id for each in client.batches.list(limit=1)] == [batch.id]
        assert {each.id for each in client.files.list()} == {file.id, batch.output_file_id, batch.error_file_id}
        assert client.files.delete(file.id).deleted
        with pytest.raises(openai.NotFoundError):
            client.files.content(file.id)


def test_a_line_is_ordered_once_whatever_is_killed_and_keeps_to_the_queues_room(desk: Callable[..., Desk]) -> None:
    here = desk(waiting=4)
    batch = accepted(here, *(line(f"{number}", seed=number) for number in range(5)))
    clerk(here).step()
    assert here.queue.counts()["queued"] == 2, "half of what may wait is left for what is asked alone"
    again = Desk(here.settings, Queue(here.queue.folder), lambda: None)  # the process was killed, and another begins
    for _ in range(4):
        clerk(again).step()
        for order in iter(again.queue.take, None):
            again.queue.completed(order.id, order.fact("seed"))
    clerk(again).step()
    (done,) = Batches(again.queue).listed(here.settings.client(TOKEN) or "", "", 10)
    assert (done.id, done.status) == (batch.id, "completed")
    told = Batches(again.queue).place(done.output or "").read_text().splitlines()
    assert [json.loads(each)["response"]["body"]["seed"] for each in told] == [0, 1, 2, 3, 4]
    assert again.queue.counts()["completed"] == 5


def test_a_batch_that_is_cancelled_makes_no_more_than_what_is_being_made(desk: Callable[..., Desk]) -> None:
    here = desk()
    accepted(here, *(line(f"{number}") for number in range(3)))
    clerk(here).step()
    taken = here.queue.take()
    assert taken is not None
    batches = Batches(here.queue)
    (batch,) = batches.open_ones()
    batches.cancel(batch)
    clerk(here).step()
    assert here.queue.counts() == {"queued": 0, "in_progress": 1, "completed": 0, "failed": 0}
    assert batches.open_ones()[0].status == "cancelling"
    here.queue.completed(taken.id, "0")
    clerk(here).step()
    done = batches.require(batch.id, batch.client)
    assert done.status == "cancelled"
    told = [json.loads(each) for each in batches.place(done.wrong or "").read_text().splitlines()]
    assert [each["error"]["code"] for each in told] == ["batch_cancelled"] * 2


@pytest.mark.parametrize(
    ("lines", "number", "words"),
    [
        (b"", 1, "no lines"),
        (b"{}\nnothing", 2, "not JSON"),
        (text(line("one"), line("one")), 2, "twice"),
        (text(line("one"), line("two", steps=4)), 2, "steps"),
        (text({**line("one"), "url": "/v1/videos/edits"}), 1, "/v1/videos"),
        (text(*(line(f"{number}") for number in range(MOST_LINES + 5))), MOST_LINES + 1, "at most"),
    ],
    ids=["empty", "no json", "twice", "unknown", "another path", "too many"],
)
def test_a_file_with_mistakes_orders_nothing_and_says_where(
    desk: Callable[..., Desk], lines: bytes, number: int, words: str
) -> None:
    here = desk()
    with listening(here) as address:
        client = openai.OpenAI(api_key=TOKEN, base_url=f"{address}/v1", max_retries=0)
        file = client.files.create(file=("lines.jsonl", lines), purpose="batch")
        batch = client.batches.create(input_file_id=file.id, endpoint="/v1/videos", completion_window="24h")
    assert batch.status == "failed"
    assert any(each.line == number and words in each.message for each in batch.errors.data), batch.errors
    clerk(here).step()
    assert here.queue.counts()["queued"] == 0


def test_files_and_batches_are_their_owners_alone(desk: Callable[..., Desk]) -> None:
    both = (TOKEN, "another-token-of-a-client")
    here = desk(tokens=both)
    batch = accepted(here, line("one"))
    with listening(here) as address:
        theirs = Asks(address, Authorization=f"Bearer {both[1]}")
        for method, path in (
            ("GET", f"batches/{batch.id}"), ("GET", f"batches?after={batch.id}"),
            ("POST", f"batches/{batch.id}/cancel"),
            ("GET", f"files/{batch.input_file_id}"), ("DELETE", f"files/{batch.input_file_id}"),
            ("GET", f"files/{batch.input_file_id}/content"),
        ):  # fmt: skip
            assert code(theirs(method, f"/v1/{path}")) == (404, "not_found"), path
        assert theirs("GET", "/v1/files")[1]["data"] == theirs("GET", "/v1/batches")[1]["data"] == []
        stolen = {"input_file_id": batch.input_file_id, "endpoint": "/v1/videos", "completion_window": "24h"}
        assert code(theirs.post("/v1/batches", **stolen)) == (404, "not_found")
        assert code(theirs.post("/v1/files", purpose="batch")) == (400, "missing_required_parameter")
