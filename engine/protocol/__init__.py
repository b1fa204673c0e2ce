"""PURE: VRRP without sockets, clocks or kernels. Bytes, facts and orders in; one ordered list out.

packet    octets of adverts (v2, v3, IPv4, IPv6, AH) to fields and back
timing    skew, master-down and conversions; integers only
tracking  scripts, interfaces, processes, files: weights, rise and fall, the ledger
instance  the state machine of one virtual router
group     sync groups
router    all instances of one host: handle(input, now), tick(now), deadline
"""
