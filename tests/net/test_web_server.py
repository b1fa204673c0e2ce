"""The web server dies, the address moves; it comes back, so does the address: both remedies of the samples."""

from __future__ import annotations

from hatui.lab import Lab
from tests.net.pair import running_pair


def test_tracked_script_moves_the_address_to_the_living_web_server_and_back(lab: Lab) -> None:
    with running_pair(lab, "hatui", "hatui", "-tracked", web=True) as pair:
        reader = lab.reader(pair.client)
        reader.wait_for_page("10.211.55.22", 15)
        pair.web["serverA"].kill()
        reader.wait_for_page("10.211.55.23", 20)
        assert pair.program(pair.a).running
        pair.web["serverA"].start()
        reader.wait_for_page("10.211.55.22", 20)
        assert lab.owners() == ["serverA"]


def test_script_that_ends_the_engine_moves_the_address_and_a_restart_brings_it_back(lab: Lab) -> None:
    with running_pair(lab, "hatui", "hatui", "-exit", web=True) as pair:
        reader = lab.reader(pair.client)
        reader.wait_for_page("10.211.55.22", 15)
        pair.web["serverA"].kill()
        reader.wait_for_page("10.211.55.23", 20)
        assert pair.program(pair.a).wait(10) == 0
        pair.web["serverA"].start()
        pair.start(pair.a)
        reader.wait_for_page("10.211.55.22", 20)
        assert lab.owners() == ["serverA"]
