from __future__ import annotations

import threading
from pathlib import Path

from msgspec.structs import replace

from sora_cli.engines.prefetch import available, read_ahead
from tests.boards import CARD


def test_all_weights_are_read_where_there_is_room(tmp_path: Path) -> None:
    (tmp_path / "transformer").mkdir()
    for name, size in (("transformer/a.safetensors", 3_000_000), ("b.safetensors", 7), ("c.json", 99)):
        (tmp_path / name).write_bytes(bytes(size))
    card, on = replace(CARD, location=tmp_path), threading.Event()
    assert read_ahead(card, on) == 3_000_007
    assert read_ahead(card, on, room=3_000_006) == 0
    on.set()
    assert read_ahead(card, on) == 0


def test_weights_that_are_not_here_are_not_read() -> None:
    assert read_ahead(CARD, threading.Event()) == 0


def test_the_system_tells_how_much_memory_is_free() -> None:
    assert not Path("/proc/meminfo").exists() or available() > 1_000_000
