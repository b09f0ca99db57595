"""One record of options for a command, in place of an argument for each."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import fields
from typing import TypeVar

Command = TypeVar("Command", bound=Callable[..., object])


def taking(
    name: str, record: Callable[..., object], *options: Callable[[Command], Command]
) -> Callable[[Command], Callable[..., None]]:
    """Give a command some options, whose values it takes as one record.

    Parameters
    ----------
    name
        The argument of the command that takes the record.
    record
        A dataclass; its fields are named as the parameters of the options.
    options
        Decorators made by ``click.option``, in the order of ``--help``.
    """
    names = {field.name for field in fields(record)}  # type: ignore[arg-type]

    def decorate(command: Command) -> Callable[..., None]:
        @functools.wraps(command)
        def called(**given: object) -> None:
            values = {key: given.pop(key) for key in names}
            command(**given, **{name: record(**values)})

        before = len(getattr(called, "__click_params__", ()))
        for option in reversed(options):
            option(called)
        added = {each.name for each in vars(called)["__click_params__"][before:]}
        assert added == names, f"{record}: fields and options differ in {added ^ names}"
        return called

    return decorate
