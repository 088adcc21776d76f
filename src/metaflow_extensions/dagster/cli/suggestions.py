"""The group of our commands, which says what a mistyped command or option may have meant."""

from __future__ import annotations

import difflib
from typing import Any

from .._metaflow_internals import click


class SuggestingGroup(click.Group):
    """Adds close matches to the errors of unknown commands and options."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is meant.

        Raises:
            click.UsageError: there is none of that name; with the closest ones.
        """
        if args and self.get_command(ctx, args[0]) is None:
            known = [name for name, command in self.commands.items() if not command.hidden]
            ctx.fail(f"No such command '{args[0]}'.{_hint(args[0], known)}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command.

        Raises:
            click.UsageError: it has no such option; with the closest ones.
        """
        try:
            return super().invoke(ctx)
        except click.NoSuchOption as error:
            if error.ctx is not None:
                known = [
                    name
                    for option in error.ctx.command.params
                    if isinstance(option, click.Option) and not option.hidden
                    for name in option.opts
                ]
                text = f"no such option: {error.option_name}.{_hint(error.option_name, known)}"
                raise click.NoSuchOption(error.option_name, text, ctx=error.ctx) from error
            raise


def _hint(given: str, known: list[str]) -> str:
    close = difflib.get_close_matches(given, known)
    return f" Did you mean {' or '.join(close)}?" if close else ""
