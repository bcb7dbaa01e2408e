"""The storyboard language: from YAML text to a checked `Storyboard`."""

from sora_cli.storyboard.load import Reading, from_data, load, read, read_text
from sora_cli.storyboard.schema import json_schema

__all__ = ["Reading", "from_data", "json_schema", "load", "read", "read_text"]
