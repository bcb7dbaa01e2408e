"""Engines: what makes the footage of a take. The only room that imports torch and diffusers."""
