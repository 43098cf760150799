#!/bin/sh
# Runs its arguments; in a launcher only after every host of the hostfile has a name that resolves (or a fair wait is
# over), since Hydra asks for all of them at once and gives up on the first that is unknown.

if [ -f /opt/intel/oneapi/setvars.sh ]; then
    . /opt/intel/oneapi/setvars.sh
fi

# Up to 10 tries, with pauses of 0.1 s, 0.2 s, ... in between.
wait_for_name() {
    pause=1
    tries=10
    while [ "$tries" -gt 0 ]; do
        getent hosts "$1" >/dev/null && return
        tries=$((tries - 1))
        sleep "$((pause / 10)).$((pause % 10))"
        pause=$((pause * 2))
    done
    echo "entrypoint.sh: $1 does not resolve" >&2
}

if [ "$K_MPI_JOB_ROLE" = launcher ]; then
    wait_for_name "$(hostname)"
    if [ -f /etc/mpi/hostfile ]; then
        while IFS=': ' read -r host _; do
            [ -z "$host" ] || wait_for_name "$host"
        done </etc/mpi/hostfile
    fi
fi

exec "$@"
