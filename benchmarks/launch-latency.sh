#!/usr/bin/env bash
# How long mpirun takes to start its daemons through the agent, next to ssh in the same run: Open MPI 4, N hosts, taking turns so that
# a busy machine hurts both alike. Prints medians and their ratio.
#
#   dotnet publish src/Mpi.Agent -r linux-x64 -o out && benchmarks/launch-latency.sh out/kubempi-agent [TURNS] [DAEMONS...]
#
# As root (sshd, namespaces). A host is an address of 127.0.0.0/8, a name in a hosts file that only this script sees, and a UTS namespace
# of that name, in which its sshd and its worker run: daemons of one host name would share Open MPI's session folder, and crash in it.
# Nothing is changed on the machine.
set -euo pipefail
# A mount namespace of its own, for the hosts file.
[ -n "${LAUNCH_LATENCY:-}" ] || LAUNCH_LATENCY=inside exec unshare --mount --propagation private "$0" "$@"
agent=$(readlink -f -- "${1:?the native agent}") turns=${2:-5}
shift $(($# < 2 ? $# : 2))
[ $# -gt 0 ] || set -- 2 8 16 64
work=$(mktemp -d /tmp/kl.XXXXXX) pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
port=$((20000 + RANDOM % 20000)) ssh_port=$((port + 1))
export TMPDIR=$work
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_plm_rsh_no_tree_spawn=1 OMPI_MCA_orte_leave_session_attached=1

{ echo "127.0.0.1 localhost $(hostname)"; for i in {1..250}; do echo "127.0.77.$i n$i"; done; } > "$work/hosts"
mount --bind "$work/hosts" /etc/hosts
# Logins get a shell that reads no files of its user: what a machine's .bashrc takes is not ssh's.
sed 's|^\(root:.*:\)[^:]*$|\1/bin/sh|' /etc/passwd > "$work/passwd"
mount --bind "$work/passwd" /etc/passwd
hosts() { seq -f n%g -s , 1 "$1"; }
on() { # HOST COMMAND...: in the background
  unshare --uts sh -c 'hostname "$0" && exec "$@"' "$@" >/dev/null 2>&1 & pids+=($!)
}

# Both sides' credentials, as the operator makes them.
for side in launcher worker; do
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=kubempi-$side" -keyout "$work/$side.key" -out "$work/$side.crt" 2>/dev/null
done
mkdir "$work/launcher" "$work/worker" "$work/agent"
cp "$work/launcher.crt" "$work/launcher/own.crt"; cp "$work/launcher.key" "$work/launcher/own.key"; cp "$work/worker.crt" "$work/launcher/peer.crt"
cp "$work/worker.crt" "$work/worker/own.crt"; cp "$work/worker.key" "$work/worker/own.key"; cp "$work/launcher.crt" "$work/worker/peer.crt"
"$agent" deliver "$work/agent"
export KUBEMPI_AGENT_PORT=$port KUBEMPI_AGENT_LAUNCHER=localhost KUBEMPI_AGENT_SERVICE=127.0.0.1 KUBEMPI_TERMINATION_LOG=$work/termination-log

ssh-keygen -q -t ed25519 -N '' -f "$work/id" && ssh-keygen -q -t ed25519 -N '' -f "$work/host"
cat > "$work/sshd_config" <<CONFIG
Port $ssh_port
HostKey $work/host
AuthorizedKeysFile $work/id.pub
PidFile none
StrictModes no
MaxStartups 1000
LoginGraceTime 0
PerSourcePenalties no
CONFIG
grep -q PerSourcePenalties <(/usr/sbin/sshd -T -f "$work/sshd_config" 2>/dev/null) || sed -i /PerSourcePenalties/d "$work/sshd_config"
mkdir -p /run/sshd
ssh_args="-p $ssh_port -i $work/id -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"

seconds() { local begin=$EPOCHREALTIME; "$@" >/dev/null 2>"$work/error" || { echo "$* failed with code $?:"; cat "$work/error"; exit 1; } >&2; awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.3f\n", b - a }'; }
median() { sort -n | awk '{ v[NR] = $1 } END { print (NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2) }'; }
over_ssh() { OMPI_MCA_plm_rsh_args=$ssh_args mpirun.openmpi -H "$(hosts "$1")" --map-by node -n 1 true; }
over_agent() { OMPI_MCA_plm_rsh_agent=$work/agent/kubempi-rsh KUBEMPI_AGENT_NAME=launcher KUBEMPI_AGENT_CREDENTIALS=$work/launcher mpirun.openmpi -H "$(hosts "$1")" --map-by node -n 1 true; }

started=0
for n; do
  while ((started < n)); do
    started=$((started + 1))
    on "n$started" /usr/sbin/sshd -D -f "$work/sshd_config" -o "ListenAddress=127.0.77.$started"
    on "n$started" env KUBEMPI_AGENT_NAME="n$started" KUBEMPI_AGENT_CREDENTIALS="$work/worker" "$agent" worker
  done
  sleep 1 # sshd listens
  # Once each before it counts: this starts the launcher's process, and the workers have dialled when it ends.
  seconds over_agent "$n" >/dev/null; seconds over_ssh "$n" >/dev/null
  a=() s=()
  for ((i = 0; i < turns; i++)); do
    s+=("$(seconds over_ssh "$n")")
    a+=("$(seconds over_agent "$n")")
  done
  ma=$(printf '%s\n' "${a[@]}" | median) ms=$(printf '%s\n' "${s[@]}" | median)
  echo "$n daemons, median of $turns: ssh $ms s, agent $ma s, ratio $(awk -v a="$ma" -v b="$ms" 'BEGIN { printf "%.2f", a / b }')"
done
rm -f "$work/agent/launcher.sock" # its process ends by itself
