"""Large configurations: time and memory of reading, checking and planning."""

from __future__ import annotations

import gc
import subprocess
import sys
import time

import msgspec

from engine.config.lint import findings
from engine.config.plan import plan
from tests.config.reading import MAIN, config, reading, with_lines


def many(instances: int, files: int) -> dict[str, str]:
    """A configuration of many instances in many files."""
    texts: dict[str, str] = {}
    each = instances // files
    for number in range(instances):
        path = f"/etc/keepalived/{number // each}.conf"
        device, vrid = f"eth{number // 250}", number % 250 + 1
        lines = with_lines(
            "priority 100", "advert_int 1", "authentication {", "auth_type PASS", "auth_pass secret", "}"
        )
        lines = lines.replace("vrrp_instance V", f"vrrp_instance V{number}").replace("eth0", device)
        texts[path] = texts.get(path, "") + lines.replace("router_id 5", f"router_id {vrid}")
    return {**texts, MAIN: "include *.conf\n".replace("*", "[0-9]*")}


def test_ten_thousand_instances_in_forty_files_are_read_checked_and_planned_in_time() -> None:
    texts = many(10_000, 40)
    main = texts.pop(MAIN)
    start = time.process_time()
    loaded = reading(main, texts)
    found = findings(loaded)
    changed = msgspec.structs.replace(
        config(loaded), instances=tuple(msgspec.structs.replace(one, priority=99) for one in config(loaded).instances)
    )
    change = plan(config(loaded), changed)
    spent = time.process_time() - start
    assert len(config(loaded).instances) == 10_000
    assert loaded.diagnostics == ()
    assert len(loaded.sources) == 41
    assert len(found) > 10_000
    assert not any(one.severity == "error" for one in found)
    assert len(change.lines) == 10_000
    assert spent < 5.0
    assert gc.isenabled()


def test_time_to_read_check_and_plan_grows_with_the_number_of_instances_alone() -> None:
    def cost(instances: int) -> float:
        texts = many(instances, 10)
        main = texts.pop(MAIN)
        best = 1e9
        for _ in range(3):
            start = time.process_time()
            loaded = reading(main, texts)
            findings(loaded, [loaded])
            plan(config(loaded), config(loaded))
            best = min(best, time.process_time() - start)
        return best

    assert cost(2000) < 20 * cost(200), "ten times the instances, and more than twice ten times the time"


PROGRAM = """
from pathlib import Path
from tests.config.test_size import many
from tests.config.reading import MAIN, reading
from engine.config.lint import findings
from engine.config.plan import plan
texts = many(10_000, 40)
loaded = reading(texts.pop(MAIN), texts)
findings(loaded)
plan(loaded.config, loaded.config)
print(int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) // 1024)
"""
"""Prints its own peak in MiB. The kernel's `ru_maxrss` would do, but a child starts with its parent's."""


def test_ten_thousand_instances_need_less_than_500_mib() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 500
