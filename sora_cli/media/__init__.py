"""Frames, sound and files: the only room that opens a media file."""
