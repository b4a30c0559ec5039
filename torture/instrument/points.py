"""What the rewritten bytecode calls: one method per shape of operation."""

from __future__ import annotations

from typing import Protocol

from torture.trace.site import Site


class Points(Protocol):
    """Receives every scheduling point, just before its operation; the runtime implements it."""

    def access(self, site: Site, obj: object) -> None:
        """Announce a load or deletion; ``obj`` owns the attribute, is the cell, or None for a global.

        ``super().x`` gives the instance on 3.12+, the super object on 3.11.
        """

    def store(self, site: Site, obj: object, value: object) -> None:
        """Announce a store: an attribute of ``obj``, the cell ``obj``, or a global (``obj`` None)."""

    def item(self, site: Site, obj: object, key: object) -> None:
        """Announce ``obj[key]``, or ``del obj[key]`` for a slice; ``key`` is None for every slice."""

    def delete_item(self, site: Site, obj: object, key: object) -> object:
        """Announce ``del obj[key]``; return the key that is deleted."""

    def store_item(self, site: Site, obj: object, key: object, value: object) -> None:
        """Announce ``obj[key] = value``, not of a slice."""

    def store_slice(self, site: Site, obj: object, bounds: slice, value: object) -> None:
        """Announce ``obj[bounds] = value``."""

    def container(self, site: Site, obj: object) -> None:
        """Announce that all of ``obj`` is used: truth, iteration."""

    def source(self, site: Site, obj: object) -> object:
        """Announce that all elements of ``obj`` are taken; return what they are taken from instead.

        The site's name is who takes them: ``unpack``, ``tuple``, ``list``, ``set`` or ``dict``.
        """

    def shown(self, site: Site, obj: object) -> object:
        """Announce that ``obj`` is formatted in an f-string; return what is formatted instead.

        The site's name is how it is converted before: ``str``, ``repr``, ``ascii``, or nothing.
        """

    def operator(self, site: Site, left: object, right: object) -> object:
        """Announce a binary operator, a comparison or an operator in place; return the right operand to be used."""

    def contains(self, site: Site, item: object, container: object) -> bool:
        """Announce and perform ``item in container``; must return an exact bool."""

    def match_keys(self, site: Site, subject: object, keys: object) -> object:
        """Announce and perform what a mapping pattern does: return the values in a tuple, or None."""

    def match_class(self, site: Site, subject: object, of: object, names: object, positional: int) -> object:
        """Announce and perform what a class pattern does: return the attributes in a tuple, or None."""

    def call(self, site: Site, function: object, first: object) -> object:
        """Announce a call, return what is called instead; ``first`` is the first positional argument, None where there is none.

        For ``f(*args)`` it is the first element of an exact tuple, None of anything else.
        """

    def enter(self, site: Site) -> None:
        """Announce a place where the interpreter may hand over the GIL (granularity ``gil``)."""

    def called(self, site: Site) -> None:
        """Announce that the call announced with the same ``site`` has returned (granularity ``gil``)."""
