# Keeps one throwaway PostgreSQL and removes it when its owner is gone, however the owner went: the owner holds the
# other end of standard input, and the system closes that. Everything that exists only for the cluster is made
# here, so that there is no moment at which nobody would remove it.
#
# Arguments: directory for the cluster's own directory, template of the data directory, programs, settings...
# Says `dir PATH` when the directory is there, `started` when the server was started, `failed REASON` otherwise.
trap '' INT TERM HUP QUIT PIPE
umask 077
base=$1 template=$2 bin=$3
shift 3

dir=$(mktemp -d "$base/trueup-$$-XXXXXX") || { echo "failed no directory can be made in $base"; exit 1; }
echo "dir $dir"
# Removing is tried again: a backend that is just ending may still write.
remove() {
    rm -rf "$dir" 2>/dev/null || { sleep 0.2; rm -rf "$dir"; }
}

if ! cp -a --reflink=auto "$template" "$dir/data" 2>/dev/null; then
    rm -rf "$dir/data"
    if ! cp -pR "$template" "$dir/data" 2>"$dir/log"; then
        echo "failed $(head -n 1 "$dir/log")"
        remove
        exit 1
    fi
fi
"$bin/postgres" -D "$dir/data" -k "$dir" "$@" </dev/null >"$dir/log" 2>&1 &
server=$!
echo started

while read -r _; do :; done

# Asked until it ends: before the server has its handlers it ignores the signal, as this shell and its children do.
(while kill -QUIT "$server" 2>/dev/null; do sleep 0.05; done) &
asking=$!
wait "$server"
kill -KILL "$asking" 2>/dev/null
remove
