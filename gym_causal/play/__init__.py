"""``python -m gym_causal.play``: play the environments by keyboard, in a window or in a terminal."""
