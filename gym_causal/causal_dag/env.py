"""``CausalDAG-v0``, ``CausalDAGCued-v0`` and ``CausalDAGText-v0``."""

from __future__ import annotations

from typing import Any

from gym_causal.causal_dag.keys import keys_to_action
from gym_causal.causal_dag.task import CausalDAGTask
from gym_causal.core.env import TaskEnv
from gym_causal.core.vector_env import TaskVectorEnv
from gym_causal.registry import make_task, split_arguments


class _CausalDAGEnv(TaskEnv):
    metadata = CausalDAGTask.metadata
    task: CausalDAGTask
    env_id: str

    def __init__(self, *, render_mode: str | None = None, flatten: bool = False, **config: Any) -> None:
        super().__init__(make_task(self.env_id, 1, **config), render_mode, flatten=flatten)

    def get_keys_to_action(self) -> dict[tuple[int, ...], int]:
        """Key codes -> the action, for ``gymnasium.utils.play``: a letter sets its variable to +5, the digits 1 to 9 and 0 to -5."""
        return keys_to_action(self.task.config.num_variables)


class CausalDAGEnv(_CausalDAGEnv):
    """``CausalDAG-v0``: find out by experiment what causes what, then use it.

    ## Description

    Every episode has a new structural causal model over N variables (five, named A to E, unless asked otherwise). In the *exploration*
    trials, N by default, there is no goal: the agent sets one variable a trial and sees what becomes of all of them. Then a goal
    variable is named, and in each of the two *exploitation* trials the agent again sets one variable and is paid the value that the
    goal takes.

    The environment is that of the talk "Passive learning of active causal strategies in agents and language models" (arXiv 2305.16183):
    which numbers are the talk's and which are ours is on the page "Sources" of the documentation.

    In each trial, variables have *initial values*, which follow from exogenous noise without any intervention, and, once one of them is
    set, *outcome values*. A variable with causes has the value ``LeakyReLU(noise + sum of weight * value of the cause)``, a variable
    without causes has the value of its noise, and the variable that is set has the value it is set to. The outcome's noise is drawn anew
    (unless ``shared_noise``), so initial values and outcome differ by more than the intervention's effect.

    ## Action Space

    ``Discrete(2N)``: which variable to set, and to which of two values, ``intervention_value`` (5) or minus that.

    | Action         | with N = 5 | Meaning                                  |
    |----------------|------------|------------------------------------------|
    | 0 .. N - 1     | 0 .. 4     | set variable A, B, ... to +5             |
    | N .. 2N - 1    | 5 .. 9     | set variable A, B, ... to -5             |

    While exploiting, the goal itself may not be set. Such an action sets nothing: the trial is purely observational, and the reward
    is what the goal happens to be. :meth:`action_masks` tells which actions are legal.

    ## Observation Space

    A ``Dict`` of one level. Values lie within plus or minus 3,035 with the default arguments: none that can be drawn leads further
    (:attr:`~gym_causal.causal_dag.config.CausalDAGConfig.value_bound`). Values of ``models`` of your own saturate at 1e6, and those of a
    model in ``reset(options=...)`` are clipped to the bounds. Common values are below 10: what scales by the bounds needs narrower ones,
    ``value_limit=20`` say, to which observed values are then clipped; rewards are not.

    | Key                   | Space              | Meaning                                                                            |
    |-----------------------|--------------------|------------------------------------------------------------------------------------|
    | `last_initial_values` | `Box (N,)`         | initial values of the trial just played; zeros in the first                        |
    | `last_intervention`   | `Box (N,)`         | the value set, at the variable that was set in it; zeros elsewhere, or if none was |
    | `last_outcome`        | `Box (N,)`         | values of all variables after that                                                 |
    | `initial_values`      | `Box (N,)`         | initial values of the coming trial; zeros once the episode is over                 |
    | `phase`               | `Discrete(2)`      | of the coming trial: 0 exploration, 1 exploitation                                 |
    | `goal`                | `Discrete(N + 1)`  | the variable to maximize; N while there is none                                    |
    | `trial`               | `Discrete(T + 1)`  | how many of the T trials have been played                                          |

    ## Rewards

    0 in exploration; in exploitation the goal's outcome value, which may be negative.

    ## Starting State

    The model, the goal and all noise are drawn from the seed. Episode i of a seed is the same whatever was played before it.
    ``reset(options={"model": ..., "goal": ...})`` plays a model of your own
    (:class:`~gym_causal.scm.StructuralCausalModels` holding one model; the goal by name or index), for that episode. The argument
    ``models`` does so for all episodes: a fixed model, several of which each episode draws one, or a function that draws them.

    ## Episode End

    An episode is terminated after its T = N + 2 trials. It is never truncated.

    ## Information

    ``info["explanation"]`` states, as data, token ids and text, what the last intervention did (exploration) or whether it was optimal
    (exploitation); with ``explain="all"`` also what the expert has found out, what it does next and why.
    ``info["expert_action"]`` and ``info["weights"]`` are there on request. The graph and the optimum are in no
    observation. See the page "Explanations" of the documentation.

    ## Arguments

    Those of :class:`~gym_causal.causal_dag.config.CausalDAGConfig`, ``render_mode``: None, "ansi", "rgb_array" or "human" (the last
    two need the extra ``render``), and ``flatten=True``: observations are float32 vectors.

    ```python
    >>> import gymnasium as gym
    >>> env = gym.make("gym_causal:CausalDAG-v0", split="eval_target")
    >>> observation, info = env.reset(seed=0)
    >>> observation, reward, terminated, truncated, info = env.step(env.unwrapped.expert_action())
    >>> info["explanation"]["kind"].item()
    'properties'

    ```

    ## Vectorized environment

    ``gym_causal.make_vec("CausalDAG-v0", num_envs=1024)`` is a native, batched vector env: :class:`CausalDAGVectorEnv`.

    ## Version History

    * v0: first version.
    """

    env_id = "CausalDAG-v0"


class CausalDAGCuedEnv(_CausalDAGEnv):
    """``CausalDAGCued-v0``: the same, with variables that do not matter and a cue that tells which do.

    ## Description

    As :class:`CausalDAGEnv`, with N = 10 variables of which, in each episode, R = 5 are in the graph. The others are independent noise,
    but are observed and can be set like any other. A multi-hot cue names the relevant ones: to find out enough in R exploration trials,
    an agent must spend them on those. The goal is one of them. Some subsets of relevant variables are held out of training.

    ## Action Space

    ``Discrete(2N)``, as in :class:`CausalDAGEnv`.

    ## Observation Space

    That of :class:`CausalDAGEnv`, and

    | Key   | Space             | Meaning                            |
    |-------|-------------------|------------------------------------|
    | `cue` | `MultiBinary(N)`  | 1 for the variables in the graph   |

    ## Rewards

    As in :class:`CausalDAGEnv`.

    ## Starting State

    As in :class:`CausalDAGEnv`. ``reset(options=...)`` may also hold ``cue``, N zeros and ones.

    ## Episode End

    An episode is terminated after its T = R + 2 trials. It is never truncated.

    ## Arguments

    Those of :class:`~gym_causal.causal_dag.config.CausalDAGCuedConfig`, ``render_mode`` and ``flatten``.

    ## Vectorized environment

    ``gym_causal.make_vec("CausalDAGCued-v0", num_envs=1024)``: :class:`CausalDAGCuedVectorEnv`.

    ## Version History

    * v0: first version.
    """

    env_id = "CausalDAGCued-v0"


class CausalDAGTextEnv(_CausalDAGEnv):
    """``CausalDAGText-v0``: the episodes of ``CausalDAG-v0`` in words.

    Actions, rewards, splits, expert and episode end are those of :class:`CausalDAGEnv`. An observation is new text only: what the last
    intervention led to, then the values before the next one and, once there is one, the goal. Values have one decimal. With
    ``observation="symbolic"`` observations are those of :class:`CausalDAGEnv`.

    ``info["admissible_actions"]`` holds a sentence for each legal action, "I set D to +5".

    Arguments: those of :class:`~gym_causal.causal_dag.text_task.CausalDAGTextConfig`, and ``render_mode``.

    Version history: v0, the first.
    """

    env_id = "CausalDAGText-v0"


class CausalDAGVectorEnv(TaskVectorEnv):
    """The native batched ``CausalDAG-v0``, as :func:`gym_causal.make_vec` makes it; see :class:`CausalDAGEnv` for the task.

    Observations, rewards and infos are those of :class:`CausalDAGEnv` with a leading axis of ``num_envs``.

    Args:
        num_envs: how many episodes at once.
        arguments: those of :class:`~gym_causal.causal_dag.config.CausalDAGConfig`, and ``explanation_text``, ``autoreset_mode``,
            ``render_mode`` and ``flatten`` of :class:`~gym_causal.core.vector_env.TaskVectorEnv`.
    """

    def __init__(self, *, num_envs: int, **arguments: Any) -> None:
        adapter, config = split_arguments("make_vec", arguments)
        super().__init__(make_task("CausalDAG-v0", num_envs, **config), **adapter)


class CausalDAGCuedVectorEnv(TaskVectorEnv):
    """The native batched ``CausalDAGCued-v0``, as :func:`gym_causal.make_vec` makes it; see :class:`CausalDAGCuedEnv` for the task.

    Args:
        num_envs: how many episodes at once.
        arguments: those of :class:`~gym_causal.causal_dag.config.CausalDAGCuedConfig`, and the others of :class:`CausalDAGVectorEnv`.
    """

    def __init__(self, *, num_envs: int, **arguments: Any) -> None:
        adapter, config = split_arguments("make_vec", arguments)
        super().__init__(make_task("CausalDAGCued-v0", num_envs, **config), **adapter)


class CausalDAGTextVectorEnv(TaskVectorEnv):
    """The native batched ``CausalDAGText-v0``; see :class:`CausalDAGTextEnv`. Observations in words are a tuple of B strings.

    Args:
        num_envs: how many episodes at once.
        arguments: those of :class:`~gym_causal.causal_dag.text_task.CausalDAGTextConfig`, and the others of :class:`CausalDAGVectorEnv`.
    """

    def __init__(self, *, num_envs: int, **arguments: Any) -> None:
        adapter, config = split_arguments("make_vec", arguments)
        super().__init__(make_task("CausalDAGText-v0", num_envs, **config), **adapter)
