"""Sounds found by words: synthesized here, from a folder, or from another package."""
