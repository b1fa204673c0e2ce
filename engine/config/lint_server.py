"""Rules about virtual servers and their real servers. Source: keepalived.conf(5) virtual_server."""

from __future__ import annotations

from collections.abc import Iterator

from engine.config.diagnostic import Diagnostic
from engine.config.expand import Statement
from engine.config.lint_scope import Scope, unknown


def _real(server: Statement) -> list[Statement]:
    return [one for one in server.children or () if one.keyword == "real_server"]


def _is_checker(one: Statement) -> bool:
    return one.keyword.endswith(("_CHECK", "_GET"))


def checkers(scope: Scope) -> Iterator[Diagnostic]:
    """A real server that nobody checks: one finding for each virtual server."""
    for server in scope.blocks("virtual_server"):
        bare = [one for one in _real(server) if not any(_is_checker(each) for each in one.children or ())]
        if bare and not scope.may_be_said(*(child for child in ("TCP_CHECK", "HTTP_GET", "MISC_CHECK", "SSL_GET"))):
            more = f" (and {len(bare) - 1} more)" if len(bare) > 1 else ""
            what = f"real_server {bare[0].name}{more} has no checker and counts as alive for ever"
            yield scope.say("L-NO-CHECKER", "info", bare[0], what)


def empty(scope: Scope) -> Iterator[Diagnostic]:
    """A virtual server without servers."""
    for server in scope.blocks("virtual_server"):
        kinds = {one.keyword for one in server.children or ()}
        if not kinds & {"real_server", "sorry_server"} and not scope.may_be_said("real_server", "sorry_server"):
            what = f"virtual_server {_title(server)} has no real_server"
            yield scope.say("L-NO-SERVER", "warning", server, what, word=1)


def ports(scope: Scope) -> Iterator[Diagnostic]:
    """Another port behind DR or TUN."""
    for server in scope.blocks("virtual_server"):
        kind = server.child("lb_kind") or server.child("lvs_method")
        if server.name in ("fwmark", "group") or len(server.words) < 3 or unknown(server.words[2].value):
            continue
        port = server.words[2].value
        for real in _real(server):
            own = real.child("lvs_method") or kind
            method = own.name if own is not None else "NAT"
            if method not in ("DR", "TUN") or len(real.words) < 3 or unknown(real.words[2].value):
                continue
            if real.words[2].value not in (port, "0"):
                yield scope.say(
                    "L-REAL-PORT",
                    "warning",
                    real,
                    f"{method} cannot change the port: {real.name} {real.words[2].value} is used as port {port}",
                    word=2,
                    fix=scope.replace(f"write port {port}", real, real.words[2], port),
                )


def _title(server: Statement) -> str:
    return " ".join(word.value for word in server.arguments)


RULES = (checkers, empty, ports)
