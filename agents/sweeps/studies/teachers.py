"""Studies of imperfect demonstrations: how many errors, random episodes and false explanations does passive learning bear?"""

from __future__ import annotations

from typing import Any

from agents.sweeps.studies.causal_dag import causal_dag_study
from agents.sweeps.studies.rooms import intervention_study
from agents.sweeps.study import Level, Study, Variation

ERRORS, RANDOM_PLAYER, FALSE_EXPLANATIONS = "error rate", "random player share", "false explanation share"
_RATES = (0.1, 0.25, 0.5)
_RANDOM_PLAYER_SHARES = (0.25, 0.5, 0.75, 0.9)
_FALSE_SHARES = (0.25, 0.5, 1.0)


def _variations(mode: str, common: dict[str, Any]) -> list[Variation]:
    """Agents without explanations and with those of a mode, from perfect demonstrations and from ever worse ones.

    Args:
        mode: of the explanations.
        common: entries of each variation, ``training`` among them.
    """

    def variation(line: str, name: str, what: str, *levels: tuple[str, float], **training: Any) -> Variation:
        explained = {} if line == "none" else {"explanations": mode}
        entries = {**common, "training": {**common.get("training", {}), **explained, **training}}
        return Variation(
            name=f"{line}_{name}".removesuffix("_"),
            description=f"{'No explanations' if line == 'none' else f'Predicts explanations ({mode})'}, {what}.",
            levels=tuple(Level(quantity=quantity, value=value, line=line) for quantity, value in levels),
            **entries,
        )

    lines = ("none", mode)
    never_false = [(FALSE_EXPLANATIONS, share) for share in _FALSE_SHARES]
    perfect = [(quantity, 0.0) for quantity in (ERRORS, RANDOM_PLAYER, FALSE_EXPLANATIONS)]
    return [
        # Without explanations none can be false: that agent is the same at every share.
        variation("none", "", "an expert that never errs", *perfect, *never_false),
        variation(mode, "", "an expert that never errs", *perfect),
        *(
            variation(line, f"error_{rate}", f"an expert that errs in {rate:.0%} of steps", (ERRORS, rate), error_rate=rate)
            for rate in _RATES
            for line in lines
        ),
        *(
            variation(
                line,
                f"random_{share}",
                f"a random player in {share:.0%} of episodes",
                (RANDOM_PLAYER, share),
                random_player_share=share,
            )
            for share in _RANDOM_PLAYER_SHARES
            for line in lines
        ),
        *(
            variation(
                mode,
                f"false_{share}",
                f"of which {share:.0%} are those of other episodes",
                (FALSE_EXPLANATIONS, share),
                shuffled_explanations=True,
                shuffled_share=share,
            )
            for share in _FALSE_SHARES
        ),
    ]


def _random_exploration(line: str, **training: Any) -> Variation:
    what = "No explanations" if line == "none" else f"Predicts explanations ({line})"
    return Variation(
        name=f"{line}_random_exploration",
        description=f"{what}, an expert that explores at random and then acts optimally.",
        demonstration_kwargs={"expert_exploration": "random"},
        training=training,
    )


IMPERFECT_TEACHERS_STUDY: Study = causal_dag_study(
    *_variations("full", {}),
    _random_exploration("none"),
    _random_exploration("full", explanations="full"),
)

# A random player finds an object late or never, so its trials are cut short and fewer episodes are held in memory.
_ROOMS: dict[str, Any] = {
    "env_kwargs": {"generalization": "feature_set"},
    "demonstration_kwargs": {"max_trial_steps": 32},
    "training": {"chunk_size": 2_048},
}
IMPERFECT_ROOM_TEACHERS_STUDY: Study = intervention_study(*_variations("all", _ROOMS))
