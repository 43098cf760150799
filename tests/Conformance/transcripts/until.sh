# until.sh TEST: tries a test until it succeeds, so that nothing in a session depends on how fast a machine is.
for _ in $(seq 200); do
  eval "$1" >/dev/null 2>&1 && exit 0
  sleep 0.2
done
echo "never so: $1"
exit 1
