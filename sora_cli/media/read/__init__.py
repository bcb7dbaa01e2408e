"""How files of real people are read: each is opened once, and what it shows and sounds like counts."""

from sora_cli.media.read.facts import ColorTags, Probe
from sora_cli.media.read.film import Film, open_film, probe, read_frames
from sora_cli.media.read.opening import require_file
from sora_cli.media.read.picture import read_picture
from sora_cli.media.read.sound import read_sound, sound_blocks

__all__ = [
    "ColorTags",
    "Film",
    "Probe",
    "open_film",
    "probe",
    "read_frames",
    "read_picture",
    "read_sound",
    "require_file",
    "sound_blocks",
]
