"""Keys that a program adds to those of an adapter."""

from __future__ import annotations

from functools import partial
from typing import Any, Callable, List, Mapping, Optional, Union

from ..enums import Kind
from ..inbox import Handler
from ._control import Steering
from ._values import refusal


class Added:
    """The keys that a program adds to those of an adapter, for each training that the adapter steers."""

    def __init__(self, settings: Optional[Mapping[str, Any]] = None) -> None:
        """`settings`: by key a function of the value, or (object, name of its attribute)."""
        self._register: List[Callable[[Steering], None]] = []
        for key, target in (settings or {}).items():
            if callable(target):
                self._register.append(partial(Steering.call, key=key, function=target))
            elif isinstance(target, tuple) and len(target) == 2 and isinstance(target[1], str):
                self._register.append(partial(Steering.attribute, key=key, target=target[0], name=target[1]))
            else:
                raise refusal(f"settings: {key}", target, "a function, or (object, name of an attribute),")

    def on(self, key: str, handler: Handler, kind: Union[Kind, str, None], description: str,
           steering: Optional[Steering]) -> None:
        """Also for the training that is under way, if any."""
        self._add(partial(Steering.on, key=key, handler=handler, kind=kind, description=description), steering)

    def setting(self, key: str, target: Any, attribute: str, description: str, steering: Optional[Steering]) -> None:
        """Also for the training that is under way, if any."""
        self._add(partial(Steering.attribute, key=key, target=target, name=attribute, description=description),
                  steering)

    def to(self, steering: Steering) -> None:
        """Registers them all."""
        for register in self._register:
            register(steering)

    def _add(self, register: Callable[[Steering], None], steering: Optional[Steering]) -> None:
        if steering is not None:
            register(steering)
        self._register.append(register)
