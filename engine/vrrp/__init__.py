"""The vrrp process: carries out what the pure `Router` decides, and tells it what the kernel says.

loop       one epoll, one deadline; the only reader of the clock; the order of doing
sockets    raw sockets that send adverts      receivers  the ones that hear them
kernel     netlink: the mirror of links and addresses, changes in batches
netlink    its octets                         routing    those of routes and rules
routes     virtual routes and rules           statics    static addresses, routes and rules
announce   gratuitous ARP and unsolicited neighbour advertisements
devices    virtual MACs and sysctls           firewall   no_accept
"""
