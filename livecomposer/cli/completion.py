"""What a shell can complete: commands, options, settings; `completion`."""

import re
import tomllib
from collections.abc import Sequence
from typing import Any

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    add_completion_class,
    get_completion_class,
)

from livecomposer.config_file import SHIPPED_WEIGHTS, named_values, shipped

_NAME, _VARIABLE = "livecomposer", "_LIVECOMPOSER_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what makes a shell complete commands, options and settings.

    Keep it where the shell looks for it, and open another terminal:

    \b
    mkdir -p ~/.local/share/bash-completion/completions
    livecomposer completion bash > ~/.local/share/bash-completion/completions/livecomposer
    mkdir -p ~/.zfunc
    livecomposer completion zsh > ~/.zfunc/_livecomposer
    mkdir -p ~/.config/fish/completions
    livecomposer completion fish > ~/.config/fish/completions/livecomposer.fish

    bash needs the package bash-completion; for zsh, have in your ~/.zshrc:
    fpath+=~/.zfunc; autoload -Uz compinit; compinit
    """  # noqa: D301 - click knows \b
    made = get_completion_class(shell)
    assert made is not None  # noqa: S101 - click has all three
    click.echo(made(context.find_root().command, {}, _NAME, _VARIABLE).source())


def complete_setting(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem[Any]]:
    """Names of settings; and the values of one, as soon as there is only one."""
    settings = {
        f"{section}.{key}": value
        for section, values in tomllib.loads(shipped("config.toml").read_text("utf-8")).items()
        for key, value in values.items()
    }
    begun, equals, _ = incomplete.partition("=")
    names = [begun] if equals else [name for name in settings if name.startswith(begun)]
    found = [f"{name}=" for name in names]
    if len(names) == 1 and names[0] in settings:
        found = [f"{names[0]}={value}" for value in _values(names[0], settings[names[0]])]
    return [CompletionItem(each) for each in found if each.startswith(incomplete)]


def _values(name: str, default: object) -> Sequence[str]:
    """The values of a setting that can be listed, or else an example: its default."""
    if name == "model.weights":
        return SHIPPED_WEIGHTS
    if isinstance(default, bool):
        return "true", "false"
    spelled = str(default)
    named = named_values(*name.split("."))
    # What a shell would have to quote is no example.
    plain = re.fullmatch(r"[\w.+-]+", spelled) and spelled not in named
    return [*named, spelled] if plain else named


def complete_weights(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem[Any]]:
    """Names of shipped weights, or else files."""
    names = [name for name in SHIPPED_WEIGHTS if name.startswith(incomplete)]
    return list(map(CompletionItem, names)) or [CompletionItem(incomplete, type="file")]


@add_completion_class
class _BashComplete(BashComplete):
    """Of a setting, bash makes three words (a.b, =, c): here they are one again."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """See click's `ShellComplete`."""
        args, incomplete = super().get_completion_args()
        words: list[str] = []
        for word in (*args, incomplete):
            if words and (word == "=" or words[-1].endswith("=")):
                words[-1] += word
            else:
                words.append(word)
        return words[:-1], words[-1]

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[Any]]:
        """See click's `ShellComplete`. What is before the last `=`, bash has already."""
        found = super().get_completions(args, incomplete)
        value = incomplete.partition("=")[2] if incomplete.startswith("-") else incomplete
        there = "".join(value.rpartition("=")[:2])
        for item in found:
            item.value = item.value.removeprefix(there)
        return found
