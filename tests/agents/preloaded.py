"""Imported by the process that the trainings of ``tests.agents.killed`` are forked from, so that each of them begins at once."""

import torch

import tests.agents.killed  # noqa: F401

torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))])  # the first optimizer imports half of torch
