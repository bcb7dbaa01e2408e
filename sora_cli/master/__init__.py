"""Finishing: the cut becomes a film, stitched, matched in colour, mixed; a stream, not yet a file."""

from sora_cli.master.finish import finish

__all__ = ["finish"]
