"""Batches of whole episodes as plain dicts of arrays."""

IGNORE_INDEX = -1
"""In the place of an action, or of a token of its explanation, that is not learned from, as after an episode's end."""
