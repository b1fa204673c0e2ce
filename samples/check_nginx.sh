#!/bin/sh
# Is the web server of this host there? Exit status 0: yes; 1: no. No output when all is well.
#
#   check_nginx.sh             something listens on TCP port 80
#   check_nginx.sh 8080        something listens on TCP port 8080
#   check_nginx.sh http://...  the page is answered (needs curl or wget)
#   check_nginx.sh /run/x.pid  the process of this pid file lives, in this network namespace
#
# Without an argument the environment variable NGINX_CHECK is used, then port 80. Only this network
# namespace is looked at, so several hosts laid on one machine do not see each other's servers; a search
# for processes by name would.
set -u
what=${1:-${NGINX_CHECK:-80}}

listens() {
    # /proc/net/tcp*: local address:port in hexadecimal; state 0A is LISTEN
    port=$(printf '%04X' "$1") || return 1
    for table in /proc/net/tcp /proc/net/tcp6; do
        [ -r "$table" ] || continue
        while read -r _ local _ state _; do
            case "$local $state" in
            *:"$port 0A") return 0 ;;
            esac
        done <"$table"
    done
    return 1
}

answers() {
    if command -v curl >/dev/null 2>&1; then
        curl --silent --fail --output /dev/null --max-time 1 "$1"
    else
        wget -q -T 1 -t 1 -O /dev/null "$1"
    fi
}

lives() {
    read -r pid <"$1" 2>/dev/null || return 1
    kill -0 "$pid" 2>/dev/null || [ -d "/proc/$pid" ] || return 1
    theirs=$(readlink "/proc/$pid/ns/net" 2>/dev/null) || return 0 # not allowed to look: believe the file
    [ "$theirs" = "$(readlink /proc/self/ns/net)" ]
}

case $what in
*://*) answers "$what" || { echo "no answer from $what"; exit 1; } ;;
*/*) lives "$what" || { echo "no process of $what"; exit 1; } ;;
*) listens "$what" || { echo "nothing listens on TCP port $what"; exit 1; } ;;
esac
