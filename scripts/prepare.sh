# What ./kubempi and ./test share: look at the machine, install what is missing where that is allowed, compile.
# Sourced by them, with $root set to the checkout. POSIX sh.
# shellcheck shell=sh

say() { printf 'kubempi: %s\n' "$*" >&2; }
refuse() { say "$*"; exit 3; }

require_linux() {
  [ "$(uname -s)" = Linux ] || refuse "runs on Linux only (this is $(uname -s)); on macOS or Windows use a Linux virtual machine or WSL 2."
}

# Finds the SDK. DOTNET is the program to call from then on.
require_dotnet() {
  DOTNET=$(command -v dotnet || true)
  [ -n "$DOTNET" ] || [ ! -x "$HOME/.dotnet/dotnet" ] || DOTNET="$HOME/.dotnet/dotnet"
  [ -n "$DOTNET" ] || refuse "the .NET SDK 10 is not on the PATH. Install it (Debian and Ubuntu: package dotnet-sdk-10.0; else see https://dot.net), then run this again."
  export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1 DOTNET_GENERATE_ASPNET_CERTIFICATE=false
  export DOTNET_CLI_USE_MSBUILD_SERVER=0 MSBUILDDISABLENODEREUSE=1
}

# --- what a run needs of this machine ---------------------------------------------------------------------------------

# Prints the Debian packages that bring the programs named as "program package" pairs and that are missing here.
missing_packages() {
  while [ $# -gt 0 ]; do
    PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null 2>&1 || echo "$2"
    shift 2
  done | sort -u | tr '\n' ' '
}

prepare_machine() {
  probe_once
  install_packages "$(missing_packages mpirun.openmpi openmpi-bin mpicc.openmpi libopenmpi-dev sshd openssh-server ssh openssh-client ip iproute2 unshare util-linux nsenter util-linux setpriv util-linux)"
}

# Installs Debian packages where that is ours to do, or names the one line that does it. Never calls sudo.
install_packages() {
  [ -n "$1" ] || return 0
  # shellcheck disable=SC2086
  set -- $1
  command -v apt-get >/dev/null 2>&1 || refuse "these programs' packages are missing (Debian's names): $*. Install them with this system's package manager, then run this again."
  [ "$(id -u)" = 0 ] || refuse "some packages are missing. Install them with:  apt-get install -y --no-install-recommends $*  (as root), then run this again."
  say "installing $* ..."
  apt_log=$(mktemp)
  if ! quiet_install "$apt_log" "$@"; then
    tail -n 5 "$apt_log" >&2; rm -f "$apt_log"
    refuse "could not install $*. Run:  apt-get update && apt-get install -y --no-install-recommends $*"
  fi
  rm -f "$apt_log"
}

# A newly installed openssh-server must not start a daemon on this machine: policy-rc.d (Debian policy 9.3.3.1) forbids it meanwhile.
quiet_install() {
  apt_output=$1; shift
  policy=
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    policy=/usr/sbin/policy-rc.d
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT INT TERM
  fi
  status=0
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >"$apt_output" 2>&1 </dev/null ||
    { apt-get update >>"$apt_output" 2>&1 </dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >>"$apt_output" 2>&1 </dev/null; } || status=$?
  if [ -n "$policy" ]; then rm -f "$policy"; trap - EXIT INT TERM; fi
  return $status
}

# The costlier looks at the machine: taken once, and again after a change of kernel or user.
probe_once() {
  seal="$root/artifacts/probed-$(id -u)-$(uname -r)"
  [ ! -e "$seal" ] || return 0
  free=$(df -Pk "$root" | awk 'NR == 2 { print $4 }')
  [ "${free:-0}" -ge 600000 ] || refuse "the disk of $root has $((free / 1024)) MiB free; building and running needs 600. Free some space."
  probe=$(mktemp "${TMPDIR:-/tmp}/kubempi-probe.XXXXXX")
  printf '#!/bin/sh\nexit 0\n' >"$probe"; chmod 700 "$probe"
  if ! "$probe" 2>/dev/null; then
    rm -f "$probe"
    refuse "the temporary folder ${TMPDIR:-/tmp} forbids running programs (mounted noexec). Set TMPDIR to a folder that allows it:  TMPDIR=\$HOME/tmp ./kubempi ..."
  fi
  rm -f "$probe"
  files=$(ulimit -n)
  if [ "$files" != unlimited ] && [ "$files" -lt 1024 ]; then
    ulimit -n 1024 2>/dev/null || refuse "this shell may open only $files files; 1024 are needed. Raise the limit:  ulimit -n 4096  (or nofile in /etc/security/limits.conf)"
  fi
  probe_namespaces
  probe_cgroups
  mkdir -p "$root/artifacts" && : >"$seal"
}

# A pod is a set of Linux namespaces: can this user make them, mount in them, and join them by a veth pair?
probe_namespaces() {
  install_packages "$(missing_packages unshare util-linux ip iproute2)"
  flags='--net --mount --uts --ipc --pid --fork'
  [ "$(id -u)" = 0 ] || flags="--user --map-root-user $flags"
  # shellcheck disable=SC2086
  if reason=$(PATH="$PATH:/usr/sbin:/sbin" unshare $flags sh -c 'mount -t tmpfs none /mnt && ip link add name probe0 type veth peer name probe1' 2>&1); then return 0; fi
  limit=$(cat /proc/sys/user/max_user_namespaces 2>/dev/null || echo 1)
  clone=$(cat /proc/sys/kernel/unprivileged_userns_clone 2>/dev/null || echo 1)
  armor=$(cat /proc/sys/kernel/apparmor_restrict_unprivileged_userns 2>/dev/null || echo 0)
  if [ "$(id -u)" = 0 ]; then
    refuse "this machine does not let root make the namespaces that pods are ($reason). Inside a container, start it with --privileged (or --cap-add SYS_ADMIN --cap-add NET_ADMIN --security-opt seccomp=unconfined --security-opt apparmor=unconfined)."
  elif [ "$armor" = 1 ]; then
    refuse "AppArmor denies user namespaces to ordinary users here (Ubuntu 23.10 and later). As root, once:  sysctl -w kernel.apparmor_restrict_unprivileged_userns=0   or run ./kubempi as root."
  elif [ "$limit" = 0 ]; then
    refuse "user namespaces are switched off. As root, once:  sysctl -w user.max_user_namespaces=15000   or run ./kubempi as root."
  elif [ "$clone" = 0 ]; then
    refuse "user namespaces are denied to ordinary users. As root, once:  sysctl -w kernel.unprivileged_userns_clone=1   or run ./kubempi as root."
  else
    refuse "an ordinary user cannot make namespaces with mounts and network here ($reason). Run ./kubempi as root; inside a container, start it with --security-opt seccomp=unconfined."
  fi
}

# Without control groups pods run all the same; only nobody holds them to their limits. Version 2 is one tree, version 1 one a controller.
probe_cgroups() {
  case $(stat -f -c %T /sys/fs/cgroup 2>/dev/null) in
    cgroup2fs) cgroups=/sys/fs/cgroup/cgroup.subtree_control ;;
    tmpfs) cgroups=/sys/fs/cgroup/memory ;;
    *) cgroups=/nowhere ;;
  esac
  [ -e "$cgroups" ] || say "this machine has no control groups at /sys/fs/cgroup: the memory and CPU limits of pods are not enforced."
}

# --- compiling --------------------------------------------------------------------------------------------------------

# Whether nothing that is compiled has changed since the stamp. A removed file shows as a newer folder.
is_current() {
  [ -e "$1" ] || return 1
  [ -z "$(find "$root/src" "$root/deploy" "$root/Directory.Build.props" "$root/Directory.Packages.props" "$root/global.json" \
    \( -name bin -o -name obj \) -prune -o -newer "$1" -print -quit 2>/dev/null)" ]
}

# Compiles the program into a folder of its own and switches to it at once: a run that is under way keeps its files.
build_app() {
  target=$1
  mkdir -p "$target"
  say "compiling (about a minute the first time) ..."
  exec 9>"$target/lock"
  flock 9
  if is_current "$target/built"; then exec 9>&-; return 0; fi # the other first run has done it
  : >"$target/begun"
  compile "$target/build.log" "$root/src/Mpi.Cli/Mpi.Cli.csproj" "$target/work" -p:RunAnalyzers=false -p:GenerateDocumentationFile=false
  fresh="$target/app-$(date +%s)-$$"
  cp -r "$target/work/bin/Mpi.Cli/release" "$fresh"
  ln -sfn "$(basename "$fresh")" "$target/current.new" && mv -T "$target/current.new" "$target/current"
  mv "$target/begun" "$target/built"
  # The one before the last may still be starting; older ones go, unless a cluster in the background is one of them.
  ls -dt "$target"/app-* | tail -n +3 | while read -r old; do
    # The brackets keep grep from finding its own command line.
    grep -qs "$old[/]kubempi[.]dll" /proc/[0-9]*/cmdline || rm -rf "$old"
  done
  exec 9>&-
}

# compile LOG PROJECT ARTIFACTS [OPTIONS...]: a Release build with a sign of life. The compiler server that its projects share, several
# times as fast as a compiler for each, is this build's own (by the name of its pipe) and ends with it.
compile() {
  build_log=$1 build_project=$2 build_out=$3; shift 3
  compiler="kubempi-$$-$(date +%s)"
  # Not `dotnet build`, which leaves two empty folders in /tmp each time.
  "$DOTNET" msbuild "$build_project" -restore -p:Configuration=Release -p:ArtifactsPath="$build_out" -nodeReuse:false -v:quiet -nologo -clp:NoSummary \
    -p:UseSharedCompilation=true -p:SharedCompilationId="$compiler" "$@" >"$build_log" 2>&1 </dev/null 9>&- &
  builder=$!
  trap 'kill "$builder" 2>/dev/null; end_compiler "$compiler"; exit 130' INT TERM
  waited=0
  while kill -0 "$builder" 2>/dev/null; do
    sleep 1; waited=$((waited + 1))
    [ $((waited % 15)) -ne 0 ] || say "still compiling (${waited} s) ..."
  done
  built=0; wait "$builder" || built=$?
  end_compiler "$compiler"
  trap - INT TERM
  if [ $built -ne 0 ]; then
    grep -E 'error|Error' "$build_log" | sort -u | head -n 20 >&2 || tail -n 20 "$build_log" >&2
    say "compiling failed; the whole output is in $build_log"
    exit 1
  fi
}

# Ends the compiler server of one build; there is none when the build never came to compile.
end_compiler() {
  # "10.0.100 [/usr/lib/dotnet/sdk]": the SDK in use here.
  version=$(cd "$root" && "$DOTNET" --version)
  folder=$(cd "$root" && "$DOTNET" --list-sdks | sed -n "s|^$version \\[\\(.*\\)\\]\$|\\1|p")
  "$DOTNET" "$folder/$version/Roslyn/bincore/VBCSCompiler.dll" -shutdown "-pipename:$1" >/dev/null 2>&1 </dev/null || true
}
