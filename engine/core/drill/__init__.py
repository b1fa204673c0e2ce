"""Drills: failovers rehearsed on purpose, measured, and put back.

plans      what there is to run: built in, and files in TOML
forecast   PURE  what the timers make one expect
measure    PURE  samples and frames -> outages, phases, owners
store      the journal of the drill under way, and the reports
probing    this node's own probes, in a process of their own
runner     the steps, the limits, the restoration
rehearse   the same on the pure model: SIMULATION, nothing is sent
"""
