"""Agents that learn from demonstrations, and demonstrations in the formats of other libraries."""
