"""The registered ids."""

from __future__ import annotations

from typing import Any

ENTRY_POINTS: dict[str, tuple[str, str]] = {  # id -> env, vector env
    "CausalDAG-v0": ("gym_causal.causal_dag.env:CausalDAGEnv", "gym_causal.causal_dag.env:CausalDAGVectorEnv"),
    "CausalDAGCued-v0": ("gym_causal.causal_dag.env:CausalDAGCuedEnv", "gym_causal.causal_dag.env:CausalDAGCuedVectorEnv"),
    "OddOneOut-v0": ("gym_causal.odd_one_out.env:OddOneOutEnv", "gym_causal.odd_one_out.env:OddOneOutVectorEnv"),
    "OddOneOutConfounded-v0": (
        "gym_causal.odd_one_out.env:OddOneOutConfoundedEnv",
        "gym_causal.odd_one_out.env:OddOneOutConfoundedVectorEnv",
    ),
    "OddOneOutIntervention-v0": (
        "gym_causal.odd_one_out.env:OddOneOutInterventionEnv",
        "gym_causal.odd_one_out.env:OddOneOutInterventionVectorEnv",
    ),
}


def register_envs() -> None:
    """Register every id that is not registered yet. (Also gymnasium 0.29's plugin entry point: it may run before our own import.)"""
    # As a plugin this runs while gymnasium itself is being imported: the package has no `registry` yet, this module of it has.
    from gymnasium.envs.registration import register, registry  # noqa: PLC0415

    for env_id, (entry_point, vector_entry_point) in ENTRY_POINTS.items():
        if env_id not in registry:
            register(env_id, entry_point=entry_point, vector_entry_point=vector_entry_point)


def make_vec(env_id: str, num_envs: int = 1, **kwargs: Any) -> Any:
    """The native batched vector env of an id.

    :func:`gymnasium.make_vec` finds it too, but under another name in every version, and 0.29 drops its arguments.

    Args:
        env_id: a registered id, "CausalDAG-v0" or "gym_causal:CausalDAG-v0".
        num_envs: how many episodes at once.
        kwargs: the arguments of the env; also ``explanation_text=True`` to put explanations into words.

    Raises:
        ValueError: an id that is not ours.
    """
    import gymnasium as gym  # noqa: PLC0415

    name = env_id.removeprefix("gym_causal:")
    if name not in ENTRY_POINTS:
        raise ValueError(f"env_id must be one of {', '.join(ENTRY_POINTS)}, got {env_id!r}")
    spec = gym.spec(name)
    assert isinstance(spec.vector_entry_point, str)
    venv = gym.envs.registration.load_env_creator(spec.vector_entry_point)(num_envs=num_envs, **{**spec.kwargs, **kwargs})
    venv.spec = spec
    return venv
