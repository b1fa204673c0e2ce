"""P codes: what is checked before an address is moved or a configuration applied on purpose.

The invariant: what cannot be known of a peer is shown as unknown, never as passed.
"""

from __future__ import annotations

from engine.codes.entry import Code

LAST = frozenset({"P-PEER-HEARD", "P-PEER-READY", "P-SECOND-PATH", "P-RESTORE"})
"""Codes whose failure nobody overrides: the address would lose its last owner, or something could not be put back."""

PREFLIGHT = (
    Code(
        "P-PEER-HEARD",
        "Has the other router been heard?",
        "When the last advertisement of the node that should take over arrived, and how many were missed.",
        "A backup is silent, so its life can only be known from its time as master, from ARP, or by a console link.",
        "If it says unknown, link the peer (`hatui --host NODE`), or rely on the hand-over: it is undone when nobody "
        "answers.",
    ),
    Code(
        "P-PEER-READY",
        "Can the other router take over?",
        "State and effective priority of the instance on the node that should take over.",
        "A node in FAULT never takes over; one with a priority below another takes over for a moment only.",
        "Mend its fault first, or move the address to another node.",
    ),
    Code(
        "P-VRID-FREE",
        "Is the VRID free?",
        "Advertisements with this VRID on this interface from routers that are not ours.",
        "Two clusters with one VRID on one network fight over it.",
        "`hatui vrids INTERFACE` lists those in use and the next free one.",
    ),
    Code(
        "P-VIP-MATCH",
        "Do both nodes have the same addresses?",
        "The list in the peer's advertisement or configuration against our own.",
        "An address that only one node has vanishes with the move.",
        "Bring both lists together first.",
    ),
    Code(
        "P-CONFIG-MATCH",
        "Do both nodes have the same configuration?",
        "The fingerprints of what both nodes run; without a link, adverts of the other that are refused here.",
        "Differences that nobody meant show after the failover, not before.",
        "The Peers screen marks what differs.",
    ),
    Code(
        "P-TRACKERS",
        "Are the target's checks good?",
        "Every tracked script, file, process and interface of the target and since when it has been good.",
        "A check that has just recovered may fail again and throw the address back.",
        "Wait until it has been good for a while, or mend it.",
    ),
    Code(
        "P-PENDING",
        "Is anything else under way?",
        "Holds, drills, and configuration changes that await confirmation, here and on the peer.",
        "Two moves at once cannot be told apart, nor undone cleanly.",
        "Confirm, release or abort the other one first.",
    ),
    Code(
        "P-CLOCK",
        "Do the clocks agree?",
        "The difference between this node's clock and the peer's.",
        "Reports line up by time, and auth_hmac refuses advertisements outside its window.",
        "Set up NTP or chrony on both.",
    ),
    Code(
        "P-ANNOUNCE",
        "Will clients learn the new place?",
        "Whether gratuitous ARP or NA is repeated after a move.",
        "A single announcement can be lost, and clients would then send to the old host until their entry ages.",
        "Keep garp_master_repeat at 5 and set garp_master_refresh, or use a virtual MAC.",
    ),
    Code(
        "P-SERVICE",
        "Does the service listen on the target?",
        "Whether the ports that are in use on the address here are open on the target.",
        "An address without its service is an outage that VRRP calls a success.",
        "Start the service there; if it binds to the address itself, set net.ipv4.ip_nonlocal_bind=1.",
    ),
    Code(
        "P-SECOND-PATH",
        "Do you still reach this host when its link is down?",
        "The ssh connection of your session: it exists, arrives at an address of another interface, and is answered "
        "over another one. Or a terminal of the machine itself.",
        "With --real-link the interface is taken really down: over it nobody could see or end the drill.",
        "Log in over another interface (management, console), or leave --real-link out: then the loss is simulated.",
    ),
    Code(
        "P-RESTORE",
        "Can everything be put back?",
        "What a link loses when it goes really down: its routes in all tables, its IPv6 addresses, written neighbours.",
        "What is not recorded before would be gone afterwards, as after `ip link set down` by hand.",
        "Run the engine with a state directory; drill the bond or bridge itself, not one of its ports.",
    ),
    Code(
        "P-SYNC-GROUP",
        "What moves along?",
        "The other members of the instance's sync group.",
        "They move together, so the outage, if any, is theirs as well.",
        "Read the list before you go on.",
    ),
    Code(
        "P-RELOAD-IMPACT",
        "What does this change do to running instances?",
        "Each instance with what the change does to it: nothing, in place, addresses, or a restart.",
        "An instance whose VRID, interface or version changes is removed and started anew; nobody serves its "
        "addresses until an election is over.",
        "Apply it on the backup first, fail over, then apply it on the old master.",
    ),
    Code(
        "P-VMAC",
        "Does the network accept a virtual MAC?",
        "The instance uses use_vmac and the host is a virtual machine.",
        "Hypervisors often drop frames with a MAC address they did not give out.",
        "Allow forged transmits and MAC changes on the port, or run without use_vmac.",
    ),
    Code(
        "P-NONLOCAL-BIND",
        "Can services bind an address that is not here?",
        "net.ipv4.ip_nonlocal_bind is 0 while a service is configured to listen on the virtual address.",
        "It cannot start on a backup, and is missing after the failover.",
        "Let it listen on all addresses, or set the sysctl on every node.",
    ),
    Code(
        "P-FW-OUT",
        "May this host send advertisements?",
        "A send was refused with a permission error, or an output rule drops protocol 112.",
        "A master that nobody hears makes the others masters too.",
        "Accept protocol 112 in the output chain.",
    ),
)
