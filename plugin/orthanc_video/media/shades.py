"""How stored values become visible: tables from each possible word to eight bits (PS3.3 C.11, PS3.4 N.2). Pure."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from orthanc_video.film import Lookup, Pixels, Window, WindowFunction

Values = npt.NDArray[np.float64]
Table = npt.NDArray[np.uint8]
Range = tuple[int, int]

_SHOWN = 255.0


def says_its_range(about: Pixels) -> bool:
    """Whether the object itself says which of its grey values are shown: eight bits are shown as they are."""
    return about.window is not None or about.voi is not None or about.bits_stored <= 8


def grey(about: Pixels, shown: Range | None = None) -> Table:
    """For every stored word, as unsigned, its brightness.

    ``shown``: the lowest and highest stored value that are told apart, where the object does not say it.
    """
    given = stored_values(about)
    values = _modality(about, given)
    if about.window is not None:
        bright = _windowed(values, about.window)
    elif about.voi is not None:
        bright = _looked_up(about.voi, values) * (_SHOWN / ((1 << about.voi.bits) - 1))
    else:
        low, high = _modality(about, np.array(shown or value_range(about), dtype=np.float64))
        bright = (values - low) * (_SHOWN / (high - low)) if high != low else np.full_like(values, _SHOWN / 2)
    if about.photometric == "MONOCHROME1":
        bright = _SHOWN - bright
    return _eight_bits(bright)


def palette(about: Pixels) -> Table:
    """For every stored word its red, green and blue (PS3.3 C.7.9.2)."""
    given = stored_values(about)
    tables = [_looked_up(one, given) * (_SHOWN / ((1 << one.bits) - 1)) for one in about.palette]
    return np.stack([_eight_bits(one) for one in tables], axis=-1)


def stored_values(about: Pixels) -> Values:
    """What each word that ``bits_allocated`` can hold stands for, as PS3.5 8.1.1 has it: other bits do not count."""
    words = np.arange(1 << about.bits_allocated, dtype=np.int64)
    values = (words >> (about.high_bit + 1 - about.bits_stored)) & ((1 << about.bits_stored) - 1)
    if about.signed:
        values -= (values >> (about.bits_stored - 1)) << about.bits_stored
    return values.astype(np.float64)


def words(about: Pixels) -> npt.NDArray[Any]:
    """For every word that a decoder gives, as unsigned, the word that is stored without compression (PS3.5 8.1.1)."""
    kind = np.dtype(f"<{'i' if about.signed else 'u'}{about.bits_allocated // 8}")
    if about.high_bit != about.bits_stored - 1:
        return np.arange(1 << about.bits_allocated).astype(kind)
    found: npt.NDArray[Any] = stored_values(about).astype(kind)
    return found


def value_range(about: Pixels) -> Range:
    """The lowest and the highest value that can be stored."""
    half = 1 << (about.bits_stored - 1)
    return (-half, half - 1) if about.signed else (0, 2 * half - 1)


def _modality(about: Pixels, values: Values) -> Values:
    if about.modality is not None:
        return _looked_up(about.modality, values)
    return values * about.slope + about.intercept


def _looked_up(table: Lookup, values: Values) -> Values:
    entries = np.array(table.entries, dtype=np.float64)
    places = np.clip(np.rint(values - table.first), 0, len(entries) - 1).astype(np.int64)
    found: Values = entries[places]
    return found


def _windowed(values: Values, window: Window) -> Values:
    """C.11.2.1.2.1, C.11.2.1.3.1 and C.11.2.1.3.2, for an output from 0 to 255."""
    center, width = window.center, window.width
    if window.function is WindowFunction.SIGMOID:
        with np.errstate(over="ignore"):
            return _SHOWN / (1 + np.exp(-4 * (values - center) / width))
    if window.function is WindowFunction.LINEAR:
        center, width = center - 0.5, width - 1
    if width <= 0:
        return np.where(values > center, _SHOWN, 0.0)
    return np.clip((values - center) / width + 0.5, 0, 1) * _SHOWN


def _eight_bits(values: Values) -> Table:
    return np.rint(np.clip(values, 0, _SHOWN)).astype(np.uint8)
