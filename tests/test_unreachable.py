"""What ssh says, as one sentence with its code and the next step."""

from __future__ import annotations

import pytest

from engine.codes import CODES
from hatui.unreachable import FAILED, NOT_FOUND, no_engine, stranger, trouble

CHANGED = """\
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!
Host key for lb-b has changed and you have requested strict checking."""
ADDED = "Warning: Permanently added 'lb-b' (ED25519) to the list of known hosts."


@pytest.mark.parametrize(
    ("said", "text", "advice"),
    [
        (
            "ssh: Could not resolve hostname lb-b: Name or service not known",
            "Could not resolve hostname",
            "as ssh knows",
        ),
        ("ssh: connect to host lb-b port 22: Connection refused", "Connection refused [E-SSH]", "does not run on lb-b"),
        ("ssh: connect to host lb-b port 22: Connection timed out", "Connection timed out [E-SSH]", "is lb-b up"),
        ("Connection to lb-b port 22 timed out", "timed out [E-SSH]", "is lb-b up"),
        ("Timeout, server lb-b not responding.", "anna@lb-b:/tmp/s: ssh gets no answer any more [E-SSH]", "is lb-b up"),
        (
            f"{ADDED}\nanna@lb-b: Permission denied (publickey).",
            "Permission denied (publickey). [E-SSH]",
            "ssh-copy-id",
        ),
        ("Host key verification failed.", "its host key is not known here", "log in once by hand"),
        (f"{CHANGED}\nHost key verification failed.", "its host key is not the one it had", "ssh-keygen -R lb-b"),
        (f"{CHANGED}\nanna@lb-b: Permission denied (publickey).", "Permission denied", "ssh-copy-id anna@lb-b"),
        ("kex_exchange_identification: read: Connection reset by peer", "Connection reset", "journalctl -u ssh"),
        ("bash: line 1: hatui: command not found", "hatui is not found there", "install it on lb-b"),
        ("sh: 1: hatui: not found", "[E-NO-HATUI]", "install it on lb-b"),
        ("zsh:1: command not found: hatui", "[E-NO-HATUI]", "install it on lb-b"),
        (
            "one\nBad configuration option: x\nterminating",
            "Bad configuration option: x; terminating [E-SSH]",
            "by hand",
        ),
    ],
)
def test_words_of_ssh_become_one_sentence(said: str, text: str, advice: str) -> None:
    found = trouble("anna@lb-b:/tmp/s", "anna@lb-b", said.splitlines(), "the engine closed the connection", 255)
    assert str(found).startswith("anna@lb-b")
    assert text in str(found)
    assert "Permanently" not in str(found)
    assert "\n" not in str(found)
    assert advice in found.advice
    assert str(found).rpartition("[")[2].rstrip("]") in CODES


def test_shell_that_says_nothing_but_its_status_has_no_hatui() -> None:
    assert "[E-NO-HATUI]" in str(trouble("lb-b", "lb-b", (), "the engine closed the connection", NOT_FOUND))


def test_ssh_that_was_told_to_be_quiet_is_not_taken_for_the_engine() -> None:
    found = trouble("lb-b", "lb-b", (), "the engine closed the connection", FAILED)
    assert str(found) == "lb-b: ssh ended without a word [E-SSH]"


def test_end_without_a_word_is_told_as_it_is() -> None:
    found = trouble("anna@lb-b", "anna@lb-b", (ADDED,), "nothing was heard for 8 s")
    assert str(found) == "anna@lb-b: nothing was heard for 8 s"
    assert "ssh anna@lb-b hatui status" in found.advice


def test_engine_that_is_not_there_and_a_stranger_are_told_what_to_do_there() -> None:
    found = no_engine("anna@lb-b", "anna@lb-b", "/x: No such file or directory")
    assert str(found) == "anna@lb-b: no engine runs there: /x: No such file or directory [E-NO-ENGINE]"
    assert "start it on lb-b" in found.advice
    assert stranger("anna@lb-b", "anna", "no") == "anna@lb-b: no; there: `sudo usermod -aG hatui anna`"
