"""The subcommands of `hatui`, one module each.

    status    status                       watch     watch
    why       why                          move      failover, release, announce, reload
    check     check                        config    config show, diff, apply, fmt
    replay    replay                       bundle    bundle
    explain   explain                      decode    decode
    capture   capture                      vrids     vrids
    relay     relay                        doctor    doctor
    metrics   metrics                      keys      keys
    completion  completion bash, zsh, fish
    demo      demo                         revisions config confirm, rollback, history
    maintenance  maintenance on, off, status
    trackers  trackers
    packets   what capture and decode share
    drill     drill list, plan, run ...    probe     probe
    session   connecting to the engine     terminal  what people see: colour, questions, complaints

A module has EPILOG (its exit codes), `configure(parser)` and `run(arguments) -> exit status`.
"""

from __future__ import annotations

EXIT_NO_ENGINE = 3
"""No engine, no answer, or no permission to ask it."""

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("demo", "lay two real engines and a client on this machine and open the console"),
    "status": ("status", "show instances, states and owners, or one instance in detail"),
    "watch": ("watch", "print what happens, one line an event"),
    "why": ("why", "explain the last change of an instance"),
    "failover": ("move", "move an address on purpose, without losing a packet"),
    "release": ("move", "end the hold that a failover left"),
    "maintenance": ("maintenance", "put this node or an instance aside for a while, and take it back"),
    "trackers": ("trackers", "show what is tracked with the last runs of each script, or run one now"),
    "announce": ("move", "send gratuitous ARP and neighbour advertisements now"),
    "reload": ("move", "let the engine read its configuration file again"),
    "drill": ("drill", "rehearse a failover, measure it, put it back"),
    "probe": ("probe", "ask an address again and again whether it is served, and by whom"),
    "check": ("check", "check configuration files: mistakes, traps, fixes"),
    "config": ("config", "show, compare, apply, confirm, roll back and format the configuration"),
    "replay": ("replay", "show the past on the console's screens, from a file, a bundle or the engine's journal"),
    "bundle": ("bundle", "collect what happened into an archive without secrets"),
    "explain": ("explain", "explain a code or a configuration keyword"),
    "capture": ("capture", "show or write adverts, gratuitous ARP and NA as they pass, with the engine's verdict"),
    "doctor": ("doctor", "check what the engine needs of this host, and what it has found itself"),
    "metrics": ("metrics", "print the engine's state for Prometheus, or write it as a textfile"),
    "completion": ("completion", "print the script that completes this command line in a shell"),
    "keys": ("keys", "list the console's keys with the ids for a keymap file"),
    "relay": ("relay", "hand the engine's socket to a console on another host (used by --host through ssh)"),
    "decode": ("decode", "decode the VRRP, ARP and neighbour packets of a capture file"),
    "vrids": ("vrids", "show which virtual router ids are in use on a network, and which are free"),
}
"""Name -> (module, one line of help)."""
