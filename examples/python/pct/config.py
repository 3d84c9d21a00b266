"""Configuration files, wherever they are."""

from __future__ import annotations

from typing import Any, cast

from .library import call_for_json
from .types import ParsedConfig


def parse_config(config: bytes | str, vmid: int) -> ParsedConfig:
    """What a configuration file says, and what is wrong with it. Touches nothing."""
    content = encoded(config)
    return cast(ParsedConfig, call_for_json("pct_config_parse", content, len(content), vmid))


def config_schema() -> dict[str, Any]:
    """The JSON Schema of what `Container.config` gives: keys, types, limits, defaults."""
    return cast(dict[str, Any], call_for_json("pct_config_schema_json"))


def encoded(config: bytes | str) -> bytes:
    """The bytes of a file."""
    return config.encode() if isinstance(config, str) else config
