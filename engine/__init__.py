"""The VRRP engine: the daemon `hatui-engine` and the pure parts it is made of.

messages      the vocabulary: facts in, wishes to the kernel, what happened, what is
errors        the few exceptions
config/       PURE  keepalived.conf: text, tree, expansion, model, lint, plan
protocol/     PURE  VRRP: packets, timers, the state machine, `Router`
simulation    PURE  a LAN of Routers in simulated time
vrrp/         the vrrp process: one epoll loop, raw sockets, netlink, ARP and NA
check/        the check process: track scripts and other health checks
core/         the main process: supervision, configuration, control socket, history
wire, client  messages as JSON lines; the asyncio client for consoles, tests, programs
codes         every code that a refusal or a diagnosis carries, and its explanation
cli           hatui-engine

Three processes: core forks vrrp and check and speaks to each over a socketpair in the
words of `messages`. Nothing that core, a console or a script does can delay an advert.
"""

VERSION = "0.1.0"
"""Of everything in this project: the engine, the console and the package."""
