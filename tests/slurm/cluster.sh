#!/usr/bin/env bash
# Runs a command with a Slurm of its own around it:
#
#     tests/slurm/cluster.sh COMMAND...
#
# One controller and two nodes of two CPUs each, all on this machine whatever it
# has, with a key, ports and files of their own, so that a Slurm of the system
# stays as it is. Installs Debian's packages of Slurm, Munge and GNU parallel
# where they are missing; needs Python 3.
set -euo pipefail

for program in slurmctld slurmd sbatch munged parallel; do
    command -v "$program" >/dev/null || {
        apt-get update --quiet --quiet
        DEBIAN_FRONTEND=noninteractive apt-get install --quiet --quiet --yes \
            --no-install-recommends slurm-wlm munge parallel >/dev/null
        break
    }
done

cluster=$(mktemp --directory)
daemons=()

stop() {
    local status=$? daemon
    trap '' INT TERM
    if timeout 5 scancel --user="$(id -un)" --signal=KILL --full 2>/dev/null; then
        until_true 10 no_task || true
    fi
    [ "$status" -eq 0 ] || tail --lines=20 "$cluster"/*.log >&2 || true
    for daemon in "${daemons[@]}"; do
        kill "$daemon" 2>/dev/null || true
    done
    for daemon in "${daemons[@]}"; do
        timeout 10 tail --pid="$daemon" --follow /dev/null || kill -KILL "$daemon" || true
    done
    rm --recursive --force "$cluster"
    exit "$status"
}

until_true() { # SECONDS COMMAND...: whether it came true in time
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.1
    done
}

no_task() { [ -z "$(timeout 5 squeue --noheader)" ]; }
both_idle() { [ "$(timeout 5 sinfo --noheader --Node --states=idle 2>/dev/null | wc -l)" = 2 ]; }

daemon() { # COMMAND...: until the end
    "$@" >/dev/null 2>&1 &
    daemons+=($!)
}

export SLURM_CONF=$cluster/slurm.conf
trap stop EXIT
trap 'exit 130' INT TERM

read -r -a ports < <(python3 -c '
import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
print(*(s.getsockname()[1] for s in sockets))')
host=$(hostname)
host=${host%%.*}
# A task that is queued again waits for as long as a credential is valid, of
# which 5 seconds are the least.
cat >"$SLURM_CONF" <<END
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=${ports[0]}
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$cluster/munge.socket,cred_expire=5
SlurmctldPidFile=$cluster/slurmctld.pid
SlurmctldLogFile=$cluster/slurmctld.log
StateSaveLocation=$cluster/state
SlurmdPidFile=$cluster/%n.pid
SlurmdLogFile=$cluster/%n.log
SlurmdSpoolDir=$cluster/%n
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=0,bf_interval=1,sched_interval=1,sched_min_interval=0
KillWait=10
ReturnToService=2
NodeName=one NodeHostname=$host NodeAddr=127.0.0.1 Port=${ports[1]} CPUs=2 RealMemory=4096
NodeName=two NodeHostname=$host NodeAddr=127.0.0.1 Port=${ports[2]} CPUs=2 RealMemory=4096
PartitionName=test Nodes=ALL Default=YES
END
mkdir "$cluster/state" "$cluster/one" "$cluster/two"
# Munge wants its socket to be reachable for everybody and its key for nobody.
chmod 711 "$cluster"
(umask 077 && head --bytes=1024 /dev/urandom >"$cluster/munge.key")
daemon munged --foreground --key-file="$cluster/munge.key" --socket="$cluster/munge.socket" \
    --pid-file="$cluster/munge.pid" --log-file="$cluster/munge.log" \
    --seed-file="$cluster/munge.seed"
until_true 10 test -S "$cluster/munge.socket" || { echo "munged does not start" >&2 && exit 1; }
daemon slurmctld -D
daemon slurmd -D -N one
daemon slurmd -D -N two
until_true 30 both_idle || { echo "the nodes of Slurm do not come up" >&2 && exit 1; }
"$@"
