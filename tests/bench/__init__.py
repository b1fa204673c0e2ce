"""Measurements beside keepalived 2.2.7 on the same machine in the same run: `make bench`.

plants     hosts with one of the two engines on them, at any size
recorder   a program that writes down adverts or new addresses with the kernel's time stamps
rows       one function per row of the budget table
soak       memory of the engine, minute by minute: `make soak`
__main__   runs the rows, prints figures, ratio and verdict, as a table and as JSON
"""
