"""L codes of habits: the configuration is understood, and will not do what was meant."""

from __future__ import annotations

from engine.codes.entry import Code

HABITS = (
    Code(
        "L-TRACK-REF",
        "A check that nobody tracks, or that is not defined",
        "A vrrp_script, track_file or vrrp_track_process is defined and no instance or sync group lists it; or a track "
        "block names one that is not defined above it.",
        "A script that nobody tracks is never run, and a name without definition is ignored. Either way the failure it "
        "should notice moves nothing.",
        "List it in the track_script, track_file or track_process block of the instance; the fix does.",
    ),
    Code(
        "L-WEIGHT",
        "A weight that cannot move the address",
        "When the check fails the effective priority of this node is still not below the other node's.",
        "The address stays on the host whose service is dead. A weight must be larger than the difference of the "
        "priorities: with a positive one the other node's own check must count as well.",
        "Use a weight larger than the gap on both nodes, or no weight at all: a failing check then means FAULT.",
    ),
    Code(
        "L-WEIGHT-ZERO",
        "A check without weight puts the instance in FAULT",
        "The tracked check has no weight.",
        "When it fails, the instance leaves the election altogether; if it fails on all nodes, nobody serves the "
        "address. Often this is meant, and it is the surest way to move an address.",
        "Leave it so if a node with a failing check should never serve; otherwise give it a weight.",
    ),
    Code(
        "L-WEIGHT-CLAMP",
        "Weights reach beyond 1..254",
        "The base priority and all weights together pass below 1 or above 254 and are cut there.",
        "Beyond the limit checks no longer tell nodes apart.",
        "Take a base priority nearer to the middle, or smaller weights.",
    ),
    Code(
        "L-OWNER",
        "Priority 255 is the address owner's",
        "The priority is 255 (or absent with state MASTER, which means 255).",
        "255 says that the address belongs to this host itself. Such an instance takes over at once, ignores every "
        "weight, and cannot be held back by an operator.",
        "Use 254 or less, unless the address really is this host's own.",
    ),
    Code(
        "L-OWNER-TRACK",
        "Weights are ignored at priority 255",
        "An instance with priority 255 tracks something with a weight.",
        "An address owner ignores all weights, so the failing check moves nothing.",
        "Use a priority of 254 or less, or no weight (a failure is then FAULT).",
    ),
    Code(
        "L-PRIO-DEFAULT",
        "No priority is given",
        "The instance has no priority of its own.",
        "It runs with 100 (with 255 when its state is MASTER). Two nodes without a priority are equal, and then the "
        "higher address decides.",
        "Write a different priority on each node.",
    ),
    Code(
        "L-PRIO-EQUAL",
        "Both nodes have the same priority",
        "The instance has the same base priority here and on the peer.",
        "When the master leaves, equal backups claim the address at the same moment; the higher address wins.",
        "Give each node its own priority; against moving back use nopreempt.",
    ),
    Code(
        "L-STATE",
        "A state other than MASTER or BACKUP",
        "The word after state is neither MASTER nor BACKUP.",
        "Any other word counts as BACKUP. state gives no advantage in the election anyway: priority decides.",
        "Write BACKUP, or MASTER.",
    ),
    Code(
        "L-STATE-BOTH",
        "Both nodes start as MASTER",
        "state is MASTER on both nodes.",
        "Below priority 255 it gives no head start, but it switches off nopreempt and preempt_delay.",
        "Write BACKUP on both, or at least on the node with the lower priority.",
    ),
    Code(
        "L-NOPREEMPT",
        "nopreempt or preempt_delay that does not work",
        "nopreempt stands with state MASTER, priority 255, preempt_delay, or only on the node with the lower priority.",
        "With state MASTER or priority 255 it is dropped and the node takes the address back after every restart. "
        "preempt_delay is dropped beside nopreempt and with state MASTER.",
        "Use state BACKUP and nopreempt on both nodes, and one of nopreempt and preempt_delay only.",
    ),
    Code(
        "L-NOPREEMPT-WEIGHT",
        "nopreempt keeps the address on a failing node",
        "nopreempt stands together with checks that only have weights.",
        "When the check fails the priority drops, but a node with nopreempt does not take over from a living master. "
        "The address stays with the dead service.",
        "Remove the weight of the check that should decide (its failure is then FAULT), or remove nopreempt.",
    ),
    Code(
        "L-STRICT",
        "vrrp_strict takes away what the file asks for",
        "Strict mode stands together with authentication, unicast, preempt_delay or repeated announcements, or without "
        "accept.",
        "Strict mode removes these settings, and drops all traffic to the virtual addresses unless the node is their "
        "owner: they do not even answer ping.",
        "Remove vrrp_strict, or with version 3 add accept to the instance.",
    ),
    Code(
        "L-ADVINT",
        "An interval that VRRP version 2 cannot have",
        "advert_int has a fraction, or is out of range for the version: 1..255 whole seconds in version 2, 0.01..40.95 "
        "in version 3.",
        "Version 2 rounds it to whole seconds, so a failover takes longer than planned; peers with another result drop "
        "each other's packets.",
        "Set version 3 on all nodes, or write whole seconds.",
    ),
    Code(
        "L-ADVINT-PEER",
        "The nodes have different intervals",
        "advert_int differs between the two nodes.",
        "With version 2 both drop each other's advertisements and become master; with version 3 the backup adopts the "
        "master's, and the failover time depends on who is master.",
        "Write the same advert_int on all nodes.",
    ),
    Code(
        "L-DOWN-TIMER-PEER",
        "The nodes wait for different numbers of advertisements",
        "down_timer_adverts differs between the two nodes.",
        "How long a failover takes then depends on who is master.",
        "Write the same value on all nodes.",
    ),
    Code(
        "L-VERSION-PEER",
        "The nodes speak different VRRP versions",
        "The instance runs version 2 on one node and version 3 on the other.",
        "Each drops the other's packets, and both become master.",
        "Set the same version on all nodes.",
    ),
    Code(
        "L-AUTH-LEN",
        "The password is longer than 8 characters",
        "auth_pass has more than 8 characters.",
        "Only the first 8 are sent and compared; the rest protects nothing.",
        "Shorten it to 8, the same on all nodes. It crosses the network in clear text: it guards against mistakes, not "
        "against attackers.",
    ),
    Code(
        "L-AUTH-SAMPLE",
        "The password is everybody's sample",
        "auth_pass is the one from the manual or a trivial word.",
        "Another cluster on the same network with the same sample and VRID is taken for a peer.",
        "Choose another password of up to 8 characters, the same on all nodes.",
    ),
    Code(
        "L-AUTH-V3",
        "Authentication that is ignored",
        "An authentication block stands in an instance of version 3 or IPv6, or in strict mode; or its password is "
        "empty.",
        "Version 3 has no authentication, so the block is dropped: nothing is authenticated.",
        "Remove the block, or use auth_hmac on engines that know it.",
    ),
    Code(
        "L-AUTH-AH",
        "Authentication type AH",
        "auth_type is AH.",
        "AH was taken out of the standard, does not pass NAT, is not for IPv6, and keeps an instance from starting as "
        "master. Few other implementations have it.",
        "Use PASS, or auth_hmac where all nodes know it.",
    ),
    Code(
        "L-AUTH-PEER",
        "The nodes authenticate differently",
        "Type, password (its first 8 characters) or the keys of auth_hmac differ between the two nodes.",
        "Each ignores the other's advertisements, and both become master.",
        "Write the same authentication block on all nodes.",
    ),
    Code(
        "L-HMAC",
        "An auth_hmac block that cannot work",
        "active_key names no key, a key is not 32 to 64 octets long, the time window is out of 1..300 s, or an "
        "authentication block stands beside it.",
        "Advertisements then go out unsigned or are refused by the others.",
        "Mend the block; introduce it in the order receive-only, permissive, enforce.",
    ),
    Code(
        "L-UNICAST",
        "Unicast that is only half set up",
        "unicast_src_ip without peers, peers without unicast_src_ip, or the node's own address among its peers.",
        "Without peers the instance falls back to multicast. With its own address as a peer it talks to itself. "
        "Without a source address the peer may see another one than it expects.",
        "Give each node its own unicast_src_ip and the others in unicast_peer.",
    ),
    Code(
        "L-UNICAST-PEER",
        "The nodes' unicast lists do not match",
        "One node is unicast and the other multicast, or one does not list the other's address.",
        "A packet of the other kind, or to nobody, is discarded: both become master.",
        "Let each node list the unicast_src_ip of every other one.",
    ),
    Code(
        "L-VRID-SAMPLE",
        "VRID 51 is everybody's sample",
        "virtual_router_id is 51, the value of the manual.",
        "If somebody else on this network copied the same sample, the two clusters fight.",
        "Make sure that it is free (`hatui vrids INTERFACE`), or take another one on every node.",
    ),
    Code(
        "L-VRID-PEER",
        "The nodes use different VRIDs for the same address",
        "Both files have the same virtual address, but under different virtual_router_ids.",
        "To VRRP these are two virtual routers: each node is master of its own and both hold the address.",
        "Use the same VRID on all nodes.",
    ),
    Code(
        "L-PREFIX",
        "An address without a prefix length",
        "A virtual address is written without /24 or the like.",
        "It becomes a /32 (or /128) address. That works when the interface has another address in the same network, "
        "and is what most files do.",
        "Write the prefix length that you mean; /32 makes the present one explicit.",
    ),
    Code(
        "L-PREFIX-HOST",
        "A virtual address as /32 or /128",
        "The prefix length of the address is the full length.",
        "It is right when the interface has another address in that network. Without one there is no route to the "
        "neighbours, and the service answers nobody.",
        "Nothing, if the interface has its own address there; otherwise the prefix length of the network.",
    ),
    Code(
        "L-SUBNET",
        "The source address lies outside the virtual network",
        "mcast_src_ip or unicast_src_ip is not in the network of any virtual address on the same interface.",
        "Often a slip in one of the two. Clients on the network of the virtual address may not hear from this host.",
        "Compare both addresses and the prefix length.",
    ),
    Code(
        "L-NO-VIP",
        "An instance without a virtual address",
        "There is no virtual_ipaddress in the instance.",
        "It elects a master that serves nothing; strict mode refuses it.",
        "Add a virtual_ipaddress block, or remove the instance.",
    ),
    Code(
        "L-VIP-TWICE",
        "One virtual address twice",
        "The same address stands in two instances, or twice in one.",
        "Both set and remove it; when one steps down it takes the address from the other.",
        "Keep it in one place.",
    ),
    Code(
        "L-VIP-MANY",
        "More than 20 addresses in one instance",
        "virtual_ipaddress has more than 20 lines.",
        "Some implementations accept no more than 20 in a packet, and every packet carries them all.",
        "Leave one or a few there and list the others in virtual_ipaddress_excluded.",
    ),
    Code(
        "L-VIP-PEER",
        "The nodes have different addresses",
        "virtual_ipaddress differs between the two nodes.",
        "What only one has vanishes at a failover, and keepalived up to 2.3.2 drops the other's packets, so that both "
        "become master.",
        "Bring both lists together; the order does not matter.",
    ),
    Code(
        "L-ALIAS",
        "An interface written as an alias",
        "The interface is written like eth0:1.",
        "That is an address label, no device; there is no interface of that name.",
        "Write eth0, and give the address a label if you want one.",
    ),
    Code(
        "L-TRACK-SELF",
        "The instance tracks its own interface",
        "track_interface lists the interface that the instance runs on.",
        "That one is always tracked, so the line is ignored.",
        "Remove it.",
    ),
    Code(
        "L-SCRIPT",
        "A script that will be refused",
        "The script does not exist, is not executable, or may be changed by a user other than root while it runs as "
        "root.",
        "A refused script is not run, and what tracks it is dropped or fails.",
        "Mend the path part or the mode that the message names.",
    ),
    Code(
        "L-MAIL-SERVER",
        "A mail server that nobody knows",
        "smtp_server names a host that neither a name server nor /etc/hosts knows. Only a test of the file (-t) asks.",
        "No mail is sent until the name is known. keepalived looks it up once, when it reads the file.",
        "Write the address of the mail server, or correct the name.",
    ),
    Code(
        "L-INTERFACE",
        "An interface that is not there",
        "The file names an interface that this host does not have now.",
        "keepalived does not start without dynamic_interfaces. In hatui the instance is in FAULT until the interface "
        "appears.",
        "Correct the name (`ip link` lists them), or set dynamic_interfaces where it comes later.",
    ),
    Code(
        "L-SCRIPT-USER",
        "Scripts without script_user",
        "The file runs scripts and names no user for them.",
        "They run as keepalived_script if that account exists, else as root. Most files are like this. Together with "
        "enable_script_security and without that account they are dropped, and what tracks them with them.",
        "Set script_user in global_defs to the account that the scripts need.",
    ),
    Code(
        "L-SCRIPT-SECURITY",
        "Scripts without enable_script_security",
        "The file runs scripts, and enable_script_security is not set.",
        "A script that others may change would then run as root. Most files are like this.",
        "Set script_user and enable_script_security in global_defs.",
    ),
    Code(
        "L-SCRIPT-PATH",
        "A script without an absolute path",
        "The command does not begin with a slash.",
        "It is looked up in a search path that is not yours, or not found at all.",
        "Write the full path of the program.",
    ),
    Code(
        "L-SCRIPT-SHELL",
        "Shell syntax in a script command",
        "The command has a pipe, redirection, && or a variable.",
        "No shell runs it: these are passed as ordinary arguments to the program.",
        "Put the line into a script file, or write sh -c with it in quotes.",
    ),
    Code(
        "L-SCRIPT-ARGS",
        "Arguments that are dropped",
        "The script's command is not quoted and more words follow.",
        "Only the first word is the command; the others are ignored.",
        'Quote it as a whole: script "/path/to/check --option".',
    ),
    Code(
        "L-PROCESS-CHECK",
        "A script that only asks whether a process exists",
        "The check is killall -0, pidof or pgrep.",
        "A process that hangs still exists, so the check stays good. It also starts a program every interval.",
        "Ask the service itself, for example by a request to it; or use vrrp_track_process, which runs nothing.",
    ),
    Code(
        "L-TIMEOUT",
        "Script timing that works against itself",
        "timeout is longer than interval, or fall is 1 with an interval below two seconds.",
        "While one run is alive the next is skipped, so a hanging check is noticed later than the interval promises; "
        "one slow run moves the address.",
        "Let timeout be at most the interval, and fall 2 or more for short intervals.",
    ),
    Code(
        "L-NOTIFY",
        "A notify command that is not what it seems",
        "Words follow the command without quotes, or the same notify keyword stands twice.",
        "The first unquoted word after the command is taken as a user name, the second as a group. With an unknown "
        "user the command is dropped. Of two notify lines only the first counts.",
        'Quote command and arguments together: notify_master "/path/script argument".',
    ),
    Code(
        "L-SYNC-SINGLE",
        "A sync group with one member",
        "The vrrp_sync_group lists a single instance.",
        "There is nothing to keep in step with.",
        "Add the other instances, or remove the group.",
    ),
    Code(
        "L-SYNC-REF",
        "A sync group names an instance that does not exist",
        "A name in the group block is no vrrp_instance of this configuration.",
        "It is ignored, so the instance that was meant does not move along.",
        "Correct the name.",
    ),
    Code(
        "L-SYNC-PRIO",
        "Members of a sync group have different priorities",
        "The instances of one group do not have the same priority.",
        "They become master only together, so the lowest decides, and the order between nodes may differ per member.",
        "Give all members of a group the same priority.",
    ),
    Code(
        "L-SYNC-WEIGHT",
        "Weights inside a sync group are dropped",
        "A member tracks something with a weight, and the group has no sync_group_tracking_weight.",
        "Different priorities would tear the members apart, so interface weights count as 0 (a failure is FAULT) and "
        "weighted scripts are dropped.",
        "Remove the weight, or set sync_group_tracking_weight in the group.",
    ),
    Code(
        "L-PROMOTE",
        "Removing one address may remove others",
        "A virtual address shares its network with other addresses of the interface and promote_secondaries is off.",
        "When the kernel's primary address goes, it takes the secondary ones in the same network along.",
        "Set promote_secondaries in the instance, or the sysctl of the interface.",
    ),
    Code(
        "L-ROUTER-ID",
        "router_id LVS_DEVEL is the sample's",
        "router_id was left as in the packaged sample.",
        "Mail and logs of all your nodes then carry the same name.",
        "Write the host's name, or remove the line: the host name is the default.",
    ),
    Code(
        "L-EMAIL-SAMPLE",
        "Mail settings left from the sample",
        "notification_email or smtp_server are those of the packaged sample.",
        "Mail would go to strangers or to a server that does not exist, with a wait at every change.",
        "Write your own, or remove the lines.",
    ),
    Code(
        "L-GARP-ORDER",
        "global_defs after an instance",
        "Announcement defaults (vrrp_garp_*) are set in a global_defs block below an instance.",
        "They are copied when an instance opens, so this instance does not get them.",
        "Move global_defs to the top of the file.",
    ),
    Code(
        "L-NO-CHECKER",
        "A real server without a check",
        "A real_server has no checker block.",
        "It counts as alive for ever, and requests are sent to it when it is dead.",
        "Add TCP_CHECK, HTTP_GET or another checker.",
    ),
    Code(
        "L-NO-SERVER",
        "A virtual server without a real server",
        "A virtual_server block has no real_server and no sorry_server.",
        "It accepts connections that nobody can answer.",
        "Add a real_server, or remove the block.",
    ),
    Code(
        "L-REAL-PORT",
        "DR or TUN with another port",
        "A real_server has a port that differs from the virtual server's, and lb_kind is DR or TUN.",
        "Only NAT can change the port; keepalived sets it back to the virtual server's.",
        "Use the same port, or lb_kind NAT.",
    ),
)
