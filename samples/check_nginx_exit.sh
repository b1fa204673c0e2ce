#!/bin/sh
# Ends the VRRP daemon that runs this script when the web server of this host is gone, so that the other
# host takes the address over. Start the web server and then the daemon again to come back.
#
#   check_nginx_exit.sh [WHAT [PIDFILE]]    WHAT as for check_nginx.sh
#
# The daemon is found by going up from this script through its parents: the uppermost keepalived or
# hatui-engine among them is told to stop (SIGTERM, so it resigns properly). PIDFILE names its pid file
# instead. The script needs the daemon's rights to do that: run it as root (user root in vrrp_script).
set -u
here=$(dirname "$0")
"$here/check_nginx.sh" "${1:-${NGINX_CHECK:-80}}" && exit 0

is_daemon() {
    # the program itself, or Python with the program as its script or module
    tr '\0' '\n' <"/proc/$1/cmdline" 2>/dev/null | {
        position=0
        while read -r word; do
            position=$((position + 1))
            case ${word##*/} in
            keepalived | hatui-engine | engine.cli) [ "$position" -le 4 ] && exit 0 ;;
            esac
            case $position$word in
            1*python* | 1*/ld* | [234]-*) ;;
            *) exit 1 ;;
            esac
        done
        exit 1
    }
}

daemon=
if [ $# -ge 2 ]; then
    read -r daemon <"$2" || daemon=
else
    pid=$$
    while [ "$pid" -gt 1 ]; do
        is_daemon "$pid" && daemon=$pid
        pid=$(sed 's/.*) [A-Za-z] \([0-9]*\) .*/\1/' "/proc/$pid/stat" 2>/dev/null) || break
        [ -n "$pid" ] || break
    done
fi
if [ -z "$daemon" ]; then
    echo "no keepalived or hatui-engine among the parents of this script"
    exit 1
fi
echo "ending the daemon (pid $daemon)"
kill -TERM "$daemon"
exit 1
