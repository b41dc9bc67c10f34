"""Language models that play the suite's text tasks: prompted with example games, or trained on game texts."""
