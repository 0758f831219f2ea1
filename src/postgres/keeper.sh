# Keeps one throwaway PostgreSQL and removes it when its owner is gone, however the owner went: the owner holds the
# other end of standard input, and the system closes that. Everything that exists only for the cluster is made
# here, so that there is no moment at which nobody would remove it.
#
# Arguments: directory for the cluster's own directory, template of the data directory, programs, UID:GID to run the
# server as (else -), the program that runs it in a sandbox (else nothing), strict (else -), settings...
# Says `dir PATH` when the directory is there, `started` when the server was started, `failed REASON` otherwise.
trap '' INT TERM HUP QUIT PIPE
umask 077
base=$1 template=$2 bin=$3 user=$4 launcher=$5 strict=$6
shift 6

# The outer directory is not the server's: what it leaves within its own, others cannot reach.
outer=$(mktemp -d "$base/trueup-$$-XXXXXX") || { echo "failed no directory can be made in $base"; exit 1; }
dir=$outer/server
mkdir "$dir"
echo "dir $dir"
# Removing is tried again: a backend that is just ending may still write.
remove() {
    rm -rf "$outer" 2>/dev/null || { sleep 0.2; rm -rf "$outer"; }
}

if ! cp -a --reflink=auto "$template" "$dir/data" 2>/dev/null; then
    rm -rf "$dir/data"
    if ! cp -pR "$template" "$dir/data" 2>"$dir/log"; then
        echo "failed $(head -n 1 "$dir/log")"
        remove
        exit 1
    fi
fi
chmod 700 "$dir/data"
if [ "$user" != - ]; then chown -R "$user" "$dir"; fi
set -- -D "$dir/data" -k "$dir" "$@"
if [ -n "$launcher" ]; then
    "$launcher" run-server "$dir" "$user" "$strict" "$bin" "$@" </dev/null >"$dir/log" 2>&1 &
else
    "$bin/postgres" "$@" </dev/null >"$dir/log" 2>&1 &
fi
server=$!
echo started

while read -r _; do :; done

# Asked until it ends: before the server has its handlers it ignores the signal, as this shell and its children do.
(while kill -QUIT "$server" 2>/dev/null; do sleep 0.05; done) &
asking=$!
wait "$server"
kill -KILL "$asking" 2>/dev/null
remove
