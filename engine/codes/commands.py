"""E codes: why the engine refused a command, or undid it."""

from __future__ import annotations

from engine.codes.entry import Code

COMMANDS = (
    Code(
        "E-ROLE",
        "Your role may only look",
        "The command changes something, and the engine knows you as a viewer, or not at all; or the console was "
        "started with --read-only.",
        "Anybody who may log in should be able to see the state, but not everybody should be able to move an address.",
        "Ask an administrator to add you to the group hatui-admin, or run the command as root. `hatui status` and "
        "`hatui watch` need only the group hatui.",
    ),
    Code(
        "E-NOT-MASTER",
        "This instance is not master here",
        "Stepping down or announcing was asked for, but the instance does not hold its addresses on this host.",
        "Only the master has something to hand over or to announce.",
        "Look with `hatui status` which host is master and give the command there, or use --take-over here.",
    ),
    Code(
        "E-NOT-BACKUP",
        "This instance is not a backup here",
        "Taking over was asked for, but the instance is master already, starting, or in FAULT.",
        "A master has nothing to take over, and an instance in FAULT could not serve what it took.",
        "See `hatui status`; `hatui why` tells what put it in FAULT.",
    ),
    Code(
        "E-OWNER",
        "An address owner cannot be held back or boosted",
        "The instance, or the one it should yield to, runs with priority 255.",
        "Priority 255 says that the addresses belong to that host itself. It preempts always and ignores weights and "
        "holds, so a move would be undone within one advertisement.",
        "Give the instance a priority from 1 to 254 if its address is meant to move.",
    ),
    Code(
        "E-UNKNOWN-INSTANCE",
        "There is no instance of that name",
        "The command names an instance that the running configuration does not have.",
        "Perhaps it was renamed or removed by a reload, or the name differs in upper and lower case.",
        "`hatui status` lists the names in use.",
    ),
    Code(
        "E-UNKNOWN-TRACKER",
        "There is no such track script",
        "The command names a script that no instance of the running configuration tracks.",
        "Perhaps it was renamed or removed by a reload; a script that nobody tracks is never run.",
        "The tab Trackers of an instance and `hatui status VI` list the scripts in use.",
    ),
    Code(
        "E-NO-SUCCESSOR",
        "No backup took over; the address stays here",
        "The master announced that it steps down, and nobody with a priority above 0 was heard in time.",
        "An address without an owner is worse than one on the wrong host. So this host went on as before: its "
        "addresses were never removed.",
        "Check that the other host runs, has the same VRID, password and version, and is not in FAULT (`hatui status` "
        "there), and that its advertisements arrive here (Packets screen, or `hatui capture`).",
    ),
    Code(
        "E-OUTRANKED",
        "Another router cannot be outranked",
        "A take-over was asked for, and the master has priority 254 and a higher address, or answered the boost with "
        "a priority that is higher still.",
        "A boost goes up to 254. Whoever is above that keeps the address, so the boost was withdrawn.",
        "Give the step-down command on the master instead, or lower its priority.",
    ),
    Code(
        "E-HELD",
        "A hold is in force already",
        "The instance was moved on purpose before, and that hold has not ended.",
        "Two holds would leave it unclear which one a release ends.",
        "`hatui release NAME` ends the present hold; then give the new command.",
    ),
    Code(
        "E-NOT-HELD",
        "There is no hold to release",
        "The instance runs with its own priority.",
        "Nothing holds it, or the hold has ended by time or because the peer was lost.",
        "Nothing need be done. `hatui watch` and the event history show when the hold ended.",
    ),
    Code(
        "E-MAINTENANCE",
        "Maintenance is on already",
        "Maintenance was asked for where it is on, or something was asked for that it stands against.",
        "Two operators would otherwise undo each other's work without knowing of it.",
        "`hatui maintenance status` says who switched it on and why; `hatui maintenance off` ends it.",
    ),
    Code(
        "E-NO-MAINTENANCE",
        "Maintenance is not on",
        "Maintenance was to be switched off where nobody has switched it on.",
        "It ended by time, with a boot of the machine (unless it was to persist), or was said of another instance.",
        "`hatui maintenance status` lists what is in maintenance.",
    ),
    Code(
        "E-REASON",
        "A reason is needed",
        "The command needs a reason, and none was given.",
        "It stays in force after you have left. Whoever finds the node like that must be able to read why.",
        "Add --reason TEXT, such as --reason 'new power supply, ticket 4711'.",
    ),
    Code(
        "E-DRILL",
        "A drill is running",
        "An address was to be moved while a drill measures, or a second drill was to begin.",
        "The drill's figures would be wrong, and its restoration could undo yours.",
        "Wait for its end, or abort it: `a` on the Drills screen, or `hatui drill abort`. It restores at once.",
    ),
    Code(
        "E-LINK",
        "The link cannot be taken down",
        "A drill with --real-link could not record what the interface has, or the process that brings it back whatever "
        "happens to the engine did not start.",
        "Without both the host could stay without this link.",
        "Read the sentence behind it; without --real-link the loss is simulated and nothing is taken down.",
    ),
    Code(
        "E-NO-DRILL",
        "There is no such drill",
        "A drill was to be aborted while none runs, or a report was asked for that is not kept.",
        "It has ended already, or the number is another one. The last 200 reports are kept.",
        "`hatui drill list` shows the reports that there are.",
    ),
    Code(
        "E-NO-PACKETS",
        "The packets of this drill are not kept",
        "The packets of a drill were asked for, and there is no file with them.",
        "Files go with their report, the oldest first when all together are too large; a simulation has none, nor has "
        "an engine without a state directory.",
        "The ladder in the report says what was on the wire; `hatui capture -w FILE` keeps what you like.",
    ),
    Code(
        "E-PLAN",
        "This plan cannot be run",
        "No plan has that name, or its file has something in it that is not understood or out of range.",
        "A plan that is half understood would break something else than its author meant.",
        "`hatui drill list` names all plans and what is wrong with files; samples/drills has examples.",
    ),
    Code(
        "E-PREFLIGHT",
        "The preflight failed",
        "At least one check before the drill or the failover failed; each is named with its own code.",
        "A drill begins only where it can be put back and where the address would have another owner.",
        "Mend what is named, or choose another drill: hand-over is undone by itself when nobody answers.",
    ),
    Code(
        "E-NO-TRACKER",
        "There is no such tracker to fail",
        "A drill was to let a tracker fail, and the instance watches no script, process or BFD session of that name.",
        "What nobody watches cannot move an address. Interfaces and files are not failed by this drill.",
        "`hatui status NAME` lists what the instance watches; add a track_script, or choose the drill link-down.",
    ),
    Code(
        "E-BUSY",
        "Another operation is under way",
        "A hand-over, a reload or another command for the same instance has not ended.",
        "Both at once could leave the address without an owner, or with two.",
        "Wait for the end of the first (seconds) and repeat the command.",
    ),
    Code(
        "E-CONFIG-BROKEN",
        "The configuration has errors",
        "The text was checked, has at least one error, and was not put into use.",
        "A configuration that is half understood can drop an address. The running one stays as it is.",
        "Mend what is listed with file, line and column; `hatui check FILE` repeats the check.",
    ),
    Code(
        "E-HISTORY-OFF",
        "Nothing can be written down",
        "The state directory is full, read-only or broken: events, commands and revisions are not kept.",
        "A drill or a change of the configuration could not be undone after a crash, and nobody could see who did it. "
        "Advertisements, failover and maintenance are not affected.",
        "Make room in the state directory (`df`, `du`); the engine notices by itself and says so.",
    ),
    Code(
        "E-CONFIG-CHANGED",
        "The file has changed since you read it",
        "The configuration on disk is no longer the text that this edit started from.",
        "Writing now would silently undo somebody else's change.",
        "Load the file again, look at the difference, and repeat your edit.",
    ),
    Code(
        "E-UNCONFIRMED",
        "A change waits for its confirmation",
        "Another change was asked for while the last one may still be taken back.",
        "The engine keeps one way back. A second change on top of an unconfirmed one would leave it unclear to what.",
        "`hatui config confirm` keeps the change that waits; `hatui config rollback` takes it back at once. Then "
        "repeat yours.",
    ),
    Code(
        "E-EDITING",
        "Somebody else edits the configuration",
        "A console began to edit while another one had unfinished text.",
        "Two people who edit the same file work against each other: the second one to apply would be refused, since "
        "the file has changed meanwhile.",
        "Look on, talk to the person who is named, or take over (T on the config screen); nothing of either text is "
        "lost.",
    ),
    Code(
        "E-NOT-PENDING",
        "Nothing waits for a confirmation",
        "A confirmation was said, but no change waits for one, or another one than the number that was named.",
        "It was confirmed already, or its time had passed and it was taken back.",
        "`hatui config history` shows what is in use and who brought it in.",
    ),
    Code(
        "E-NO-REVISION",
        "That revision is not kept",
        "The engine has no configuration of that number.",
        "The last 50 are kept, in the state directory of the engine; without such a directory none are.",
        "`hatui config history` lists the numbers that there are.",
    ),
    Code(
        "E-RANGE",
        "A value lies outside its range",
        "A number in the command is smaller or larger than the engine accepts.",
        "A time to confirm lies between one second and seven days.",
        "Repeat the command with a value inside the range that the message names.",
    ),
    Code(
        "E-IO",
        "The operating system refused",
        "A file, socket or device could not be read or written; the message has the system's own words.",
        "Usually a missing permission, a full disk or a path that does not exist.",
        "Mend the cause the message names and repeat the command; nothing was half done.",
    ),
    Code(
        "E-PROTOCOL",
        "This line is not in the vocabulary",
        "The engine received something on its control socket that is no request it knows.",
        "A client of another version, or a program that writes by hand, sent it. The engine closes such a client "
        "and goes on; nobody else is touched.",
        "Use the `hatui` that belongs to this engine (`hatui --version`, `hatui-engine -v`).",
    ),
    Code(
        "E-TOO-LARGE",
        "The request is too large",
        "A line or a file on the control socket is longer than the engine accepts.",
        "Without a limit one client could use up the memory of the engine.",
        "Split a large configuration by `include`, or write the file and use a reload.",
    ),
    Code(
        "E-OBSERVE",
        "This engine only looks on",
        "It was started with --observe beside another engine, and was asked for something that acts.",
        "Two programs that move the same addresses would argue over them.",
        "Do it with the other engine; or stop that one and start hatui-engine without --observe.",
    ),
    Code(
        "E-STOPPING",
        "The engine is stopping",
        "The engine is handing over its addresses before it ends and takes no more commands.",
        "A command that began now could not be finished.",
        "Wait until it is back (`systemctl status hatui-engine`), then repeat.",
    ),
    Code(
        "E-FAULT",
        "The instance is in FAULT",
        "An interface, a tracked script or another cause keeps the instance from serving.",
        "Moving the address here would move it to a host that cannot serve it.",
        "`hatui why NAME` lists each cause with since when; the instance leaves FAULT when the list is empty.",
    ),
    Code(
        "E-RUNNING",
        "An engine runs already",
        "Another hatui-engine or keepalived holds the pid file or the control socket on this host.",
        "Two engines would argue with each other over the same addresses.",
        "Stop the other one first, or start with --observe to look on without sending.",
    ),
    Code(
        "E-NO-ENGINE",
        "No engine answers",
        "The control socket is absent, refuses, or has been silent for more than three seconds.",
        "Without the engine the present state is not known, and what was seen last may be wrong by now.",
        "`systemctl start hatui-engine`; or name the socket with --socket PATH if it lies elsewhere.",
    ),
    Code(
        "E-PERMISSION",
        "The engine does not know you",
        "The socket exists, but you are neither root nor in the group hatui or hatui-admin.",
        "The socket shows the configuration and the state of the cluster.",
        "`usermod -aG hatui NAME`, then log in again.",
    ),
    Code(
        "E-SLOW",
        "This client reads too slowly",
        "More transitions and replies wait for this client than the engine keeps, so it was let go.",
        "A client that never reads would otherwise use up the memory of the engine. Packets and status lines had "
        "been dropped for it long before.",
        "Connect again and resume from the last sequence number: `hatui` does so by itself. Pipe `hatui watch` into "
        "something that reads.",
    ),
    Code(
        "E-SILENT",
        "The vrrp process does not answer",
        "The command was handed to the vrrp process, which gave no sign of life or ended before it answered.",
        "Whether the command took effect is unknown, so neither done nor refused would be true.",
        "Look with `hatui status` at what is; the event history names a vrrp process that died and was started again.",
    ),
    Code(
        "E-EXISTS",
        "A file of that name exists",
        "Something was to be saved under a name that is taken.",
        "What was written before may be the only record of an incident: it is never replaced silently.",
        "Choose another name; or confirm that it may be replaced, where the dialog or --force offers that.",
    ),
    Code(
        "E-WAY-BACK",
        "This change needs a time to confirm",
        "A change was to be applied for good while this node serves what it touches, or while your own connection "
        "comes over one of its addresses.",
        "If it goes wrong, nobody may be left who can log in and take it back; with a time to confirm the engine does.",
        "Apply it with a time to confirm, look, and confirm with C or `hatui config confirm`.",
    ),
    Code(
        "E-SECRET",
        "A mark stands for no secret",
        "The text has a mark in the place of a password or key, and nothing that is known here belongs to it.",
        "Secrets are shown as marks. A mark that was copied from another place or edited would be written as it is.",
        "Type the secret itself, or take the line from the text on disk again (`:discard`).",
    ),
    Code(
        "E-UNCHANGED",
        "Nothing is changed",
        "A review was to be applied whose text is the one on disk.",
        "Applying it would make a revision that changes nothing.",
        "Edit the text first; `hatui failover`, `R` and `hatui config history` need no edit.",
    ),
    Code(
        "E-CHECKING",
        "The text is still being checked",
        "A long configuration was to be applied before the check of it had ended.",
        "What has errors is not applied, and whether it has is not known yet.",
        "Wait until the problems are listed (seconds), then repeat.",
    ),
    Code(
        "E-TYPE-NAME",
        "A warning asks for the name",
        "The preflight has a warning, and the name of the instance was not typed.",
        "A habit of pressing y must not carry anybody past a warning.",
        "Read the warning; then type the name of the instance in its field, and confirm.",
    ),
)
