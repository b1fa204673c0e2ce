"""auth_hmac between two real engines: both stamp their adverts with the wall clock and believe each other."""

from __future__ import annotations

from hatui.lab import Engine, Lab, start_engine

CONFIG = """\
vrrp_instance VI_1 {{
    state BACKUP
    interface eth0
    virtual_router_id 50
    version 3
    priority {priority}
    advert_int 0.2
    auth_hmac {{
        key 1 hex:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
        active_key 1
    }}
    virtual_ipaddress {{
        10.211.55.50
    }}
}}
"""


def test_two_engines_with_keyed_adverts_have_one_master(lab: Lab) -> None:
    a, b = lab.add_host("serverA", "10.211.55.22/24"), lab.add_host("serverB", "10.211.55.23/24")
    run = start_engine(b, CONFIG.format(priority=50))
    lab.wait_for_owner("serverB", 10)
    start_engine(a, CONFIG.format(priority=100))
    lab.wait_for_owner("serverA", 10)
    assert isinstance(run, Engine)
    assert 'auth_ext_stale":0' in run.hatui("status", "--json").replace(" ", "")
