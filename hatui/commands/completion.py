"""`hatui completion SHELL`: the script by which a shell completes hatui's command line."""

from __future__ import annotations

import argparse
import sys

from hatui import completion
from hatui.commands.terminal import complain, say_json

EPILOG = """\
exit codes: 0, 2 usage

  bash   source <(hatui completion bash)
  zsh    hatui completion zsh > "${fpath[1]}/_hatui"
  fish   hatui completion fish > ~/.config/fish/completions/hatui.fish"""


EXIT_USAGE = 2


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    from hatui.cli import socket_option

    parser.add_argument("shell", nargs="?", choices=completion.SHELLS)
    parser.add_argument("--json", action="store_true", help="all commands with their options, as one JSON object")
    socket_option(parser, asks=False)


def run(chosen: argparse.Namespace) -> int:
    """Print the script."""
    from hatui.cli import whole_parser

    if chosen.json:
        say_json({"commands": completion.tree(whole_parser()).children})
        return 0
    if not chosen.shell:
        complain(f"which shell: {', '.join(completion.SHELLS)}?", "such as `hatui completion bash`")
        return EXIT_USAGE
    sys.stdout.write(completion.script(chosen.shell, completion.tree(whole_parser())))
    return 0
