#!/bin/bash
# A SLURM cluster of this one machine, without systemd: tests/cluster/slurm.sh start FOLDER | stop FOLDER
# Debian's packages slurm-wlm and munge are installed if they are missing. Needs root. All files lie in FOLDER;
# `export SLURM_CONF=FOLDER/slurm.conf` makes sbatch, squeue and srun talk to it.
set -eu
action=$1
mkdir -p "$2"
folder=$(cd "$2" && pwd)

ends() { # pid file: end that process, and wait for it
    [ -f "$1" ] || return 0
    pid=$(cat "$1")
    kill "$pid" 2>/dev/null || return 0
    for _ in $(seq 50); do kill -0 "$pid" 2>/dev/null || return 0; sleep 0.1; done
    kill -9 "$pid" 2>/dev/null || true
}

if [ "$action" = stop ]; then
    ends "$folder/slurmctld.pid"; ends "$folder/slurmd.pid"; ends "$folder/munged.pid"
    exit 0
fi

if ! command -v slurmctld >/dev/null || ! command -v munged >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq slurm-wlm munge >/dev/null
fi

mkdir -p "$folder/state" "$folder/spool"
chmod 755 "$folder"
cores=$(nproc)
host=$(hostname -s)
getent hosts "$host" >/dev/null || echo "127.0.0.1 $host" >> /etc/hosts
[ -f "$folder/munge.key" ] || dd if=/dev/urandom of="$folder/munge.key" bs=128 count=1 status=none
chmod 600 "$folder/munge.key"
cat > "$folder/slurm.conf" <<CONF
ClusterName=one
SlurmctldHost=$host
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
SlurmctldPort=${SLURM_PORT:-16817}
SlurmdPort=$((${SLURM_PORT:-16817} + 1))
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
JobRequeue=1
KillWait=10
InactiveLimit=0
ReturnToService=2
SchedulerParameters=batch_sched_delay=0,sched_interval=2
NodeName=$host CPUs=$cores State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF

# As root, in a folder that others cannot write to; --force tolerates the rest (containers).
munged --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" --pid-file="$folder/munged.pid" \
    --log-file="$folder/munged.log" --seed-file="$folder/munge.seed"
export SLURM_CONF=$folder/slurm.conf
slurmctld
slurmd
for _ in $(seq 60); do
    state=$(sinfo --noheader --format %T 2>/dev/null || true)
    [ "$state" = idle ] && exit 0
    sleep 0.5
done
echo "the node is '$state', not idle; see $folder/*.log" >&2
exit 1
