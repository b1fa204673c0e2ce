"""`hatui completion SHELL`: the script by which a shell completes hatui's command line."""

from __future__ import annotations

import argparse
import sys

from hatui import completion

EPILOG = """\
exit codes: 0

  bash   source <(hatui completion bash)
  zsh    hatui completion zsh > "${fpath[1]}/_hatui"
  fish   hatui completion fish > ~/.config/fish/completions/hatui.fish"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    parser.add_argument("shell", choices=completion.SHELLS)


def run(chosen: argparse.Namespace) -> int:
    """Print the script."""
    from hatui.cli import whole_parser

    sys.stdout.write(completion.script(chosen.shell, completion.tree(whole_parser())))
    return 0
