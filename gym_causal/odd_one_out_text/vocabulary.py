"""The dimensions in which objects differ, and the words for their values. The words are ours; no word has two meanings."""

from __future__ import annotations

import string
from typing import NamedTuple

DIMENSIONS: dict[str, tuple[str, ...]] = {
    "color": ("green", "purple", "red", "blue", "yellow", "orange", "pink", "brown", "black", "white"),
    "shape": ("pentagon", "ellipse", "trapezoid", "triangle", "square", "hexagon", "star", "circle", "rectangle", "crescent"),
    "texture": ("solid", "striped", "dotted", "checkered", "speckled", "wavy", "zigzag", "gridded", "marbled", "plaid"),
    "size": ("large", "small", "tiny", "medium", "huge", "giant", "minute", "little", "big", "massive"),
    "material": ("wooden", "metal", "glass", "plastic", "paper", "stone", "rubber", "leather", "ceramic", "cotton"),
    "temperature": ("warm", "cold", "hot", "cool", "frozen", "boiling", "icy", "lukewarm", "tepid", "scorching"),
    "taste": ("sweet", "sour", "salty", "bitter", "spicy", "savory", "bland", "minty", "smoky", "nutty"),
    "sound": ("silent", "humming", "buzzing", "ringing", "clicking", "squeaking", "rattling", "whistling", "hissing", "beeping"),
    "smell": ("floral", "fruity", "musty", "lemony", "earthy", "fishy", "piney", "soapy", "perfumed", "odorless"),
    "age": ("new", "old", "ancient", "antique", "modern", "recent", "vintage", "medieval", "prehistoric", "fresh"),
    "origin": ("French", "Chinese", "Brazilian", "Kenyan", "Indian", "Mexican", "Swedish", "Turkish", "Peruvian", "Egyptian"),
    "motion": ("still", "spinning", "rolling", "bouncing", "swinging", "floating", "sliding", "shaking", "falling", "rising"),
}
"""Dimension -> the words for its values. The first three dimensions, and six of their words, are the talk's."""
NAMES = tuple(DIMENSIONS)
MIN_DIMENSIONS, MAX_DIMENSIONS = 3, len(DIMENSIONS)
MAX_VALUES = min(len(values) for values in DIMENSIONS.values())
MAX_OBJECTS = MAX_DIMENSIONS
LETTERS = string.ascii_uppercase[:MAX_OBJECTS]
"""The names of the objects."""
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
"""Numbers in words, as far as objects are counted."""


class Words(NamedTuple):
    """The words of a game with D dimensions and F distractors."""

    dimensions: tuple[str, ...]  # (D,) the names of the dimensions
    values: tuple[str, ...]  # (D + F,) whose words of DIMENSIONS their values are, and those of distractors


def plural(dimension: str, value: int) -> str:
    """What several objects with a value in a dimension are: "green", "pentagons"."""
    word = DIMENSIONS[dimension][value]
    return f"{word}s" if dimension == "shape" else word
