"""Real hosts in network namespaces on one machine: for `hatui demo`, for the tests, for rehearsals.

network   Lab: the switch, its hosts, cables, power, loss; the context manager that cleans up
host      Host and Program: run things on a host
servers   web servers, engines and keepalived on a host
client    the client's pinger and HTTP reader (a program of its own)
measure   what the probes say: losses, outages, owners
holder    makes one host (a program of its own)

    with Lab() as lab:
        a = lab.add_host("serverA", "10.211.55.22/24")
        client = lab.add_host("client", "10.211.55.24/24")
        pinger = lab.pinger(client, "10.211.55.50")
        lab.power_off(a)
        print(pinger.report())

It works as root and, by a user namespace, as anybody; `obstacle()` says why when it cannot.
"""

from __future__ import annotations

from hatui.lab.host import Host, LabError, Program, wait_for
from hatui.lab.measure import Outage, Probe, Report
from hatui.lab.network import Lab, Pinger, Reader, obstacle
from hatui.lab.servers import Engine, WebServer, start_engine, start_keepalived, start_web_server

__all__ = [
    "Engine",
    "Host",
    "Lab",
    "LabError",
    "Outage",
    "Pinger",
    "Probe",
    "Program",
    "Reader",
    "Report",
    "WebServer",
    "obstacle",
    "start_engine",
    "start_keepalived",
    "start_web_server",
    "wait_for",
]
