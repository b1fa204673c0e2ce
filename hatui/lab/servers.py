"""What runs on the hosts of the lab: web servers that answer with their own address, engines, keepalived.

Invariant: everything that a program here needs lies on its host's disk or in its private /run; two hosts
never share a file.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from hatui.lab.host import Host, LabError, Program, wait_for, which

NGINX = """\
user root root;
daemon off;
master_process off;
pid /run/nginx.pid;
error_log {root}/nginx-error.log warn;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {root}/body;
    proxy_temp_path {root}/proxy;
    fastcgi_temp_path {root}/fastcgi;
    uwsgi_temp_path {root}/uwsgi;
    scgi_temp_path {root}/scgi;
    server {{
        listen 80;
        location / {{ default_type text/plain; return 200 "{name} {address}\\n"; }}
    }}
}}
"""

PYTHON_SERVER = """\
import http.server, sys
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = sys.argv[1].encode() + b"\\n"
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass
http.server.ThreadingHTTPServer(("", 80), Page).serve_forever()
"""


def python_command() -> list[str]:
    """The interpreter for our small programs: quick to start, standard library only."""
    return [sys.executable, "-S", "-E"]


def own_command(name: str, module: str) -> list[str]:
    """The command line of one of our programs, whether its script is installed or not."""
    script = Path(sys.executable).with_name(name)
    if script.exists():
        return [str(script)]
    return [sys.executable, "-m", module]


class WebServer:
    """A web server on a host; it answers with the host's name and address."""

    def __init__(self, host: Host, nginx: bool | None = None) -> None:
        """`nginx`: None takes nginx where it is installed, else a small server in Python."""
        self.host = host
        self._nginx = bool(which("nginx")) if nginx is None else nginx
        self.program: Program | None = None

    @property
    def name(self) -> str:
        """nginx or python."""
        return "nginx" if self._nginx else "python"

    def start(self) -> None:
        """Start it and wait until it listens. Raises: LabError with its output."""
        address = str(ipaddress.ip_interface(self.host.address).ip)
        if self._nginx:
            conf = self.host.root / "nginx.conf"
            conf.write_text(NGINX.format(root=self.host.root, name=self.host.name, address=address))
            argv = [which("nginx"), "-c", str(conf), "-p", str(self.host.root), "-e", "stderr"]
        else:
            argv = [*python_command(), "-c", PYTHON_SERVER, f"{self.host.name} {address}"]
        self.program = program = self.host.start(argv, log="web.log")
        wait_for(lambda: self._listens() or not program.running, 15, f"the web server on {self.host.name}")
        if not program.running:
            raise LabError(f"the web server on {self.host.name} ended: {program.output.strip()[-400:]}")

    def _listens(self) -> bool:
        """True when something listens on port 80 of the host. Source: proc(5) net/tcp."""
        try:
            lines = Path(f"/proc/{self.host.pid}/net/tcp").read_text().splitlines()[1:]
        except OSError:
            return False
        return any(line.split()[1].endswith(":0050") and line.split()[3] == "0A" for line in lines)

    def kill(self) -> None:
        """SIGKILL."""
        if self.program is not None:
            self.program.kill()
            self.program = None


def start_web_server(host: Host, nginx: bool | None = None) -> WebServer:
    """Start a web server on port 80 of a host."""
    server = WebServer(host, nginx)
    server.start()
    return server


class Engine:
    """A hatui-engine on a host."""

    def __init__(self, program: Program, socket: str) -> None:
        self.program = program
        self.socket = socket
        """Path of the control socket on the host."""
        self.host = program.host

    @property
    def socket_outside(self) -> Path:
        """The same socket as a path that any process outside the host can open (root or the same user)."""
        return Path(f"/proc/{self.host.pid}/root{self.socket}")

    def hatui(self, *arguments: str, check: bool = True, timeout_s: float = 60) -> str:
        """Run `hatui ARGUMENTS` on the host and return what it prints."""
        argv = [*own_command("hatui", "hatui.cli"), arguments[0], "--socket", self.socket, *arguments[1:]]
        return self.host.run(argv, check=check, timeout_s=timeout_s).stdout


def start_engine(
    host: Host,
    config: str | Path,
    *arguments: str,
    socket: str = "/run/hatui/engine.sock",
    state_dir: str = "",
    wait: bool = True,
    log: str = "engine.log",
) -> Engine:
    """Start hatui-engine in the foreground on a host. `config`: a path, or the text itself. `state_dir`:
    a path on the host, by default a directory on its disk.

    Raises: LabError with its output when it ends or does not listen within 15 s.
    """
    path = _config_file(host, config, "engine.conf")
    state = state_dir or str(host.root / "state")
    if not state_dir:
        Path(state).mkdir(exist_ok=True)
    argv = [*own_command("hatui-engine", "engine.cli"), "-n", "-l", "-f", str(path), "--socket", socket]
    program = host.start([*argv, "--state-dir", state, *arguments], log=log)
    engine = Engine(program, socket)
    if wait:
        wait_for(lambda: engine.socket_outside.exists() or not program.running, 15, f"the engine on {host.name}")
        if not program.running:
            raise LabError(f"hatui-engine on {host.name} ended: {program.output.strip()[-800:]}")
    return engine


def start_keepalived(host: Host, config: str | Path, *arguments: str, log: str = "keepalived.log") -> Program:
    """Start keepalived (VRRP only) in the foreground on a host. Raises: LabError when it is not installed."""
    binary = which("keepalived")
    if not binary:
        raise LabError("keepalived is not installed")
    path = _config_file(host, config, "keepalived.conf")
    pids: Sequence[str] = ("-p", "/run/keepalived.pid", "-r", "/run/keepalived-vrrp.pid")
    return host.start([binary, "-n", "-l", "-D", "-P", "-f", str(path), *pids, *arguments], log=log)


def _config_file(host: Host, config: str | Path, name: str) -> Path:
    if isinstance(config, Path):
        return config
    path = host.root / name
    path.write_text(config)
    os.chmod(path, 0o644)
    return path
