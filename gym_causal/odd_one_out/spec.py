"""What is registered of the odd-one-out tasks."""

from __future__ import annotations

from typing import Any

from gym_causal.core.task_spec import TaskSpec

# An expert that knows what cannot be seen teaches to walk to where something may be, and never to look around first. One that does not look
# again after a transform teaches to touch what was transformed, whatever has become odd (docs/results.md).
_LOOKS_FIRST, _LOOKS_AGAIN = {"expert_sight": "view"}, {"expert_sight": "review"}

# Many trials, each looked at once: the outcomes of few are learned by heart, and the critic then knows nothing of other rooms.
# Objects are a few steps away, so rewards that are further off are noise.
_PPO_TRIALS, _PPO_BATCH = 1_024, 64  # of an iteration, and of a minibatch
_PPO = {"num_epochs": 1, "ent_coef": 0.003, "gamma": 0.95, "gae_lambda": 0.9}
_PPO_TRAINING = {
    "num_batches": 200,
    "learning_rate": 1e-3,
    "explanation_weight": 0.1,  # with 1, an agent that predicts "full" in OddOneOut-v0 needs half as many episodes again
    "evaluate_every": 20,
    "evaluation_episodes": 300,
    "checkpoint_every": 20,
}


def _presets(
    num_trials: int, num_batches: int, observation: str, expert: dict[str, Any], architecture: dict[str, Any], training: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    """Presets of a room.

    Args:
        num_trials: of an episode.
        num_batches: updates of "full", which observes pixels.
        expert: its arguments in demonstrations.
        observation: of "quick".
        architecture: of "quick"; the network of "full" is twice as wide.
        training: of "quick".
    """
    full = {
        **training,
        "num_batches": num_batches,
        "batch_size": 512,
        "evaluate_every": num_batches // 10,
        "evaluation_episodes": 1_000,
        "checkpoint_every": 500,
    }
    playing = {**_PPO_TRAINING, "batch_size": _PPO_BATCH // num_trials, "muon": training.get("muon", "blocks")}
    acting = {
        "training": playing,
        "ppo": {**_PPO, "num_envs": _PPO_TRIALS // num_trials},
        "demonstration_kwargs": {"max_trial_steps": 32},  # an untrained agent wanders until a trial times out
    }
    return {
        "quick": {
            "architecture": architecture,
            "training": training,
            "env_kwargs": {"observation": observation},
            "demonstration_kwargs": expert,
            "ppo": {**acting, "env_kwargs": {"observation": "symbolic"}},
        },
        "full": {
            "architecture": {**architecture, "width": 2 * architecture["width"]},
            "training": full,
            "env_kwargs": {"observation": "pixels"},
            "demonstration_kwargs": expert,
            "ppo": {**acting, "training": {**playing, "num_batches": 1_000, "evaluate_every": 100}},
        },
    }


_ONE_TRIAL = _presets(
    1,
    10_000,
    "pixels",
    _LOOKS_FIRST,
    {"width": 64, "num_layers": 1},
    {"num_batches": 1_200, "batch_size": 64, "validation_episodes": 512, "evaluate_every": 300, "evaluation_episodes": 500},
)
_FOUR_TRIALS = _presets(
    4,
    20_000,
    "symbolic",
    _LOOKS_AGAIN,
    {"width": 64, "num_layers": 3, "comparisons": 64},
    {
        "num_batches": 1_800,
        "batch_size": 32,
        "muon": "all",
        "explanation_weight": 2.0,
        "validation_episodes": 512,
        "evaluate_every": 300,
        "evaluation_episodes": 300,
    },
)


def _spec(name: str, *more_metrics: str, **more: Any) -> TaskSpec:
    return TaskSpec(
        env_id=f"{name}-v0",
        task=f"gym_causal.odd_one_out.variants:{name}Task",
        config=f"gym_causal.odd_one_out.config:{name}Config",
        metrics=("normalized_reward", *more_metrics),
        compact_kwargs={"observation": "symbolic"},
        networks=("object", "convolutional"),
        env=f"gym_causal.odd_one_out.env:{name}Env",
        vector_env=f"gym_causal.odd_one_out.env:{name}VectorEnv",
        **more,
    )


SPECS = (
    _spec("OddOneOut", presets=_ONE_TRIAL),
    _spec(
        "OddOneOutConfounded",
        "choice_color",
        "choice_texture",
        "choice_shape",
        "choice_none",
        splits=("train", "eval"),
        presets=_ONE_TRIAL,
    ),
    _spec("OddOneOutIntervention", "test_correct_rate", splits=("train", "eval"), presets=_FOUR_TRIALS),
)
