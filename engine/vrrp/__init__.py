"""The vrrp process: carries out what the pure `Router` decides, and tells it what the kernel says.

loop      one epoll, one timer; the only reader of the clock
sockets   raw protocol-112 sockets
kernel    netlink: links, addresses, routes, rules, macvlan
announce  gratuitous ARP and unsolicited neighbour advertisements
"""
