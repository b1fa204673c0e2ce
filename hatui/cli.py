"""`hatui`: the console when no subcommand is named, else one of `hatui.commands`.

Invariant: starting costs only what the chosen subcommand imports (Textual for the console alone), every
way to fail is one clear sentence on standard error, and the exit status is one that the help names.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import importlib
import io
import os
import sys
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import NoReturn

from engine import VERSION
from engine.client import DEFAULT_SOCKET
from engine.errors import EngineLost, HatuiError, ProtocolMismatch, Refused
from hatui.commands import COMMANDS, EXIT_NO_ENGINE
from hatui.commands.figures import patience, whole
from hatui.commands.terminal import complain, say_failure

AS_JSON = {"--json", "--jsonl"}
EVERY = "*"
"""In place of a subcommand: all of them."""
EXIT_FAILED, EXIT_USAGE, EXIT_REFUSED, EXIT_INTERRUPTED = 1, 2, 5, 130
WRONG_USE = {"status": EXIT_NO_ENGINE, "drill": EXIT_REFUSED}
"""Exit status of what cannot even begin, where another one has a meaning: monitoring reads 1 as degraded, 2 as critical
and 3 as unknown; a drill that ends with 1 was over its budget, and with 2 it was aborted."""
LOCAL = "start it with `sudo systemctl start hatui-engine`, or name its socket with --socket PATH"
REMOTE = "see whether ssh reaches that host, whether hatui is installed and its engine runs there, and --timeout"
DESCRIPTION = "Console and commands for a VRRP engine (hatui-engine). Without a command: the console."
EPILOG = (
    "`hatui COMMAND --help` tells the arguments and exit codes of a command; `hatui demo` shows it all on this machine."
)


class Parser(argparse.ArgumentParser):
    """An argument parser whose exit status for a wrong use can be chosen."""

    usage_status = EXIT_USAGE

    def understood(self, words: Sequence[str]) -> argparse.Namespace:
        """The arguments; what is none is said with the usage of the subcommand that it stands behind."""
        chosen, rest = self.parse_known_args(words)
        if rest:
            self.meant(words).error(f"unrecognized arguments: {' '.join(rest)}")
        return chosen

    def meant(self, words: Sequence[str]) -> argparse.ArgumentParser:
        """The parser of the subcommand that these words name."""
        parser: argparse.ArgumentParser = self
        for word in words:
            known = next((one for one in parser._actions if isinstance(one, argparse._SubParsersAction)), None)  # noqa: SLF001
            if known is not None and word in known.choices:
                parser = known.choices[word]
        return parser

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and how it is used."""
        self.print_usage(sys.stderr)
        self.exit(self.usage_status, f"{self.prog}: {message}\n")


def socket_option(
    parser: argparse.ArgumentParser, *, top: bool = False, remote: bool = True, asks: bool = True
) -> None:
    """--socket, --host and --timeout, before or behind the subcommand. Where it `asks` no engine they are taken all the
    same, so that a script may give them to every command; of --host it is said that it has no meaning there."""
    if not asks:
        parser.set_defaults(asks=False)
    default = os.environ.get("HATUI_SOCKET", DEFAULT_SOCKET) if top else argparse.SUPPRESS
    parser.add_argument(
        "--socket", metavar="PATH", default=default, help=f"control socket of the engine (default {DEFAULT_SOCKET})"
    )
    if remote:
        parser.add_argument(
            "--host",
            metavar="USER@NODE",
            action="append",
            default=None if top else argparse.SUPPRESS,
            help="the engine on that host, through ssh (or the program in HATUI_SSH); may be NODE:/path/of/the/socket",
        )
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=patience,
        default=10.0 if top else argparse.SUPPRESS,
        help="how long to wait for the engine (default 10)",
    )


def parser_for(command: str) -> tuple[Parser, ModuleType | None]:
    """The parser with the arguments of one subcommand filled in, and the module that runs it."""
    parser = Parser(prog="hatui", description=DESCRIPTION, epilog=EPILOG)
    socket_option(parser, top=True)
    parser.add_argument("--version", action="store_true", help="print the version and end")
    parser.add_argument("--theme", default="", metavar="NAME", help="console: hatui-dark, hatui-light, ...")
    parser.add_argument("--read-only", action="store_true", help="console: look, do not act")
    parser.add_argument("--unicode", action="store_true", help="console: finer graphs than ASCII")
    parser.add_argument("--no-bell", action="store_true", help="console: no bell when two routers are master, or none")
    parser.add_argument(
        "--fps", type=whole(1), default=0, metavar="N", help="console: at most N frames a second, such as 15"
    )
    parser.add_argument("--replay", metavar="FILE", help="console: show a recording made by `hatui watch --record`")
    known = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    module = None
    for name, (where, text) in COMMANDS.items():
        if command not in (name, EVERY):
            known.add_parser(name, help=text, add_help=False)
            continue
        module = importlib.import_module(f"hatui.commands.{where}")
        sub = known.add_parser(
            name,
            help=text,
            description=f"{text[0].upper()}{text[1:]}.",
            epilog=module.EPILOG[name] if isinstance(module.EPILOG, dict) else module.EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.configure(sub)
    return parser, module


def whole_parser() -> argparse.ArgumentParser:
    """The parser with the arguments of all subcommands, for completion and documentation."""
    return parser_for(EVERY)[0]


def command_in(argv: Sequence[str]) -> str:
    """The subcommand in an argument list, or empty."""
    skip = False
    for word in argv:
        if skip:
            skip = False
        elif word in ("--socket", "--host", "--timeout", "--theme", "--replay", "--fps"):
            skip = True
        elif not word.startswith("-"):
            return word
    return ""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry of the program. Returns the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    _open_what_is_closed()
    try:
        return _run(words)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        _give_up_output()  # whoever read it has left: there is nobody to tell
        return EXIT_FAILED
    except (HatuiError, OSError) as failure:
        return _failed(failure, words)


def _failed(failure: HatuiError | OSError, words: Sequence[str]) -> int:
    """Say what went wrong; the exit status."""
    text, hint, status = str(failure), "", WRONG_USE.get(command_in(words), EXIT_FAILED)
    match failure:
        case Refused(code=code, reason=reason):
            text, hint = f"{reason} [{code}]", f"`hatui explain {code}` says what to do"
            status = EXIT_NO_ENGINE if code == "E-PERMISSION" else EXIT_REFUSED
        case EngineLost(advice=advice):
            away = any(word.startswith("--host") for word in words)
            text += "" if text.endswith("]") else " [E-NO-ENGINE]"
            hint, status = advice or (REMOTE if away else LOCAL), EXIT_NO_ENGINE
        case ProtocolMismatch():
            hint, status = "install the same version of hatui here and for the engine", EXIT_NO_ENGINE
        case ConnectionError():
            text = f"the connection to the engine: {failure.strerror or failure} [E-NO-ENGINE]"
            hint, status = LOCAL, EXIT_NO_ENGINE
        case OSError():
            if not failure.filename:  # a path is named: otherwise it is what we write to
                _give_up_output()
            text = f"{failure.filename or 'standard output'}: {failure.strerror or failure} [E-IO]"
    complain(text, hint)
    if not AS_JSON.isdisjoint(words):
        say_failure(text)
    return status


def _open_what_is_closed() -> None:
    """Standard streams that whoever started us has closed lead nowhere, and no other file gets their number; and no
    character of a file ends a command because the terminal does not know it."""
    for name, how in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            stream = open(os.devnull, how)  # noqa: SIM115 - until the end
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)
    for out in (sys.stdout, sys.stderr):
        if isinstance(out, io.TextIOWrapper) and out.errors == "strict":
            out.reconfigure(errors="surrogateescape" if out.encoding.lower() == "utf-8" else "backslashreplace")


def _give_up_output() -> None:
    """Python shall not try again at its end to write what is left."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextlib.contextmanager
def errors_on_the_terminal() -> Iterator[None]:
    """Textual draws on standard error: while the console is shown it is the terminal, wherever it leads otherwise."""
    if sys.stderr.isatty():
        yield
        return
    terminal, elsewhere = sys.stdout.fileno(), sys.__stderr__
    with open(os.dup(terminal), "w", encoding=sys.stdout.encoding) as shown:
        sys.__stderr__ = shown  # type: ignore[misc]
        try:
            yield
        finally:
            sys.__stderr__ = elsewhere  # type: ignore[misc]


def _run(words: list[str]) -> int:
    command = command_in(words)
    Parser.usage_status = WRONG_USE.get(command, EXIT_USAGE)
    try:
        parser, module = parser_for(command)
        chosen = parser.understood(words)
    finally:
        Parser.usage_status = EXIT_USAGE
    if chosen.version:
        sys.stdout.write(f"hatui {VERSION}\n")
        return 0
    if chosen.host and not getattr(chosen, "asks", True):
        complain("this command asks no engine: --host has no meaning here, and files are those of this host")
    if module is not None:
        return int(module.run(chosen))
    return console(chosen)


def console(chosen: argparse.Namespace) -> int:
    """The console; where the terminal cannot show it, the plain event stream, and it says so."""
    if not sys.stdin.isatty() or not sys.stdout.isatty() or os.environ.get("TERM", "dumb") == "dumb":
        if chosen.replay:
            raise HatuiError("a replay needs a terminal; `hatui replay FILE --json` prints the recording [E-TERMINAL]")
        complain("no terminal that can show the console: this is `hatui watch --plain`")
        hosts = [word for host in chosen.host or () for word in ("--host", host)]
        return main(["--socket", chosen.socket, *hosts, "watch", "--plain"])
    if chosen.fps > 0:
        os.environ["TEXTUAL_FPS"] = str(min(chosen.fps, 60))  # read when Textual is imported
    gc.disable()  # until the first picture stands (see app.py): all that is made until then stays
    with errors_on_the_terminal():
        return shown(chosen)


def shown(chosen: argparse.Namespace) -> int:
    """The console on the terminal, until it is left."""
    from hatui import app

    if chosen.replay:
        try:
            return app.replay(chosen.replay, theme=chosen.theme)
        except (OSError, ValueError) as failure:
            raise HatuiError(f"{failure} [E-FORMAT]") from None
    return app.run(
        chosen.socket,
        hosts=chosen.host or (),
        theme=chosen.theme,
        read_only=chosen.read_only,
        fine=chosen.unicode,
        bell=not chosen.no_bell,
    )


if __name__ == "__main__":
    sys.exit(main())
