"""Moderation on this machine: what words, pictures and sound show, and what a policy decides of it."""
