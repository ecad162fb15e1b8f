"""Configuration: one JSON file, checked whole before anything starts."""

from otrade.config.manager import ConfigManager, ReloadResult
from otrade.config.options import RunOptions
from otrade.config.schema import Config

__all__ = ["Config", "ConfigManager", "ReloadResult", "RunOptions"]
