"""Imported by the process that trainings are forked from, so that each of them begins at once."""

import torch

import agents.sweeps.runs  # noqa: F401
import tests.agents.algorithms.killed  # noqa: F401

torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))])  # the first optimizer imports half of torch
