# Keeps one PostgreSQL cluster; called with the folder of the binaries, the folder to keep the cluster in, and what becomes
# of it: thrown-away or durable.
#
# Orders come on standard input, one a line, and each is answered with one line on standard output: ok or failed.
# The end of the input means that the process which gave the orders is gone, for whatever reason: then the server is ended, and the
# folder removed unless it is durable. So nothing may end this script before that: not the signals of a terminal, and not
# a broken pipe.
trap '' HUP INT QUIT TERM PIPE
binaries=$1
folder=$2
lifetime=$3
data=$folder/data
server=

# A durable one is given its name when it is whole.
create() {
    if [ "$lifetime" = durable ]; then
        [ -d "$data" ] && return
        rm -rf "$data.new"
        "$binaries/initdb" -D "$data.new" -U postgres -A trust --no-instructions --locale=C --encoding=UTF8 \
            </dev/null >>log && mv "$data.new" "$data"
    else
        "$binaries/initdb" -D "$data" -U postgres -A trust -N --no-instructions --locale=C --encoding=UTF8 \
            --wal-segsize=1 </dev/null >>log
    fi
}

# Nothing of a cluster that is thrown away has to outlive the machine, so nothing is flushed to the disk. What was
# committed still survives a kill of the server, because the kernel keeps what was written. Shared memory is in the folder
# too, since a server that is killed may leave some of it behind.
#
# A durable one flushes whatever it acknowledges, as PostgreSQL does by default.
start() {
    if [ "$lifetime" = durable ]; then
        set -- "$1" -c shared_buffers="$(awk '/^MemTotal/ { print int($2 / 4) }' /proc/meminfo)kB" -c max_wal_size=2GB -c checkpoint_timeout=30min
    else
        rm -f "$data/postmaster.pid"
        set -- "$1" -F -c full_page_writes=off -c autovacuum=off -c jit=off -c shared_buffers=16MB \
            -c dynamic_shared_memory_type=mmap
    fi
    port=$1
    shift
    "$binaries/postgres" -D "$data" -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
        -c wal_level=minimal -c max_wal_senders=0 -c max_connections=200 -c log_checkpoints=off "$@" </dev/null >>log &
    server=$!
    waited=0
    until is_ready; do
        kill -0 "$server" 2>/dev/null || return 1
        waited=$((waited + 1))
        [ "$waited" -lt 3000 ] || return 1
        sleep 0.01
    done
}

# The file may be one that an earlier server left behind.
is_ready() {
    grep -q '^ready' "$data/postmaster.pid" 2>/dev/null && grep -qx "$server" "$data/postmaster.pid"
}

children() {
    cat "/proc/$server/task/$server/children" 2>/dev/null || pgrep -P "$server"
}

# The server first, so that it makes no child which the second line would miss.
pause() {
    kill -STOP "$server" && kill -STOP $(children)
}

# A connection may have ended meanwhile: only the server has to be there.
resume() {
    kill -CONT $(children) 2>/dev/null
    kill -CONT "$server"
}

# SIGQUIT is PostgreSQL's immediate shutdown: every connection is cut. One that is paused has to run again to obey. SIGINT
# is the fast one, which leaves nothing to recover at the next start.
stop() {
    [ -n "$server" ] || return 0
    if [ "$lifetime" = durable ]; then signal=INT; else signal=QUIT; fi
    kill -"$signal" "$server" 2>/dev/null && resume
    wait "$server"
    server=
}

cd "$folder" && exec 2>>log || exit 1
while read -r order argument; do
    case $order in
        create) create ;;
        start) start "$argument" ;;
        pause) pause ;;
        resume) resume ;;
        stop) stop ;;
        *) false ;;
    esac
    if [ $? -eq 0 ]; then echo ok; else echo failed; fi
done
stop
[ "$lifetime" = durable ] || { cd / && rm -rf "$folder"; }
