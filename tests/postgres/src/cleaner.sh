# Drops databases when the process that made them is gone; called with psql and the server's URL. The names come on
# standard input, and its end, however it came about, is the sign to begin.
trap '' HUP INT QUIT TERM PIPE
names=
while read -r name; do
    names="$names $name"
done
for name in $names; do
    "$1" -X -q -w -d "$2" -c "DROP DATABASE IF EXISTS $name WITH (FORCE)" </dev/null
done
