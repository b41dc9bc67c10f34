"""An id under which CausalDAG-v0 has vectors as observations, for scripts that take nothing but an id, such as CleanRL's."""

import gymnasium as gym

gym.register(
    "FlatCausalDAG-v0",
    entry_point="gym_causal.entry_points:env/CausalDAG-v0",
    vector_entry_point="gym_causal.entry_points:vector_env/CausalDAG-v0",
    kwargs={"flatten": True, "num_variables": 3, "explain": "none"},
)
if __name__ == "__main__":
    print(gym.make("FlatCausalDAG-v0").observation_space.shape)
