"""Shell completion, made from the parsers themselves: what `--help` knows, the shell completes.

Invariant: pure; no second list of commands or options exists anywhere. What only a running engine or this machine
knows (instances, interfaces) is asked for when the key is pressed.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator

import msgspec

FILES, INSTANCES, INTERFACES, CODES, HOSTS = "files", "instances", "interfaces", "codes", "hosts"
KINDS = {
    "FILE": FILES,
    "PATH": FILES,
    "DIR": FILES,
    "VI": INSTANCES,
    "IF": INTERFACES,
    "CODE|KEYWORD": CODES,
    "USER@NODE": HOSTS,
}
"""What is completed where an argument is called so."""
SHELLS = ("bash", "zsh", "fish")


class Option(msgspec.Struct, frozen=True):
    """One option, with all its spellings."""

    names: tuple[str, ...]
    help: str
    value: str = ""
    """What its value is: a kind of KINDS, words separated by blanks, "-" for anything, empty for none."""


class Node(msgspec.Struct, frozen=True):
    """A command and what may follow it."""

    words: tuple[str, ...]
    help: str
    options: tuple[Option, ...]
    positionals: tuple[str, ...]
    """What each argument is, in order, as in Option.value."""
    children: tuple[Node, ...] = ()

    def walk(self) -> Iterator[Node]:
        """This one and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()


def tree(parser: argparse.ArgumentParser, words: tuple[str, ...] = (), help_text: str = "") -> Node:
    """The commands of a parser."""
    options, positionals, children = [], [], []
    for action in parser._actions:  # noqa: SLF001  argparse has no public way to walk a parser
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            texts = {choice.dest: choice.help or "" for choice in action._choices_actions}  # noqa: SLF001
            children = [tree(sub, (*words, name), texts.get(name, "")) for name, sub in action.choices.items()]
        elif action.option_strings:
            if action.help != argparse.SUPPRESS:
                options.append(Option(tuple(action.option_strings), (action.help or "").split("\n")[0], _value(action)))
        else:
            positionals.append(_value(action))
    return Node(words, help_text, tuple(options), tuple(positionals), tuple(children))


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    if action.choices is not None:
        return " ".join(map(str, action.choices))
    name = action.metavar if isinstance(action.metavar, str) else (action.dest or "")
    return KINDS.get(name, "-")


def script(shell: str, root: Node) -> str:
    """The completion script of a shell."""
    return {"bash": bash, "zsh": zsh, "fish": fish}[shell](root)


_ASK = {
    INSTANCES: "$(hatui status --brief --timeout 1 2>/dev/null | cut -d' ' -f1)",
    INTERFACES: "$(ls /sys/class/net 2>/dev/null)",
    CODES: "$(hatui explain --list 2>/dev/null | cut -d' ' -f1)",
    HOSTS: "$(sed -n 's/^[Hh]ost \\([^*?]*\\)$/\\1/p' ~/.ssh/config 2>/dev/null) local",
}


def bash(root: Node) -> str:
    """For bash 4 and newer."""
    takes = sorted({name for node in root.walk() for option in node.options if option.value for name in option.names})
    lines = [
        "# hatui completion bash: put it into ~/.local/share/bash-completion/completions/hatui, or",
        "#   source <(hatui completion bash)",
        "_hatui() {",
        '    local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}" place="" count=0 skip="" word',
        "    COMPREPLY=()",
        '    for word in "${COMP_WORDS[@]:1:$((COMP_CWORD-1))}"; do',
        '        if [ -n "$skip" ]; then skip=""; continue; fi',
        '        case "$word" in',
        f"            {'|'.join(takes)}) skip=1 ;;",
        "            -*) ;;",
        '            *) case "$place $word" in',
    ]
    for node in root.walk():
        if node.words:
            path = " " + " ".join(node.words)
            lines.append(f'                "{path}") place="{path}" ;;')
    lines += [
        "                *) count=$((count+1)) ;;",
        "            esac ;;",
        "        esac",
        "    done",
        '    case "$place|$prev" in',
    ]
    for node in root.walk():
        path = "".join(f" {word}" for word in node.words)
        for option in node.options:
            if option.value:
                names = "|".join(f'"{path}|{name}"' for name in option.names)
                lines.append(f"        {names}) {_bash_words(option.value)}; return ;;")
    lines += ["    esac", '    case "$place" in']
    for node in root.walk():
        path = "".join(f" {word}" for word in node.words)
        options = " ".join(name for option in node.options for name in option.names)
        inside = [f'if [[ "$cur" == -* ]]; then COMPREPLY=($(compgen -W "{options}" -- "$cur")); return; fi']
        if node.children:
            inside.append(_bash_words(" ".join(child.words[-1] for child in node.children)))
        for at, value in enumerate(node.positionals):
            inside.append(f'if [ "$count" -eq {at} ]; then {_bash_words(value)}; fi')
        lines.append(f'        "{path}") {"; ".join(inside)} ;;')
    lines += ["    esac", "}", "complete -o bashdefault -F _hatui hatui"]
    return "\n".join(lines) + "\n"


def _bash_words(value: str) -> str:
    if value == "-":
        return "COMPREPLY=()"
    if value == FILES:
        return 'COMPREPLY=($(compgen -f -- "$cur"))'
    return f'COMPREPLY=($(compgen -W "{_ASK.get(value, value)}" -- "$cur"))'


def zsh(root: Node) -> str:
    """For zsh, whose bashcompinit runs the same function; the key that loads the file is completed too."""
    _, *rest = bash(root).splitlines()
    body = [line.replace("_hatui()", "_hatui_words()") for line in rest if not line.startswith("#")]
    body[-1:] = [
        "complete -F _hatui_words hatui",
        'if [ "$funcstack[1]" = "_hatui" ]; then _bash_complete -F _hatui_words; fi',
    ]
    head = [
        "#compdef hatui",
        '# hatui completion zsh > "${fpath[1]}/_hatui"',
        "autoload -U +X bashcompinit && bashcompinit",
    ]
    return "\n".join([*head, *body]) + "\n"


def fish(root: Node) -> str:
    """For fish."""
    lines = ["# hatui completion fish > ~/.config/fish/completions/hatui.fish", "complete -c hatui -f"]
    commands = " ".join(child.words[-1] for child in root.children)
    for node in root.walk():
        if not node.words:
            when = f"not __fish_seen_subcommand_from {commands}"
        else:
            when = " ; and ".join(f"__fish_seen_subcommand_from {word}" for word in node.words)
        lines += [
            f"complete -c hatui -n {shlex.quote(when)} -a {child.words[-1]} -d {shlex.quote(child.help)}"
            for child in node.children
        ]
        for option in node.options:
            names = [f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names]
            lines.append(
                f"complete -c hatui -n {shlex.quote(when)} {' '.join(names)}{_fish_value(option.value)}"
                f" -d {shlex.quote(option.help)}"
            )
        for value in dict.fromkeys(node.positionals):
            if value == FILES:
                lines.append(f"complete -c hatui -n {shlex.quote(when)} -F")
            elif value != "-":
                lines.append(f"complete -c hatui -n {shlex.quote(when)} -a {shlex.quote(_fish_words(value))}")
    return "\n".join(lines) + "\n"


def _fish_words(value: str) -> str:
    return _ASK.get(value, value).replace("$(", "(")


def _fish_value(value: str) -> str:
    if not value:
        return ""
    if value == FILES:
        return " -r -F"
    return " -x" if value == "-" else f" -x -a {shlex.quote(_fish_words(value))}"
