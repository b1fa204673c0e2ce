"""C codes: the text cannot be read as it stands, or a value is out of place.

The message of such a finding names the word itself; what stands here is the general case.
"""

from __future__ import annotations

from engine.codes.entry import Code

READING = (
    Code(
        "C-FILE",
        "The configuration file cannot be read",
        "The file does not exist, is no ordinary file, or may not be read by this user.",
        "Without it there is nothing to run. (keepalived 2.2.7 calls an absent file correct.)",
        "Name the file with -f, or mend its permissions.",
    ),
    Code(
        "C-INCLUDE",
        "An include found nothing",
        "The file or pattern of an include matches no readable file.",
        "What it should bring is missing, and what can be said of the rest is less certain.",
        "Correct the path: a relative one starts at the directory of the file that includes it.",
    ),
    Code(
        "C-LOOP",
        "Something leads back to itself",
        "A file includes itself, or a $NAME is part of its own value.",
        "Reading would never end, so the place is left out.",
        "Break the circle.",
    ),
    Code(
        "C-SEQ",
        "A sequence that is none",
        "~SEQ or ~LST has too few values, values of different length, or an end that is never reached.",
        "The whole line is left out.",
        "Write ~SEQ(name,end), ~SEQ(name,start,end), ~SEQ(name,start,step,end) or ~LST(name,a,b,c).",
    ),
    Code(
        "C-QUOTE",
        "A quote that is not closed",
        "A double quote opens and does not close on the same line.",
        "The rest of the line is lost.",
        "Close it; a quoted word cannot go on in the next line.",
    ),
    Code(
        "C-LENGTH",
        "A line that is too long",
        "The line is longer than 1023 characters, perhaps only after its $NAMEs were filled in.",
        "keepalived cuts it there.",
        "Split the line, for example into several addresses or peers, one on each line.",
    ),
    Code(
        "C-ENCODING",
        "A file that is not UTF-8",
        "The file holds octets that are no UTF-8 text.",
        "Their line is read with a replacement character in their place; a password or path with them is another one "
        "than keepalived's.",
        "Save the file as UTF-8.",
    ),
    Code(
        "C-BRACE",
        "A closing brace too many",
        "The brace closes nothing.",
        "Mostly a block above ended too early: an unknown block's brace is not counted, and its end closes the block "
        "around it.",
        "Mend the unknown word above, or remove the brace. `hatui config fmt` shows by its indentation where the "
        "structure breaks.",
    ),
    Code(
        "C-BRACE-OPEN",
        "An opening brace after a word that opens no block",
        "The word before the brace is unknown here, or is a plain keyword.",
        "The brace is ignored. The lines inside are read as the outer block's, and the closing brace closes that one.",
        "Correct the word, or remove both braces.",
    ),
    Code(
        "C-NO-BRACE",
        "A block without its opening brace",
        "A keyword that opens a block is not followed by a brace.",
        "It is skipped, and its lines are read as keywords of the block around it.",
        "Write the brace after it.",
    ),
    Code(
        "C-UNCLOSED",
        "A block that is never closed",
        "The file ends inside the block.",
        "Everything below was read as part of it, and mostly ignored.",
        "Add the missing closing brace where the block should end.",
    ),
    Code(
        "C-UNKNOWN",
        "Unknown keyword",
        "The word is no keyword in this block. It may be misspelt, or belong to another block.",
        "The line is logged and skipped: what it should do is not done.",
        "The message names the nearest keyword, or the block where it belongs.",
    ),
    Code(
        "C-NEWER",
        "Not known to keepalived 2.2.7",
        "The keyword came with a later keepalived. hatui understands it.",
        "A node that still runs 2.2.7 with this file skips the line.",
        "Update keepalived there, or do without the keyword as long as both run.",
    ),
    Code(
        "C-NO-EFFECT",
        "Known, but without effect in hatui",
        "The keyword is valid for keepalived. hatui reads it, checks it, and does nothing with it.",
        "You should know what you give up before you rely on it.",
        "Remove it if you do not need it; the message names what hatui has instead, where there is something.",
    ),
    Code(
        "C-EXTRA",
        "Words that are ignored",
        "After the last value of the keyword more words follow on the line.",
        "A statement ends with its line, and further words are dropped without a message. In a block written on one "
        "line the second statement is lost like this.",
        "Put the second statement on its own line, or quote words that belong together.",
    ),
    Code(
        "C-DEPRECATED",
        "An old spelling",
        "The keyword has another name by now, or no effect any more.",
        "It still works in places and not in others: nb_get_retry, for example, is unknown in TCP_CHECK.",
        "Write the present name that the message gives.",
    ),
    Code(
        "C-ARGUMENT",
        "A value is missing",
        "The keyword needs a value and has none.",
        "keepalived stops at once with exit code 2 at such a line, even on a reload.",
        "Write the value, or remove the keyword to get the default.",
    ),
    Code(
        "C-VALUE",
        "Not a value of the right kind",
        "The word is not what the keyword takes: no number, no address, no known choice.",
        "It is ignored, and the default is used instead.",
        "Write a value of the form in the message.",
    ),
    Code(
        "C-RANGE",
        "Value out of range",
        "The number is smaller or greater than the keyword allows.",
        "keepalived uses its default or the nearest limit instead, and starts all the same.",
        "Write a value within the range in the message, or remove the keyword to get the default.",
    ),
    Code(
        "C-ROUNDED",
        "A value that runs as another one",
        "The value cannot be used exactly: it is rounded, or cut to the limit.",
        "What runs is not what is written, and a peer that rounds differently may not agree.",
        "Write the value that is used, as the message gives it.",
    ),
    Code(
        "C-DUPLICATE",
        "A name that is defined twice",
        "Two blocks of one kind have the same name.",
        "Only one of them counts, and the message says which.",
        "Rename or remove one of them.",
    ),
    Code(
        "C-REPEATED",
        "A keyword that is given twice",
        "The same keyword stands twice in one block where one is meant.",
        "Mostly the later one wins, for some keywords the first.",
        "Keep the one that you mean.",
    ),
    Code(
        "C-FATAL",
        "VRRP cannot run like this",
        "Something without which an instance cannot exist is missing or contradicts another: no interface, no "
        "virtual_router_id, one VRID twice on one interface and family.",
        "keepalived refuses to run any instance of the file; during a reload it even ends and leaves the addresses "
        "configured. hatui keeps what it runs.",
        "Mend what the message names.",
    ),
    Code(
        "C-MEANING",
        "A setting that cannot be used",
        "Each word is right, but together they make no sense: for example IPv4 and IPv6 in one instance.",
        "The line is ignored, or the nearest meaningful value is used; the message says which.",
        "Mend what the message names.",
    ),
    Code(
        "C-ADJUSTED",
        "A setting that is changed by another",
        "One setting overrules another: nopreempt with state MASTER, authentication with version 3.",
        "What runs is not what is written.",
        "Remove the one that does not count.",
    ),
    Code(
        "C-UNDEFINED",
        "A name without a definition",
        "A track block names a script, file or process that is not defined above it.",
        "keepalived ignores the line: nothing is tracked. Definitions must come before their use.",
        "Define it above, or correct the name.",
    ),
    Code(
        "C-UNUSED",
        "A definition that nothing uses",
        "A script, file or process is defined, but no instance or sync group tracks it.",
        "It is never run, so it can change nothing.",
        "Name it in a track block; see L-TRACK-REF.",
    ),
    Code(
        "C-OFF-MEANS-ON",
        "The word after it is ignored, so off means on",
        "vrrp_strict, vrrp_skip_check_adv_addr or skip_check_adv_addr is followed by off, no or false.",
        "keepalived 2.2.7 does not read that word: the option is switched on, and hatui follows it.",
        "Remove the line to have it off.",
    ),
    Code(
        "C-ESCAPE",
        "A backslash before # or ! that does not help",
        "A word outside global_defs and outside quotes has \\# or \\! in it.",
        "keepalived reads the file, takes the backslash away and hands the lines on to its processes; these read them "
        "again and see a comment. What is behind, a part of a password too, is lost. hatui follows it.",
        "Put the word in double quotes: there # and ! need no backslash.",
    ),
    Code(
        "C-SECURITY",
        "A script that is not secure",
        "A script would run as root although others may change it, or no account is set for scripts.",
        "Whoever can write the script, or a directory above it, is root. With enable_script_security such a script is "
        "not run at all.",
        "Set script_user and enable_script_security in global_defs, and mend the path part the message names.",
    ),
    Code(
        "L-FLAG-ARG",
        "A switch with a value",
        "A keyword that takes no value is followed by one.",
        "The value is ignored: the switch is on, even if the value says 0 or off.",
        "Remove the value; remove the whole line if the switch should be off.",
    ),
    Code(
        "L-RETIRED",
        "A word of the past",
        "The keyword was renamed or has had no effect for years: nb_get_retry, nat_mask, lvs_id.",
        "It may still be known in one block and unknown in another, where the line is skipped.",
        "Use the present name; the fix writes it, or removes the line.",
    ),
    Code(
        "L-GARP-ZERO",
        "An announcement interval of 0",
        "vrrp_garp_interval or vrrp_gna_interval is 0, as in the packaged sample.",
        "keepalived 2.2.7 calls it out of range and reports an error. Without the line there is no interval either.",
        "Remove the line; the fix does.",
    ),
    Code(
        "L-VARIABLE",
        "A parameter that is not defined",
        "A $NAME or ${NAME} stands in the text and is defined nowhere above it.",
        "It stays as it is, and the braces of ${NAME} then count as block braces.",
        "Define it before its first use: $NAME=value, without a blank before the equals sign.",
    ),
    Code(
        "L-CONDITION",
        "A condition that cuts a block in two",
        "An @id line opens a block whose other lines are not marked.",
        "Only the marked line is skipped. The body of the block then falls into the block around it.",
        "Mark each line of the block, or put the block into a file of its own and make the include conditional.",
    ),
    Code(
        "L-MERGE",
        "Merge conflict markers",
        "Lines with <<<<<<<, ======= or >>>>>>> stand in the file.",
        "A merge was left unfinished, and both versions of the text count.",
        "Finish the merge.",
    ),
    Code(
        "L-PASTE",
        "A shell prompt in the file",
        "A line begins like the prompt of a shell.",
        "It was copied along from a terminal, and is no statement.",
        "Remove the line.",
    ),
    Code(
        "L-SEMICOLON",
        "A semicolon at the end of a line",
        "The value ends in a semicolon.",
        "Lines end statements here, so the semicolon becomes part of the value.",
        "Remove it; the fix does.",
    ),
    Code(
        "L-PLACEHOLDER",
        "A placeholder in place of a value",
        "A value looks like a template's gap: <NAME>, {{ name }}, __NAME__, CHANGEME, x.x.x.x.",
        "The template was not filled in, and the value is used literally.",
        "Write the real value, or run the template.",
    ),
)
