"""Agents that learn from demonstrations by behavioral cloning, and demonstrations in the formats of other libraries."""

from agents.pretrained import load

__all__ = ["load"]
