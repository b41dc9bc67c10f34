"""What an agent is and how it is trained: everything that a result depends on, as data. Imports neither torch nor pandas."""

from agents.config.agent import AgentConfig
from agents.config.architecture import ArchitectureConfig
from agents.config.ppo import PPOConfig
from agents.config.presets import ARCHITECTURES, Algorithm, Preset, named_architecture, preset
from agents.config.training import TrainingConfig

__all__ = [
    "ARCHITECTURES",
    "AgentConfig",
    "Algorithm",
    "ArchitectureConfig",
    "PPOConfig",
    "Preset",
    "TrainingConfig",
    "named_architecture",
    "preset",
]
