"""Clips and pictures of one's own, made ready to train on: which are used, why others are not, and their words."""
