"""Imported by the server process that runs are forked from, so that each run starts at once."""

import torch

import agents.sweeps.runs  # noqa: F401

torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))])  # the first optimizer imports half of torch
