"""Networks this small only wait for each other's threads."""

import contextlib

with contextlib.suppress(ImportError):
    import torch

    torch.set_num_threads(1)
