"""What torchrun starts in tests: ``python -m agents.train``, in which one rank can be killed at a chosen moment."""

import os
import sys

import torch

from agents import train
from tests.agents.algorithms.killed import MOMENTS

if __name__ == "__main__":
    torch.set_num_threads(1)
    moment, count, *line = sys.argv[1:]
    if moment != "never" and os.environ["RANK"] == "1":
        MOMENTS[moment](int(count))
    train.main(line)
