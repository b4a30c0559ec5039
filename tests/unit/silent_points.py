"""Points that do nothing: what the tests of the instrumenter have code rewritten with."""

from __future__ import annotations

from typing import Any

from torture.instrument import matching
from torture.trace.site import Site


class Silent:
    """Points that do nothing but the containment they are asked for."""

    def access(self, site: Site, obj: object) -> None: ...
    def store(self, site: Site, obj: object, value: object) -> None: ...
    def item(self, site: Site, obj: object, key: object) -> None: ...
    def store_item(self, site: Site, obj: object, key: object, value: object) -> None: ...
    def store_slice(self, site: Site, obj: object, bounds: slice, value: object) -> None: ...
    def container(self, site: Site, obj: object) -> None: ...
    def shown(self, site: Site, obj: object) -> object:
        return obj

    source = shown

    def delete_item(self, site: Site, obj: object, key: object) -> object:
        return key

    def match_keys(self, site: Site, subject: Any, keys: Any) -> object:
        return matching.values_of(subject, keys, lambda *_: None)

    def match_class(self, site: Site, subject: object, of: object, names: Any, positional: int) -> object:
        return matching.attributes_of(subject, of, names, positional, lambda *_: None)

    def operator(self, site: Site, left: object, right: object) -> object:
        return right

    def contains(self, site: Site, item: object, container: Any) -> bool:
        return item in container

    def call(self, site: Site, function: object, first: object) -> object:
        return function

    def enter(self, site: Site) -> None: ...
    def called(self, site: Site) -> None: ...
