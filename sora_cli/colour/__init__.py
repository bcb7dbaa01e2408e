"""Colour: what a shot is held to, and the tables that bring it there."""
