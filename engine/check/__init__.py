"""The check process: what an instance watches besides the network.

process    the process itself: the channel to core
scripts    track scripts, by engine.programs
files      track files, by inotify
processes  tracked processes, by /proc

It tells results; rise and fall, weights and states are the Router's.
"""
