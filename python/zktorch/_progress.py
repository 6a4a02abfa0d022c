"""What a long call is doing, on a bar of tqdm where that is installed, or told to a function of the caller."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from typing import Any, Union

__all__ = ["Progress", "Watcher"]

Callback = Callable[[str, Union[str, None], Union[float, None]], None]
"""Gets the name of the phase, what it is doing, and which part of the whole is done (0 to 1), as far as these are known."""

Progress = Union[bool, None, Callback]
"""``True`` or ``False`` for a bar or none, a function to be called, or ``None``: a bar where somebody watches."""

DELAY = 0.5
"""Seconds before a bar is shown: most calls are over by then."""
PAUSE = 0.1
"""Seconds before it changes."""


def _watched() -> bool:
    """Whether somebody sees what is written on standard error."""
    return "ipykernel" in sys.modules or (sys.stderr is not None and sys.stderr.isatty())


class Watcher:
    """Takes the phases of one call.

    Used as a context: the bar goes away when the call ends. Without anybody to tell, :attr:`tell` is ``None``, and the native module
    does not leave its work to tell it.
    """

    def __init__(self, progress: Progress) -> None:
        self._bar: Any = None
        self.tell: Callback | None = None
        if callable(progress):
            self.tell = progress
        elif progress or (progress is None and _watched()):
            try:
                with warnings.catch_warnings():
                    # Notebooks without widgets have a bar of text.
                    warnings.simplefilter("ignore")
                    from tqdm.auto import tqdm
            except ImportError:
                return
            self._new: Any = lambda: tqdm(total=None, leave=False, bar_format="{desc} ({elapsed})")
            self._next = time.monotonic() + DELAY
            self.tell = self._describe

    def _describe(self, phase: str, detail: str | None, done: float | None) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + PAUSE
        if self._bar is None:
            self._bar = self._new()
        part = "" if done is None else f", {done:.0%}"
        self._bar.set_description_str(f"{phase if detail is None else detail}{part}")

    def __enter__(self) -> Watcher:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
