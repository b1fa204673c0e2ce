"""D codes: what a running engine sees on the wire and in the kernel, and what it means."""

from __future__ import annotations

from engine.codes.entry import Code

LIVE = (
    Code(
        "D-FW-IN",
        "This host drops the peer's advertisements",
        "Advertisements reach the interface (the capture sees them) but never the engine's socket.",
        "A firewall, reverse-path filter or missing group membership of this host takes them away. The backup hears "
        "no master and becomes one too: two masters.",
        "Accept IP protocol 112 in the input chain for this interface (nft: `ip protocol vrrp accept`; firewalld: "
        "a rich rule with protocol value vrrp), on every node.",
    ),
    Code(
        "D-MCAST-LOST",
        "The network does not carry the multicast",
        "Own advertisements leave, the peer answers ARP or neighbour discovery, but none of its advertisements arrive.",
        "Snooping switches, hypervisor filters and most clouds do not forward 224.0.0.18 or ff02::12. Each node then "
        "believes that it is alone.",
        "Allow the group on the path, or give both nodes unicast_src_ip and unicast_peer. In a cloud the address "
        "itself also needs a call to the provider: gratuitous ARP is ignored there.",
    ),
    Code(
        "D-UNICAST-CLASS",
        "One side sends unicast, the other multicast",
        "An advertisement arrived as unicast at a multicast instance, or the reverse.",
        "Such a packet is discarded. If both sides differ like this, both become master.",
        "Give both nodes unicast_peer, each naming the other, or neither.",
    ),
    Code(
        "D-VRID-CLASH",
        "Somebody else uses this VRID here",
        "Advertisements with our VRID come from a router that is no peer of ours, with other addresses or password.",
        "Two clusters with one VRID on one network fight, or fill each other's log; with a virtual MAC they also "
        "steal each other's frames.",
        "`hatui vrids INTERFACE` lists those in use; take a free one on every node in one change.",
    ),
    Code(
        "D-VIP-MISMATCH",
        "The peer advertises other addresses",
        "The number or the list of addresses in the peer's advertisement differs from ours.",
        "What only one side has vanishes at the next failover. keepalived up to 2.3.2 even drops such packets, so that "
        "both become master.",
        "Bring both configurations to the same virtual_ipaddress list in one change. The order does not matter.",
    ),
    Code(
        "D-AUTH",
        "The password or its type differs",
        "Advertisements from the peer carry another auth_type or auth_pass and are ignored.",
        "The timer runs on while they are ignored, so this node claims the address as well: two masters.",
        "Write the same authentication block on all nodes. Only the first 8 characters of auth_pass count.",
    ),
    Code(
        "D-HMAC",
        "The authentication trailer is not accepted",
        "The auth_hmac trailer is missing, of an unknown key, or wrong, or its time stamp lies outside the window.",
        "In mode enforce such advertisements are ignored, and this node claims the address.",
        "Compare keys and active_key, keep the clocks together, and introduce it in the order receive-only, "
        "permissive, enforce on all nodes.",
    ),
    Code(
        "D-ADVINT",
        "The advertisement interval differs",
        "The peer's advertisement names another interval than ours.",
        "Version 2 drops such packets, and both become master. Version 3 adopts the master's interval.",
        "Write the same advert_int on all nodes.",
    ),
    Code(
        "D-VERSION",
        "The peer speaks another VRRP version",
        "The version in the peer's advertisement is not that of the instance.",
        "Versions 2 and 3 do not understand each other: each side is master on its own.",
        "Set the same version (or vrrp_version) on all nodes.",
    ),
    Code(
        "D-CSUM",
        "The checksum is computed in another way",
        "The packet's checksum is wrong by our rule but right by another one in use.",
        "Some vendors leave the pseudo-header out of VRRPv3 checksums over IPv4, and old keepalived put the multicast "
        "group into it for unicast.",
        "Set v3_checksum_as_v2 for the former and old_unicast_checksum for the latter, or update the other side.",
    ),
    Code(
        "D-PRIO-EQUAL",
        "Two routers have the same priority",
        "A peer advertises the effective priority that this node uses.",
        "When the master leaves, both claim the address at the same moment; then the lower address yields.",
        "Give each node its own priority. To avoid moving back, use nopreempt, not equal priorities.",
    ),
    Code(
        "D-TWO-ENGINES",
        "A second VRRP engine runs on this host",
        "Another process owns a VRRP socket, or a keepalived is alive by its pid file, even while it waits for an "
        "interface and has no socket.",
        "Both would set and remove the same addresses.",
        "Stop one of them. `hatui-engine --observe` looks on without sending.",
    ),
    Code(
        "D-TWO-MASTERS",
        "Two routers are master at once",
        "This node is MASTER and goes on hearing valid advertisements of another router; or two engines that are "
        "watched together both hold the address.",
        "One of them does not hear the other, or each believes to be the better one. Clients reach now one, now the "
        "other.",
        "`hatui why` on both nodes names what each hears; `hatui doctor` looks for a firewall and for multicast that "
        "is not carried. `hatui failover NAME` here yields until that is mended.",
    ),
    Code(
        "D-NO-MASTER",
        "Nobody is master",
        "No advertisement has been heard for two master-down times and this instance does not serve.",
        "The address is not reachable anywhere.",
        "`hatui why` names what holds each node back; often a sync group in which one member is in FAULT.",
    ),
    Code(
        "D-FAULT-STUCK",
        "In FAULT although every tracker is good",
        "The instance stays in FAULT while all that it tracks itself is up.",
        "Another member of its sync group, a missing interface address or a device of an address keeps it there.",
        "The ledger in the instance detail lists every cause with since when.",
    ),
    Code(
        "D-SCRIPT-SLOW",
        "A track script is near its time limit, or changes its mind often",
        "It used more than 70 % of its timeout, or turned good and bad more than three times in ten minutes.",
        "One slower run counts as a failure and can move the address.",
        "Raise timeout, fall and rise to what the recorded durations need; prefer track_process to asking for a "
        "process by script.",
    ),
    Code(
        "D-ARP-STALE",
        "Clients may still send to the other host",
        "This node is master, but the last announcement for the address came from another MAC address.",
        "Hosts and switches keep what they heard last, so traffic goes to a dead end until their entry ages.",
        "Announce now (key A in the console); set higher_prio_send_advert or garp_master_refresh, or use a "
        "virtual MAC.",
    ),
    Code(
        "D-VIP-GONE",
        "Something else removed the address",
        "A virtual address vanished from its interface and the engine did not do it.",
        "The node advertises an address that it no longer answers for.",
        "The engine restores it. Find the network manager that cleans up (systemd-networkd: "
        "KeepConfiguration=yes; NetworkManager: unmanaged) and tell it to leave foreign addresses.",
    ),
    Code(
        "D-VIP-ORPHAN",
        "An address was left behind",
        "A virtual address is on the interface although this node is not master.",
        "Two hosts answer for it. Usually a process was killed before it could clean up.",
        "The engine removes it at start; by hand `hatui-engine --release`.",
    ),
    Code(
        "D-STALL",
        "This host was too slow to advertise in time",
        "The engine's timer was late by more than one advertisement interval.",
        "A stalled master looks like a dead one: a little more and the peer would have taken over.",
        "Look for CPU steal, swapping and snapshots; set vrrp_rt_priority, a longer interval, or more "
        "down_timer_adverts on all nodes.",
    ),
    Code(
        "D-LINK-GAP",
        "Became master as the link had just come up",
        "The interface came up, this node heard no master for a moment, took over, and yielded to a master that it "
        "had known before.",
        "A switch port that learns first (spanning tree) passes nothing for up to 30 s: two masters for that long.",
        "Make it an edge port (portfast), or set vrrp_startup_delay and preempt_delay longer than it takes.",
    ),
    Code(
        "D-INTERFACE",
        "The interface of an instance is not on this host",
        "The configuration names an interface that does not exist for seconds now.",
        "The instance stays in FAULT: it can neither hear nor advertise. The name is wrong, or the interface is made "
        "later than the engine starts.",
        "`ip link` shows the names. Start the engine after network-online.target; it goes on by itself as soon as the "
        "interface is there.",
    ),
    Code(
        "D-PACKET",
        "A packet that is no valid advertisement",
        "Its length, type or count of addresses is not what the protocol allows.",
        "It is discarded and changes no timer. A damaged path, a scanner or a faulty router sends such packets.",
        "The Packets screen shows the octet at which it fails, and its source.",
    ),
    Code(
        "D-TTL",
        "The packet came through a router",
        "A multicast advertisement has a TTL or hop limit other than 255, or a unicast one lies outside "
        "min_ttl and max_ttl.",
        "An advertisement must come from the same network; anything else may be forged.",
        "Find what forwards it (source and MAC are on the Packets screen). For unicast over routers set min_ttl.",
    ),
    Code(
        "D-OWNER",
        "A second address owner",
        "Another router advertises priority 255 for the same VRID.",
        "Only the host whose own address it is may be owner; two owners never agree.",
        "Give all but one of them a priority below 255.",
    ),
    Code(
        "D-SOURCE",
        "An advertisement from a router that is no peer",
        "Source checking is on, and the sender is not in unicast_peer.",
        "It is discarded, so that a stranger cannot take over.",
        "Add the address to unicast_peer if it is one of yours; compare unicast_src_ip there.",
    ),
    Code(
        "D-OWN",
        "Our own advertisement came back",
        "A packet with our own address as its source was received.",
        "A loop in the network, a mirrored port, or a second host with the same address.",
        "Look at the MAC address it came from: if it is not ours, another host has our address.",
    ),
)

VERDICTS = {
    "unseen": "D-FW-IN",
    "length": "D-PACKET",
    "ah": "D-AUTH",
    "ttl": "D-TTL",
    "version": "D-VERSION",
    "auth-hmac": "D-HMAC",
    "auth-type-unknown": "D-AUTH",
    "auth-type": "D-AUTH",
    "auth-data": "D-AUTH",
    "interval": "D-ADVINT",
    "type": "D-PACKET",
    "total-length": "D-PACKET",
    "count-zero": "D-PACKET",
    "interval-zero": "D-PACKET",
    "checksum": "D-CSUM",
    "destination": "D-UNICAST-CLASS",
    "owner": "D-OWNER",
    "address-list": "D-VIP-MISMATCH",
    "source": "D-SOURCE",
    "own": "D-OWN",
}
"""The code that explains a verdict on a packet, by the verdict's word; no entry where there is no fault."""
