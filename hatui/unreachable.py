"""Why the engine on another host cannot be spoken to: one sentence, its code, and what to do.

Invariant: pure, and nothing is made up: what ssh said in words that are not known here is told as it said it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.errors import EngineLost

FAILED = 255
"""Exit status of ssh where it is ssh that failed."""
NOT_FOUND = 127
"""Exit status of a shell that does not find a program."""
_NO_MATTER = re.compile(r"Warning: |@{9}|^debug\d")
_CHANGED = re.compile(r"host key for .* has changed|host identification has changed", re.IGNORECASE)
_UNVERIFIED = re.compile(r"host key verification failed", re.IGNORECASE)
_MISSING = re.compile(r"hatui: (command )?not found|not found: hatui|unknown command:? '?hatui", re.IGNORECASE)
_KNOWN = tuple(
    (re.compile(pattern, re.IGNORECASE), advice)
    for pattern, advice in (
        ("could not resolve hostname", "write the name or the address as ssh knows it: `ssh {to}` has to work"),
        ("connection refused", "sshd does not run on {node}, or on another port: name it in ~/.ssh/config (Port)"),
        (
            "timed out|no route to host|network is unreachable|host is down|not responding",
            "is {node} up, and does no firewall on the way drop ssh? Try `ssh {to}`",
        ),
        (
            r"permission denied \(|too many authentication failures",
            "no password is asked for here: `ssh-copy-id {to}`, or `ssh-add` your key to the agent",
        ),
        ("closed by|connection reset|kex_exchange|broken pipe", "the log of sshd there says why: `journalctl -u ssh`"),
    )
)
_LATER = re.compile(r"^Timeout, server .* not responding")
_NO_ANSWER = "ssh gets no answer any more"
_TRY = "try by hand what is run there: `ssh {to} hatui status`"
_SSH = re.compile(r"^ssh: ")


def trouble(
    given: str, to: str, said: Sequence[str], lost: str, status: int | None = None, more: str = ""
) -> EngineLost:
    """What `said`, the lines of ssh and of what it ran, and its exit status mean.

    `given` is the host as it was named, `to` what ssh was told: [USER@]NODE; `lost` is all that is known where nothing
    was said; `more` stands behind either.
    """
    words, code, advice = _meant([line for line in said if not _NO_MATTER.search(line)], said, lost, status)
    node = to.rpartition("@")[2]
    head = "" if words.startswith(given) else f"{given}: "
    tail = f" [{code}]" if code and not words.endswith("]") else ""
    return EngineLost(f"{head}{words}{more}{tail}", advice.format(to=to, node=node))


def _meant(lines: Sequence[str], said: Sequence[str], lost: str, status: int | None) -> tuple[str, str, str]:
    """The sentence, its code if it has one of its own, and the advice."""
    everything = "\n".join(said)
    if _UNVERIFIED.search(everything):
        if _CHANGED.search(everything):
            words = "its host key is not the one it had: another machine answers there, or it was installed anew"
            return words, "E-SSH", "find out which; only then `ssh-keygen -R {node}` and `ssh {to}`"
        words = "its host key is not known here, and nobody can be asked: host key verification failed"
        return words, "E-SSH", "log in once by hand, compare the key and say yes: `ssh {to}`"
    for pattern, advice in _KNOWN:
        for line in lines:
            if pattern.search(line):
                words = _NO_ANSWER if _LATER.search(line) else _SSH.sub("", line)
                return words, "E-SSH", advice
    if status == NOT_FOUND or any(_MISSING.search(line) for line in lines):
        words = "hatui is not found there by a command that comes over ssh"
        return words, "E-NO-HATUI", "install it on {node}, or link it into /usr/local/bin: `ssh {to} hatui --version`"
    if lines:
        return "; ".join(lines[-2:]), "E-SSH", _TRY
    if status == FAILED:
        return "ssh ended without a word", "E-SSH", _TRY
    return lost, "", _TRY


def babble(given: str, to: str) -> EngineLost:
    """What came first was no word of an engine."""
    words = "something else than hatui speaks there: a start-up file of the shell prints text, or there is no shell"
    return EngineLost(
        f"{given}: {words} [E-SSH]", f"`ssh {to} true` must print nothing: see .bashrc, or name another user"
    )


def no_engine(given: str, to: str, reason: str) -> EngineLost:
    """The relay runs, and finds no engine."""
    node = to.rpartition("@")[2]
    advice = f"start it on {node} (`sudo systemctl start hatui-engine`), or name its socket: --host {to}:/PATH"
    return EngineLost(f"{given}: no engine runs there: {reason} [E-NO-ENGINE]", advice)


def stranger(given: str, user: str, reason: str) -> str:
    """The reason of a refusal of those who may neither look nor act there."""
    return f"{given}: {reason}; there: `sudo usermod -aG hatui {user or '$USER'}`"
