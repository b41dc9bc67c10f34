"""Models that know a text."""

from types import SimpleNamespace

import torch


def knows(target, *, but_not=None):
    """A model that says the next token of a text, or its end instead of one token."""

    def model(input_ids):
        following = torch.cat([target[1:], target[:1]])
        following = torch.where(following == (-1 if but_not is None else but_not), 0, following)
        return SimpleNamespace(logits=torch.nn.functional.one_hot(following[: input_ids.shape[1]], int(target.max()) + 1)[None])

    return model
