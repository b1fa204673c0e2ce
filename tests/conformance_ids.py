"""The ids of all VRRP rules that hatui knows, each with its strength and a few words that recall it.

V3 RFC 9568, V3O RFC 5798 where it differs, V2 RFC 3768, AU RFC 2338 authentication as keepalived sends it,
KH keepalived's HMAC trailer, MB RFC 6527, YG RFC 8347, KA keepalived's behaviour, P properties that hold
always. `LEFT_OUT` names what no test covers on purpose, each with its reason.
"""

from __future__ import annotations

TABLE = """
V3-1-01 FACT IPv4 and IPv6 routers of one VRID share nothing
V3-2.5-01 SHOULD flapping is logged at a limited rate
V3-3-01 STEP only a master sends periodic adverts
V3-5.1.1.1-01 FACT IPv4 source is the primary address
V3-5.1.1.2-01 FACT IPv4 destination 224.0.0.18
V3-5.1.1.2-02 MUST-NOT group traffic is never forwarded
V3-5.1.1.3-01 MUST send TTL 255
V3-5.1.1.3-02 MUST discard other TTLs
V3-5.1.1.4-01 FACT IPv4 protocol 112
V3-5.1.2.1-01 FACT IPv6 source is link-local
V3-5.1.2.2-01 FACT IPv6 destination ff02::12
V3-5.1.2.2-02 MUST-NOT IPv6 group traffic is never forwarded
V3-5.1.2.3-01 MUST send hop limit 255
V3-5.1.2.3-02 MUST discard other hop limits
V3-5.1.2.4-01 FACT IPv6 next header 112
V3-5.2.1-01 FACT version nibble 3
V3-5.2.2-01 MUST discard types other than 1
V3-5.2.3-01 FACT VRID 1..255
V3-5.2.4-01 MUST an owner announces 255
V3-5.2.4-02 MUST a backup announces 1..254
V3-5.2.4-03 FACT default priority 100
V3-5.2.4-04 FACT priority 0 only to leave
V3-5.2.5-01 MUST ignore count 0
V3-5.2.6-01 MUST reserved bits out as 0
V3-5.2.6-02 MUST reserved bits in ignored
V3-5.2.7-01 FACT interval in centiseconds, 12 bits
V3-5.2.7-02 FACT slow sender with fast listener
V3-5.2.8-01 MUST checksum with pseudo-header over IPv6
V3-5.2.8-02 FACT both IPv4 checksum dialects
V3-5.2.9-01 FACT exactly count addresses of the family
V3-5.2.9-02 MUST link-local first over IPv6
V3-5.2.9-03 MUST one family in an advert
V3-5.2.9-04 SHOULD same order of addresses everywhere
V3-6.1-01 MUST first IPv6 address is link-local in the configuration
V3-6.1-02 FACT interval 1..4095 cs
V3-6.1-03 FACT master's interval starts as our own, then follows
V3-6.1-04 FACT skew formula of v3
V3-6.1-05 FACT master-down formula of v3
V3-6.1-06 FACT preempt by default
V3-6.1-07 FACT the owner always preempts
V3-6.1-08 FACT accept mode off under strict
V3-6.1-09 MUST-NOT no_accept never drops neighbour discovery
V3-6.2-01 FACT one timer a state
V3-6.4.1-01 STEP owner starts with an advert
V3-6.4.1-02 STEP then gratuitous ARP for each address
V3-6.4.1-03 STEP or unsolicited NA for each address
V3-6.4.1-04 STEP then its advert timer, master
V3-6.4.1-05 STEP others start as backup, silent
V3-6.4.1-06 STEP nothing else matters in INIT
V3-6.4.2-01 MUST-NOT backup answers no ARP
V3-6.4.2-02 MUST-NOT backup answers no solicitation
V3-6.4.2-03 MUST-NOT backup sends no router advertisement
V3-6.4.2-04 MUST backup drops frames to the virtual MAC
V3-6.4.2-05 MUST-NOT backup accepts nothing for the addresses
V3-6.4.2-06 STEP backup stops silently
V3-6.4.2-07 STEP master-down: first an advert
V3-6.4.2-08 STEP then addresses and gratuitous ARP
V3-6.4.2-09 STEP or join the solicited-node group and NA
V3-6.4.2-10 STEP then the own interval, master
V3-6.4.2-11 STEP priority 0 shortens to skew time
V3-6.4.2-12 STEP good advert re-arms with the learnt interval
V3-6.4.2-13 STEP lower priority is discarded, timer runs on
V3-6.4.2-14 STEP addresses are not compared in backup
V3-6.4.3-01 MUST master answers ARP with the virtual MAC
V3-6.4.3-02 MUST master is in the solicited-node group
V3-6.4.3-03 MUST master answers solicitations with R
V3-6.4.3-04 MUST master sends router advertisements
V3-6.4.3-05 MUST master forwards frames to the virtual MAC
V3-6.4.3-06 MUST accepts packets if owner or accept
V3-6.4.3-07 MUST-NOT and otherwise not
V3-6.4.3-08 STEP master stops with priority 0
V3-6.4.3-09 STEP advert timer: advert and re-arm
V3-6.4.3-10 STEP priority 0 heard: advert at once
V3-6.4.3-11 STEP yields to higher, or equal with higher address
V3-6.4.3-12 STEP addresses compare as unsigned numbers
V3-6.4.3-13 STEP losing advert is answered at once
V3-6.4.3-14 STEP preempt plays no part in master
V3-7.1-01 MUST check TTL
V3-7.1-02 MUST check version
V3-7.1-03 MUST check type
V3-7.1-04 MUST check completeness
V3-7.1-05 MUST check checksum
V3-7.1-06 MUST check VRID and interface
V3-7.1-07 MUST owner hearing adverts
V3-7.1-08 MUST check count
V3-7.1-09 MUST check interval 0
V3-7.1-10 MUST first IPv6 address link-local on receipt
V3-7.1-11 MUST a failure changes nothing but a counter
V3-7.1-12 SHOULD and is logged at a limited rate
V3-7.1-13 MAY and notified
V3-7.1-14 SHOULD compare the interval
V3-7.1-15 MAY compare count and list
V3-7.1-16 SHOULD log a difference, keep the advert
V3-7.1-17 MAY notify a difference
V3-7.2-01 MUST fields from the present configuration
V3-7.2-02 MUST compute the checksum
V3-7.2-03 MUST source MAC is virtual
V3-7.2-04 MUST source is primary or link-local
V3-7.2-05 MUST protocol 112 on send
V3-7.2-06 MUST send to the group
V3-7.3-01 FACT virtual MAC layout
V3-7.4-01 MUST-NOT virtual MAC feeds no interface identifier
V3-8.1.1-01 SHOULD source of ICMP redirects
V3-8.1.2-01 MUST ARP reply carries the virtual MAC
V3-8.1.2-02 MUST-NOT never the physical MAC
V3-8.1.2-03 SHOULD-NOT no ARP with the physical MAC after boot
V3-8.1.2-04 SHOULD new address is announced
V3-8.1.2-05 MUST no announcement before the address is in place
V3-8.1.2-06 SHOULD manage over another address
V3-8.1.3-01 MUST proxy ARP with the virtual MAC
V3-8.2.1-01 SHOULD ICMPv6 redirects
V3-8.2.2-01 MUST-NOT no solicited NA with the physical MAC
V3-8.2.2-02 MUST forwarded solicitation carries the virtual MAC
V3-8.2.2-03 MUST-NOT never the physical one
V3-8.2.2-04 SHOULD-NOT no ND with the physical MAC after boot
V3-8.2.2-05 SHOULD new IPv6 address is announced
V3-8.2.2-06 MUST no NA before the address is in place
V3-8.2.2-07 MAY added without duplicate address detection
V3-8.2.3-01 MUST equal router advertisement options
V3-8.2.3-02 SHOULD-NOT no special RA options
V3-8.2.4-01 SHOULD unsolicited NAs are accepted
V3-8.3.1-01 SHOULD-NOT non-owner does not route packets for the address
V3-8.3.2-01 SHOULD one owner on a link
V3-8.3.2-02 SHOULD two owners are logged
V3-8.3.2-03 SHOULD priorities apart
V3-8.3.2-04 MAY equal priorities are warned of
V3-8.4.2-01 MAY both versions at once
V3-8.4.2-02 MUST then both are sent
V3-8.4.2-03 MUST then the sender's rate counts
V3-8.4.2-04 MUST then seconds become centiseconds
V3-8.4.2-05 SHOULD then v2 is ignored beside v3
V3-8.4.2-06 MAY then a lone v3 is reported
V3-8.4.2-07 SHOULD-NOT not for ever
V3-8.4.2.1.1-01 SHOULD-NOT ranking of v2-only routers
V3-9-01 FACT no authentication in v3
V3-9-02 SHOULD link security
V3O-5.2.8-01 MUST pseudo-header for every family
V3O-5.2.9-01 MUST link-local first, unchecked
V3O-6.4.2-01 STEP learning recomputes skew too
V3O-6.4.3-01 STEP losing advert unanswered
V3O-6.4.3-02 MUST solicitations without a word on R
V3O-7.1-01 MUST fewer checks
V3O-7.1-02 MUST owner discards adverts
V3O-7.1-03 FACT intervals not compared
V3O-7.4-01 MUST identifiers the normal way
V3O-7.4-02 MUST-NOT not from the virtual MAC
V3O-8.1.2-01 SHOULD announcements wait at boot
V3O-8.3.2-01 SHOULD spread priorities
V3O-8.4.2-01 SHOULD mixed mode rate
V3O-A-01 MUST Token Ring, FDDI, ATM
V2-5.2.1-01 FACT source is the primary address
V2-5.2.2-01 FACT destination 224.0.0.18
V2-5.2.2-02 MUST-NOT never forwarded
V2-5.2.3-01 MUST send TTL 255
V2-5.2.3-02 MUST discard other TTLs
V2-5.2.4-01 FACT protocol 112
V2-5.3.1-01 FACT version 2
V2-5.3.2-01 MUST discard unknown types
V2-5.3.3-01 FACT VRID 1..255
V2-5.3.4-01 MUST owner announces 255
V2-5.3.4-02 MUST others announce 1..254
V2-5.3.4-03 FACT 0 is leaving
V2-5.3.5-01 FACT count of addresses
V2-5.3.6-01 MUST unknown auth type discarded
V2-5.3.6-02 MUST other auth type discarded
V2-5.3.6-03 FACT auth type is the instance's own
V2-5.3.7-01 FACT interval in whole seconds
V2-5.3.8-01 FACT checksum over the whole message
V2-5.3.9-01 FACT one or more addresses
V2-5.3.10-01 SHOULD authentication data zero out
V2-5.3.10-02 SHOULD and ignored in
V2-6.1-01 FACT skew in 256ths of a second
V2-6.1-02 FACT master-down formula of v2
V2-6.1-03 FACT preempt by default, owner always
V2-6.1-04 FACT no accept mode
V2-6.4.1-01 STEP owner starts as master
V2-6.4.1-02 STEP others as backup
V2-6.4.2-01 MUST-NOT backup answers no ARP
V2-6.4.2-02 MUST backup drops frames to the virtual MAC
V2-6.4.2-03 MUST-NOT backup accepts nothing for the addresses
V2-6.4.2-04 STEP backup stops silently
V2-6.4.2-05 STEP master-down: advert, ARP, master
V2-6.4.2-06 STEP priority 0 shortens to skew time
V2-6.4.2-07 STEP good advert re-arms, own interval kept
V2-6.4.2-08 STEP others are discarded
V2-6.4.3-01 MUST master answers ARP
V2-6.4.3-02 MUST master forwards
V2-6.4.3-03 MUST-NOT non-owner accepts nothing
V2-6.4.3-04 MUST owner accepts
V2-6.4.3-05 STEP master stops with priority 0
V2-6.4.3-06 STEP advert timer
V2-6.4.3-07 STEP priority 0 heard: advert at once
V2-6.4.3-08 STEP yields to higher, or equal with higher address
V2-6.4.3-09 STEP losing advert silently discarded under strict
V2-7.1-01 MUST check TTL
V2-7.1-02 MUST check version
V2-7.1-03 MUST check completeness with trailer
V2-7.1-04 MUST check checksum
V2-7.1-05 MUST check VRID, owner
V2-7.1-06 MUST check authentication
V2-7.1-07 MUST discard on failure
V2-7.1-08 SHOULD log
V2-7.1-09 MAY notify
V2-7.1-10 MAY compare the list
V2-7.1-11 SHOULD log a mismatch
V2-7.1-12 MUST mismatch dropped unless from the owner (strict)
V2-7.1-13 MUST other interval discarded
V2-7.1-14 SHOULD and logged
V2-7.1-15 MAY and notified
V2-7.2-01 MUST fill the fields, checksum
V2-7.2-02 MUST source MAC is virtual
V2-7.2-03 MUST source address is primary
V2-7.2-04 MUST protocol and group
V2-7.3-01 FACT virtual MAC layout
V2-8.1-01 MUST redirects
V2-8.2-01 MUST ARP reply carries the virtual MAC
V2-8.2-02 MUST-NOT never the physical MAC
V2-8.2-03 SHOULD-NOT not after boot either
V2-8.2-04 SHOULD announcements, held at boot
V2-8.3-01 MUST proxy ARP
V2-8.4-01 SHOULD-NOT non-owner does not route packets for the address
V2-9.1-01 SHOULD FDDI
V2-9.2-01 MUST Token Ring
V2-9.2-02 MAY Token Ring unicast
V2-10-01 FACT TTL is the one defence
AU-5.3.6-01 FACT types 0, 1, 2
AU-5.3.6-02 MUST unknown or other type discarded
AU-5.3.10-01 MUST short password zero padded
AU-5.3.10-02 FACT long password cut to 8
AU-P-01 FACT password in the trailer, inside the checksum
AU-P-02 MUST all 8 octets must agree
AU-P-03 FACT password checked before interval, type, checksum
AU-AH-01 FACT AH layout
AU-AH-02 FACT SPI is the source address
AU-AH-03 FACT one sequence, own and heard
AU-AH-04 FACT ICV computation
AU-AH-05 FACT mutable fields in the ICV
AU-AH-06 MUST AH exactly when configured
AU-AH-07 MUST wrong ICV discarded first
AU-AH-08 MUST SPI must be the source
AU-AH-09 MUST replay discarded
AU-AH-10 FACT losing advert raises the sequence
AU-AH-11 FACT other next header is not ours
AU-AH-12 FACT end of the number space
AU-C-01 FACT combinations refused or ignored
KH-01 FACT trailer layout
KH-02 FACT HMAC input
KH-03 FACT checksum and trailer
KH-04 FACT presence by length
KH-05 FACT order of refusals
KH-06 FACT replay mark
KH-07 FACT modes and window
KH-08 FACT key limits
MB-01 FACT checksum errors
MB-02 FACT version errors
MB-03 FACT VRID errors
MB-04 FACT global discontinuity
MB-05 FACT master transitions
MB-06 FACT new master reason
MB-07 FACT adverts received
MB-08 FACT interval errors
MB-09 FACT TTL errors
MB-10 FACT protocol error reason
MB-11 FACT priority 0 received
MB-12 FACT priority 0 sent
MB-13 FACT invalid type
MB-14 FACT address list errors
MB-15 FACT length errors
MB-16 FACT row discontinuity
MB-17 FACT refresh rate
MB-18 FACT status
MB-19 FACT operations row
MB-20 FACT new master notification
MB-21 FACT protocol error notification
YG-01 FACT adverts sent
YG-02 FACT owner, master-down interval, skew
YG-03 FACT last event
YG-04 FACT virtual router error event
YG-05 FACT totals
YG-06 FACT ranges
KA-01 FACT v3 IPv4 checksum with pseudo-header
KA-02 FACT order and repeats of announcements
KA-03 FACT TOS 0xC0, id counts, ARP target
KA-04 FACT one priority 0 on stop
KA-05 FACT MASTER gives no head start
KA-06 FACT default priority by state
KA-07 FACT rejected or losing packets leave the deadline
KA-08 FACT advert timer restarted by junk: not copied
KA-09 FACT preempt_delay
KA-10 FACT two owners
KA-11 FACT higher_prio_send_advert
KA-12 FACT losing advert triggers announcements
KA-13 FACT FAULT and its way out
KA-14 FACT down_timer_adverts
KA-15 FACT back to the own interval as master
KA-16 FACT one advert a wake-up: not copied
KA-17 FACT strict
KA-18 FACT no address
KA-19 FACT packets too long, padding
P1 PROPERTY decode raises nothing but its own error
P2 PROPERTY decode undoes encode
P3 PROPERTY one flipped bit is always noticed
P4 PROPERTY exactly one timer a running state
P5 PROPERTY addresses present exactly while master
P6 PROPERTY a dropped packet changes one counter
P7 PROPERTY distinct priorities: the highest wins
P8 PROPERTY equal priorities: the highest address wins
P9 PROPERTY farewell: next master within its skew
P10 PROPERTY no storms
P11 PROPERTY higher priority, smaller skew
P12 PROPERTY replay gives the same
P13 PROPERTY families of one VRID are apart
P14 PROPERTY a learnt interval is never sent
P15 PROPERTY junk delays nothing
"""

RULES: dict[str, tuple[str, str]] = {
    line.split(" ", 2)[0]: (line.split(" ", 2)[1], line.split(" ", 2)[2]) for line in TABLE.strip().splitlines()
}
"""id -> (level, words)"""

_MEDIA = "Token Ring, FDDI and ATM are not supported"
_MIXED = "sending both versions at once is an option that hatui, like keepalived, does not offer"
_OLD = "an older text; hatui follows the newer one"

LEFT_OUT_TABLE = (
    (
        "ICMP redirects, proxy ARP and solicitations for others are the kernel's and the operator's",
        "V3-8.1.1-01 V3-8.1.3-01 V3-8.2.1-01 V3-8.2.2-02 V3-8.2.2-03 V2-8.1-01 V2-8.3-01",
    ),
    (
        "router advertisements are another daemon's (radvd), started by notify scripts",
        "V3-6.4.3-04 V3-8.2.3-01 V3-8.2.3-02",
    ),
    (
        "how the operator lays out the network: no packet shows it to one router",
        "V3-8.1.2-06 V3-8.3.2-03 V3-9-02 V3O-8.3.2-01",
    ),
    (_MEDIA, "V2-9.1-01 V2-9.2-01 V2-9.2-02 V3O-A-01"),
    (
        _MIXED,
        (
            "V3-8.4.2-01 V3-8.4.2-02 V3-8.4.2-03 V3-8.4.2-04 V3-8.4.2-05 V3-8.4.2-06 V3-8.4.2-07 "
            "V3-8.4.2.1.1-01 V3O-8.4.2-01"
        ),
    ),
    ("a hint for SNMP managers; statuses are pushed when they change", "MB-17"),
    (_OLD, "V3O-6.4.3-02 V3O-7.1-01 V3O-7.4-01"),
    (
        (
            "in part: over IPv4 a backup passes no such frame on (test_only_the_master_passes_on_what_comes_to_the_"
            "virtual_mac). Not enforced for frames to the host's own addresses, nor over IPv6, where the kernel has no "
            "such setting for one device: the virtual MAC device of a backup is up, or taking over would wait for it"
        ),
        "V3-6.4.2-04 V2-6.4.2-02",
    ),
)
LEFT_OUT: dict[str, str] = {one: reason for reason, ids in LEFT_OUT_TABLE for one in ids.split()}
"""id -> reason"""
