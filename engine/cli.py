"""hatui-engine: the daemon's command line, with keepalived's own flags.

Owns what has to happen before there is a loop: forking the fork server, reading the configuration, taking the
pid file, going into the background. What only one process needs is imported there, and core's own part after the
fork: memory that all processes share stays small. Nothing here imports a terminal or packet library.
"""

from __future__ import annotations

import argparse
import contextlib
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import VERSION
from engine.core import forkserver, log, service
from engine.core.options import DEFAULT_CONFIG, DEFAULT_PID, DEFAULT_SOCKET, DEFAULT_STATE, Options
from engine.errors import Refused

if TYPE_CHECKING:
    import subprocess

    from engine.config.model import Address, Config
    from engine.core.loading import Reading

EXIT_FATAL, EXIT_CONFIG, EXIT_PRIVILEGES = 1, 2, 4
"""Exit statuses at the start. Source: keepalived's own: fatal, configuration, permission."""
_SECRETS = ("key", "auth_pass")

_fork_server_process: list[subprocess.Popen[bytes]] = []


def parser() -> argparse.ArgumentParser:
    """The flags."""
    made = argparse.ArgumentParser(
        prog="hatui-engine",
        description="VRRP engine: keeps service addresses alive on several hosts, reads keepalived.conf.",
        epilog="Signals: TERM and INT stop with a hand-over, HUP reloads. See also: hatui(1).",
        allow_abbrev=False,
    )
    add = made.add_argument
    add("-f", "--use-file", metavar="FILE", default=DEFAULT_CONFIG, help="configuration file (default %(default)s)")
    add("-i", "--config-id", metavar="ID", default="", help="id for @ID lines (default: the short host name)")
    add("-n", "--dont-fork", action="store_true", help="stay in the foreground, log to stderr")
    add("-l", "--log-console", action="store_true", help="log to stderr instead of syslog")
    add("-D", "--log-detail", action="store_true", help="log more")
    add("-d", "--dump-conf", action="store_true", help="log the configuration as understood, secrets left out")
    add(
        "-t",
        "--config-test",
        metavar="LOG",
        nargs="?",
        const="",
        help="check the configuration and exit as keepalived -t",
    )
    add("-P", "--vrrp", action="store_true", help="run VRRP only (with its track scripts)")
    add("-C", "--check", action="store_true", help="run the checks only, no VRRP")
    add("-V", "--dont-release-vrrp", action="store_true", help="leave the addresses in place at the end")
    add("-p", "--pid", metavar="FILE", help="pid file (default: beside the socket)")
    add("--socket", metavar="PATH", default=DEFAULT_SOCKET, help="control socket (default %(default)s)")
    add("--state-dir", metavar="DIR", default=DEFAULT_STATE, help="history (default %(default)s; none: in memory only)")
    add("--observe", action="store_true", help="look on beside keepalived, send and change nothing")
    add("--release", action="store_true", help="remove addresses that a dead engine left behind, then exit")
    add("--fork-server", type=int, help=argparse.SUPPRESS)
    add("-v", "--version", action="store_true", help="print the version")
    return made


def options_of(words: argparse.Namespace) -> Options:
    """The parsed flags as the engine's options."""
    path = Path(words.socket).absolute()
    return Options(
        config_file=str(Path(words.use_file).absolute()),
        config_id=words.config_id,
        socket_path=path,
        state_dir=None if words.state_dir == "none" else Path(words.state_dir).absolute(),
        pid_file=Path(
            words.pid or (DEFAULT_PID if words.socket == DEFAULT_SOCKET else path.with_suffix(".pid"))
        ).absolute(),
        foreground=words.dont_fork,
        log_console=words.log_console,
        log_detail=words.log_detail,
        run_vrrp=words.vrrp or not words.check,
        run_check=True,
        release_addresses=not words.dont_release_vrrp,
        observe=words.observe,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; returns the exit status."""
    words = parser().parse_args(arguments)
    if words.version:
        sys.stdout.write(f"hatui-engine {VERSION}\n")
        return 0
    options = options_of(words)
    if words.fork_server is not None:
        prepare(options)
        return forkserver.serve(socket.socket(fileno=words.fork_server), entries(options))
    if words.config_test is not None:
        return config_test(options, words.config_test)
    try:
        if words.release:
            return release(options)
        return start(options, dump=words.dump_conf)
    except Refused as refusal:
        return say(f"{refusal.reason} [{refusal.code}]", EXIT_FATAL)


def say(text: str, status: int) -> int:
    """A sentence for the person who started us."""
    sys.stderr.write(f"hatui-engine: {text}\n")
    return status


def config_test(options: Options, log_file: str) -> int:
    """-t: every finding with file, line and column; the exit code is keepalived's."""
    from engine.config import findings, report  # for people only: a start that goes well does not wait for it
    from engine.core.loading import config_texts, read_config

    reading = read_config(options.config_file, options.config_id, here=True)
    texts = {one.path: one.text for one in config_texts(reading.digests)}
    found = report.render("text", reading.findings, texts) if reading.findings else ""
    text = f"{found.rstrip()}\n" if found else f"{reading.path}: no findings\n"
    if log_file:
        Path(log_file).write_text(text, encoding="utf-8")
    else:
        sys.stderr.write(text)
    return findings.exit_code(reading.findings)


def entries(options: Options) -> Mapping[str, forkserver.Entry]:
    """What the fork server can start."""

    def vrrp(sock: socket.socket) -> int:
        from engine.vrrp import loop as vrrp_loop

        vrrp_loop.run(sock, vrrp_loop.Options(release_addresses=options.release_addresses))
        return 0

    def check(sock: socket.socket) -> int:
        _asyncio_without_tls()
        from engine.check import process as check_process

        return check_process.run(sock)

    return {"vrrp": vrrp, "check": check}


def _asyncio_without_tls() -> None:
    """Load asyncio as where Python has no ssl: OpenSSL's part is 1.2 MiB in each process, and none of ours speaks TLS
    by asyncio. Whoever imports ssl later gets it."""
    if "asyncio" not in sys.modules and "ssl" not in sys.modules:
        sys.modules["ssl"] = None  # type: ignore[assignment]
        try:
            import asyncio  # noqa: F401
        finally:
            del sys.modules["ssl"]


def prepare(options: Options) -> None:
    """In the fork server, once."""
    if not options.foreground:
        service.leave_terminal()
    log.open_log(foreground=options.foreground, console=options.log_console, detail=options.log_detail)
    if options.run_vrrp and not options.observe:
        import engine.vrrp.loop  # noqa: F401


def start(options: Options, *, dump: bool = False) -> int:
    """Everything up to the loop, then the loop.

    Raises:
        Refused: another engine runs, or something could not be opened.
    """
    log.open_log(foreground=options.foreground, console=options.log_console, detail=options.log_detail)
    forks = forkserver.start(entries(options), lambda: prepare(options))
    try:
        return _start(options, forks, dump=dump)
    finally:
        forks.close()


def _start(options: Options, forks: forkserver.ForkServer, *, dump: bool) -> int:
    _asyncio_without_tls()
    from engine.core.archive import Archive
    from engine.core.loading import read_config

    reading = read_config(options.config_file, options.config_id)
    unfinished = options.state_dir is not None and not options.observe and Archive(options.state_dir).unfinished
    if reading.config is None and not unfinished:
        return _unusable(options, reading)
    if options.run_vrrp and (problem := service.missing_privileges()):
        return say(problem, EXIT_PRIVILEGES)
    pid_file = service.PidFile(options.pid_file)
    pid_file.lock()
    try:
        if options.run_vrrp and not options.observe and (other := service.other_engine()):
            raise Refused("E-RUNNING", f"{other}; two engines would argue over the same addresses")
        if unfinished:
            _settle(options, reading.path)
            reading = read_config(options.config_file, options.config_id)
            if reading.config is None:
                return _unusable(options, reading)
        ready: Callable[[str], None] = _foreground_ready
        if not options.foreground:
            ready = service.into_background()
            log.open_log(foreground=False, console=options.log_console, detail=options.log_detail)
        pid_file.write()
        return _run(options, reading, pid_file, forks, ready, dump=dump)
    finally:
        pid_file.remove()


def _unusable(options: Options, reading: Reading) -> int:
    config_test(options, "")
    return say(f"{reading.path} cannot be used; nothing was started", EXIT_CONFIG)


def _settle(options: Options, path: str) -> None:
    """Take back a change that nobody confirmed, before anything of it is used."""
    from engine.core.takeback import boot_id, said, settle

    try:
        settle(options.state_dir, path, time.monotonic_ns(), boot_id())
    except OSError as error:
        log.log.error("an unconfirmed change is not settled: %s", said(error))


def _run(
    options: Options,
    reading: Reading,
    pid_file: service.PidFile,
    forks: forkserver.ForkServer,
    ready: Callable[[str], None],
    *,
    dump: bool,
) -> int:
    import asyncio

    from engine.core.engine import Engine
    from engine.vrrp.kernel import Kernel

    for one in reading.diagnostics:
        log.log.log(log.LEVELS.get(one.severity, 20), "%s", one)
    if dump and reading.config is not None:
        log.log.info("configuration: %s", dump_of(reading.config))
    forks.hold(pid_file.fileno())
    forkserver.name_process("hatui-engine")

    async def work() -> int:
        async def fresh() -> forkserver.ForkServer:
            made = fresh_fork_server(options)
            made.hold(pid_file.fileno())
            return made

        watch = Kernel() if options.observe else None
        return await Engine(options, reading, forks, fresh, watch).run(ready)

    return asyncio.run(work())


def _foreground_ready(problem: str) -> None:
    if problem:
        say(problem, EXIT_FATAL)


def fresh_fork_server(options: Options) -> forkserver.ForkServer:
    """A new fork server as a fresh process: this one has a loop and threads and must not fork itself."""
    import subprocess

    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    flags = ["-n"] * options.foreground + ["-l"] * options.log_console + ["-D"] * options.log_detail
    flags += ["-V"] * (not options.release_addresses)
    with theirs:
        command = [sys.executable, "-m", "engine.cli", "--fork-server", str(theirs.fileno()), *flags]
        process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
    for old in _fork_server_process:
        old.poll()
    _fork_server_process[:] = [process]
    return forkserver.ForkServer(ours, process.pid)


def release(options: Options) -> int:
    """Remove the virtual addresses of the configuration from this host: nobody serves them any more.

    Raises:
        Refused: an engine runs.
    """
    from engine.core.loading import read_config

    reading = read_config(options.config_file, options.config_id)
    if reading.config is None:
        return say(f"{reading.path} cannot be used, so nobody knows which addresses are virtual", EXIT_CONFIG)
    if problem := service.missing_privileges():
        return say(problem, EXIT_PRIVILEGES)
    pid_file = service.PidFile(options.pid_file)
    pid_file.lock()
    try:
        if other := service.other_engine():
            raise Refused("E-RUNNING", f"{other}; nothing was removed")
        return _remove_addresses(reading.config)
    finally:
        pid_file.remove()


def _remove_addresses(config: Config) -> int:
    import msgspec

    from engine.messages import EffectFailed
    from engine.vrrp.kernel import Kernel

    kernel = Kernel()
    status = 0
    try:
        kernel.start()
        for instance in config.instances:
            found: list[Address] = []
            for address in (*instance.addresses, *instance.excluded_addresses):
                here = msgspec.structs.replace(address, interface=address.interface or instance.interface)
                if kernel.present(here):
                    found.append(here)
            if not found:
                continue
            for failed in kernel.remove_addresses(instance.name, found):
                if isinstance(failed, EffectFailed):
                    status = say(f"{instance.name}: {failed.reason}", EXIT_FATAL)
            for one in found:
                if not kernel.present(one):
                    sys.stdout.write(f"{instance.name}: {one} removed from {one.interface}\n")
    finally:
        kernel.close()
    return status


def dump_of(config: Config) -> str:
    """The configuration as understood, as JSON, without secrets."""

    import msgspec

    def hide(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: "<secret>" if name in _SECRETS and inner else hide(inner) for name, inner in value.items()}
        return [hide(inner) for inner in value] if isinstance(value, list | tuple) else value

    return msgspec.json.encode(hide(msgspec.to_builtins(config))).decode()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
