"""Compare a few policies on every split of CausalDAG-v0; `python -m baselines.compare` is the full comparison."""

import baselines
import gym_causal

ENV_ID = "CausalDAG-v0"

for split in ("train", "eval_target", "eval_path"):
    for name in ("random", "change", "structure", "expert"):
        policy = name if name in ("random", "expert") else baselines.make(name, ENV_ID)
        result = gym_causal.evaluate(policy, ENV_ID, split=split, num_episodes=300, seed=0, name=name)
        print(f"{split:12} {name:10} normalized reward {result.normalized_reward}")
