"""PURE: VRRP without sockets, clocks or kernels. Bytes, facts and orders in; one ordered list out.

router    all instances of one host: handle(input, now), tick(now), deadline, statuses
host      what they share: interfaces, trackers, outputs, the heap of deadlines
instance  the state machine of one virtual router: one method per state
stimuli   what that machine is told             timers    its timers, moved lazily
receive   the tests a received advert passes    election  what an accepted advert means
transmit  the adverts sent, encoded ahead       presence  addresses on, off, restored, announced
tracking  weights, rise and fall, the ledger    group     sync groups
handover  make before break, holds              orders    failover, release, announce: refused or begun
reload    a new configuration, leftovers, resume after a crash
stall     what to do after this host stood still
causes    why: one cause, one sentence          evidence  the last inputs before a transition
status    the present for the console           tally     counters
packet/   octets of adverts to fields and back; captured frames for people
timing    skew, master-down and conversions; integers only
vmac      virtual MAC addresses and device names
"""
