"""Clips, shots and films found by what they mean: what can be found, and the index that holds it."""
