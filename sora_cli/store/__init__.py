"""The store of clips: kept under their keys, claimed while they are made."""

from sora_cli.store.store import Clip, ClipFacts, Kept, Store, default_folder, file_hash, megabytes

__all__ = ["Clip", "ClipFacts", "Kept", "Store", "default_folder", "file_hash", "megabytes"]
