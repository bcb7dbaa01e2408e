"""The official client, unchanged but for its base URL."""

from __future__ import annotations

import base64
import io
import time
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path

import pytest
from PIL import Image

from sora_cli.engines.base import Footage, Given, Progress, Take
from sora_cli.media.read import probe
from sora_cli.serve.desk import Desk
from sora_cli.serve.keeper import signed
from sora_cli.stamp import verify
from tests.serve.conftest import listening, worker
from tests.serve.test_door import Asks, picture
from tests.test_film import Greys, shown
from tests.test_tools import film

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    openai = pytest.importorskip("openai")

TOKEN = {"Authorization": "Bearer anything"}
pytestmark = pytest.mark.filterwarnings("ignore:The Sora API is scheduled to permanently shut down:DeprecationWarning")


def test_create_poll_download_list_remix_extend_and_delete(desk: Callable[..., Desk], tmp_path: Path) -> None:
    here = desk()
    with worker(here.queue) as work, listening(Desk(here.settings, here.queue, work.wake)) as address:
        client = openai.OpenAI(api_key="anything", base_url=f"{address}/v1")
        made = client.videos.create_and_poll(
            prompt="dark", model="sora-2", seconds="1", size="96x64", poll_interval_ms=50
        )
        assert (made.status, made.progress, made.seconds, made.size) == ("completed", 100, "1", "96x64")
        film = tmp_path / "film.mp4"
        client.videos.download_content(made.id).write_to_file(film)
        assert verify(film).ok
        assert set(shown(film, 12)) == {"dark"}
        content, asks = f"/v1/videos/{made.id}/content", HTTPConnection(address.removeprefix("http://"))
        asks.request("HEAD", content, headers=TOKEN)  # as players and `curl -I` do
        told = asks.getresponse()
        assert (told.status, told.headers["content-length"], told.read()) == (200, str(film.stat().st_size), b"")
        asks.request("GET", content, headers={"Range": "bytes=10-19", **TOKEN})
        part = asks.getresponse()
        assert (part.status, part.read()) == (206, film.read_bytes()[10:20])
        asks.close()
        thumbnail = client.videos.download_content(made.id, variant="thumbnail").read()
        assert Image.open(io.BytesIO(thumbnail)).size == (96, 64)
        sheet = client.videos.download_content(made.id, variant="spritesheet").read()
        assert Image.open(io.BytesIO(sheet)).format == "PNG"

        remixed = client.videos.remix(made.id, prompt="light")
        longer = client.videos.extend(video=film.read_bytes(), prompt="white", seconds="1")
        edited = client.videos.edit(video=film.read_bytes(), prompt="black")
        assert [each.remixed_from_video_id for each in (remixed, longer, edited)] == [made.id] * 3
        assert {client.videos.poll(each.id, poll_interval_ms=50).status for each in (remixed, edited)} == {"completed"}
        longer = client.videos.poll(longer.id, poll_interval_ms=50)
        assert longer.seconds == "2"
        client.videos.download_content(longer.id).write_to_file(film)
        assert probe(film).frames == 24
        assert shown(film, 24) == ["dark"] * 12 + ["white"] * 12

        assert [each.id for each in client.videos.list(limit=2)] == [edited.id, longer.id, remixed.id, made.id]
        assert client.videos.list(order="asc", limit=1, after=made.id).data[0].id == remixed.id
        assert client.videos.delete(made.id).deleted
        with pytest.raises(openai.NotFoundError):
            client.videos.retrieve(made.id)
        assert not here.queue.place(made.id).exists()


class _Slow(Greys):
    """Takes its time, where the prompt says so."""

    def generate(self, take: Take, given: Given, progress: Progress) -> Footage:
        for step in range(6000 if "slowly" in take.prompt else 1):
            time.sleep(0.01)
            progress(step + 1, 6000)
        return super().generate(take, given, progress)


def test_an_order_that_is_made_is_cancelled_or_deleted_and_the_next_one_is_made(
    desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sora_cli.engines.catalogue.open_engine", lambda card, **_: _Slow(card))
    here = desk(rate=4)
    ask = {"seconds": "1", "size": "96x64"}
    with worker(here.queue) as work, listening(Desk(here.settings, here.queue, work.wake)) as address:
        client = openai.OpenAI(api_key="anything", base_url=f"{address}/v1", max_retries=0)
        slow, other, waits = (client.videos.create(prompt=f"dark, slowly {n}", **ask) for n in range(3))
        for each in (slow, waits):
            client.post(f"/videos/{each.id}/cancel", cast_to=object)
        assert client.videos.retrieve(waits.id).error.code == "cancelled"
        over = client.videos.poll(slow.id, poll_interval_ms=20)
        assert (over.status, over.error.code) == ("failed", "cancelled")
        while client.videos.retrieve(other.id).status != "in_progress":
            time.sleep(0.02)
        assert client.videos.delete(other.id).deleted
        with pytest.raises(openai.NotFoundError):
            client.videos.retrieve(other.id)
        made = client.videos.create_and_poll(prompt="light", **ask, poll_interval_ms=20)
        assert made.status == "completed"
        assert not here.queue.place(other.id).exists()
        assert client.post(f"/videos/{made.id}/cancel", cast_to=object)["status"] == "completed"


def test_a_character_of_a_film_is_a_reference_of_videos_that_name_it(desk: Callable[..., Desk], tmp_path: Path) -> None:
    here = desk()
    film(tmp_path / "mara.mp4", [90] * 6, size=(96, 64))
    with listening(here) as address:
        client = openai.OpenAI(api_key="anything", base_url=f"{address}/v1", max_retries=0)
        with (tmp_path / "mara.mp4").open("rb") as video:
            made = client.videos.create_character(name="Mara", video=video)
        assert client.videos.get_character(made.id).name == "Mara"
        ids = {"characters": [{"id": made.id}]}
        for extra in ({"input_reference": picture()}, {}):
            order = client.videos.create(prompt="Mara, dark", seconds="1", size="96x64", extra_body=ids, **extra)
            folder = here.queue.place(order.id)
            assert f"{made.id}.webp" in (folder / "storyboard.yaml").read_text()
            assert probe(folder / f"{made.id}.webp").width == 96
        theirs = openai.OpenAI(api_key="another", base_url=f"{address}/v1", max_retries=0)
        with pytest.raises(openai.NotFoundError):
            theirs.videos.get_character(made.id)
        with pytest.raises(openai.NotFoundError):
            theirs.videos.create(prompt="dark", seconds="1", size="96x64", extra_body=ids)
        mine = Asks(address, Authorization="Bearer anything")
        assert mine("DELETE", f"/v1/videos/characters/{made.id}")[1]["deleted"]
        assert mine("GET", f"/v1/videos/characters/{made.id}")[0] == 404
        with pytest.raises(openai.BadRequestError, match="video"):
            client.videos.create_character(name="Mara", video=b"nothing")


def test_a_webhook_is_what_the_client_unwraps(desk: Callable[..., Desk]) -> None:
    secret = "whsec_" + base64.b64encode(bytes(range(32))).decode()
    queue = desk().queue
    queue.add(queue.new_id("video"), "me", "video", {}, 1)
    order = queue.take()
    assert order is not None
    queue.completed(order.id, "0" * 64)
    (done,) = queue.to_tell()
    words, headers = signed(done, secret, datetime.now(tz=UTC))
    client = openai.OpenAI(api_key="anything", webhook_secret=secret)
    event = client.webhooks.unwrap(words, headers)
    assert (event.type, event.data.id) == ("video.completed", order.id)
    with pytest.raises(openai.InvalidWebhookSignatureError):
        client.webhooks.unwrap(words.replace(b"completed", b"failed"), headers)
    queue.told(order.id)
    assert not queue.to_tell()
