"""The store of clips: kept under their keys, locked while they are made."""

from sora_cli.bounded import file_hash
from sora_cli.store.address import default_folder, open_store
from sora_cli.store.card import Card, Clip, ClipFacts, Kept
from sora_cli.store.store import Store, megabytes

__all__ = ["Card", "Clip", "ClipFacts", "Kept", "Store", "default_folder", "file_hash", "megabytes", "open_store"]
