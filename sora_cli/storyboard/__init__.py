"""The storyboard language: from YAML text to a checked `Storyboard`."""

from sora_cli.storyboard.load import LoadResult, fitted, from_data, load, naming, read, read_data, read_text
from sora_cli.storyboard.remarks import not_rendered_yet
from sora_cli.storyboard.schema import json_schema
from sora_cli.storyboard.starter import starter

__all__ = [
    "LoadResult",
    "fitted",
    "from_data",
    "json_schema",
    "load",
    "naming",
    "not_rendered_yet",
    "read",
    "read_data",
    "read_text",
    "starter",
]
