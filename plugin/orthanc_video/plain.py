"""Frozen values as plain JSON types, and back: so they cross process borders and outlive restarts."""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

T = typing.TypeVar("T")


def to_json(value: Any) -> Any:
    """A model value as plain JSON types; ``from_json`` is its inverse."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [to_json(item) for item in value]
    if isinstance(value, frozenset):
        return sorted(to_json(item) for item in value)
    if isinstance(value, Mapping):
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, StrEnum | Path):
        return str(value)
    return value


def from_json(kind: type[T], data: Any) -> T:
    """A model value of type ``kind`` out of what ``to_json`` made of it."""
    return typing.cast(T, _revive(kind, data))


def _revive(kind: Any, data: Any) -> Any:
    origin = typing.get_origin(kind)
    if origin in (types.UnionType, typing.Union):
        options = [option for option in typing.get_args(kind) if option is not type(None)]
        return None if data is None else _revive(options[0], data)
    if origin is tuple:
        return tuple(_revive(typing.get_args(kind)[0], item) for item in data)
    if origin is frozenset:
        return frozenset(_revive(typing.get_args(kind)[0], item) for item in data)
    if origin is Mapping:
        return {key: _revive(typing.get_args(kind)[1], item) for key, item in data.items()}
    if dataclasses.is_dataclass(kind):
        hints = _hints(typing.cast(Any, kind))
        return typing.cast(Any, kind)(**{key: _revive(hints[key], item) for key, item in data.items()})
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind(data)
    return data


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)
