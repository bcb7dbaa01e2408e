"""Shooting: a plan's takes become clips."""
