"""Puts itself around every public method of a component, without a word of it in the program."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any

Wrap = Callable[
    [str, FunctionType], Callable[..., Any]
]  # "Ring.push" and the method in, what replaces it out


class Probe:
    """Makes a subclass of each component, with the same name and every public method wrapped."""

    def __init__(self, wrap: Wrap) -> None:
        self.refused = ""  # which component could not be wrapped, and why
        self._wrap = wrap
        self._types: dict[type, type] = {}

    def around(self, component: Any) -> Any:
        """Return the component, a class or a factory, with every public method of what it makes wrapped."""
        if isinstance(component, type):
            return self._type(component) or component

        def make(*args: Any, **kwargs: Any) -> Any:
            instance = component(*args, **kwargs)
            wrapped = self._type(type(instance))
            if wrapped is not None:
                try:
                    instance.__class__ = wrapped
                except TypeError as error:  # an instance of C
                    self.refused = f"{type(instance).__name__}: {error}"
            return instance

        return make

    def _type(self, component: type) -> type | None:
        if component in self._types:
            return self._types[component]
        methods = {
            name: self._method(f"{component.__name__}.{name}", function)
            for name, function in _public_functions(component).items()
        }
        body = {"__slots__": (), "__module__": component.__module__, "__qualname__": component.__qualname__}
        try:
            wrapped = type(component)(component.__name__, (component,), {**body, **methods})
        except TypeError as error:
            self.refused = f"{component.__name__}: {error}"
            return None
        wrapped.__doc__ = component.__doc__
        self._types[component] = self._types[wrapped] = wrapped
        return wrapped

    def _method(self, name: str, function: FunctionType) -> Callable[..., Any]:
        wrapper = self._wrap(name, function)
        wrapper.__name__, wrapper.__qualname__ = function.__name__, function.__qualname__
        wrapper.__module__, wrapper.__doc__ = function.__module__, function.__doc__
        wrapper.__dict__.update(function.__dict__)
        return wrapper


def _public_functions(component: type) -> dict[str, FunctionType]:
    """Return the methods that are wrapped: what is written in Python and runs to its end when it is called."""
    found = {
        name: inspect.getattr_static(component, name) for name in dir(component) if not name.startswith("_")
    }
    return {
        name: function
        for name, function in found.items()
        if type(function) is FunctionType
        and not inspect.iscoroutinefunction(function)
        and not inspect.isgeneratorfunction(function)
        and not inspect.isasyncgenfunction(function)
    }
