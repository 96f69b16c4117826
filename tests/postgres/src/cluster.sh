# Keeps one throw-away PostgreSQL cluster; called with the folder of the binaries and the folder to keep the cluster in.
#
# Orders come on standard input, one a line, and each is answered with one line on standard output: ok or failed.
# The end of the input means that whoever gave the orders is gone, for whatever reason: then the server is killed and
# the folder removed. So nothing may end this script before that: not the signals of a terminal, and not a broken pipe.
trap '' HUP INT QUIT TERM PIPE
binaries=$1
folder=$2
data=$folder/data
server=

create() {
    "$binaries/initdb" -D "$data" -U postgres -A trust -N --no-instructions --locale=C --encoding=UTF8 \
        --wal-segsize=1 </dev/null >>log
}

# Nothing of this cluster has to outlive the machine, so nothing is flushed to the disk. What was committed still
# survives a kill of the server, because the kernel keeps what was written. Shared memory is in the folder too, since a
# server that is killed may leave some of it behind.
start() {
    rm -f "$data/postmaster.pid"
    "$binaries/postgres" -D "$data" -F -p "$1" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
        -c full_page_writes=off -c wal_level=minimal -c max_wal_senders=0 -c autovacuum=off -c jit=off \
        -c max_connections=200 -c shared_buffers=16MB -c dynamic_shared_memory_type=mmap -c log_checkpoints=off \
        </dev/null >>log &
    server=$!
    waited=0
    until grep -q '^ready' "$data/postmaster.pid" 2>/dev/null; do
        kill -0 "$server" 2>/dev/null || return 1
        waited=$((waited + 1))
        [ "$waited" -lt 3000 ] || return 1
        sleep 0.01
    done
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

# SIGQUIT is PostgreSQL's immediate shutdown: every connection is cut. One that is paused has to run again to obey.
stop() {
    [ -n "$server" ] || return 0
    kill -QUIT "$server" 2>/dev/null && resume
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
cd / && rm -rf "$folder"
