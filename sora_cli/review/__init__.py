"""Review: whether a film holds together, from its pixels and samples alone.

Nothing here knows how a film was made: measures see frames and samples, and places where shots and joins are.
"""
