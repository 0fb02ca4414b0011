#!/usr/bin/env bash
# Start a SLURM of one node on this machine, of Debian's or Ubuntu's packages, for the tests.
#
#   tests/slurm/start.sh FOLDER      state, logs and pids go to FOLDER; stop.sh FOLDER ends it
#
# Environment: SLURM_GPUS, how many (fake) GPUs the node declares (2); SLURM_CPUS (8);
# INSTALL_SLURM=1, to let it install the packages.
# Needs root. Exit status 0 if a job step ran, 3 if SLURM cannot be had here, 1 if it failed.
# No systemd, no cgroups, no accounting. An /etc/slurm that is not ours is never touched.
set -euo pipefail
home=$(mkdir -p "$1" && cd "$1" && pwd)
gpus=${SLURM_GPUS:-2} cpus=${SLURM_CPUS:-8}
mark="# of tests/slurm/start.sh"
export PATH=$PATH:/usr/sbin:/sbin LC_ALL=C.UTF-8
unavailable() { echo "no SLURM here: $*" >&2; exit 3; }

# --- packages
[ "$(id -u)" = 0 ] || unavailable "it is started by root only"
if [ -e /etc/slurm/slurm.conf ] && ! grep -qxF "$mark" /etc/slurm/slurm.conf; then
    unavailable "/etc/slurm/slurm.conf is that of another SLURM"
fi
if [ -e /etc/slurm/slurm.conf ] && timeout 5 scontrol ping 2>/dev/null | grep -q "is UP"; then
    unavailable "another test's is running"
fi
mkdir -p "$home"/{log,run,dev,state}
if ! command -v slurmctld slurmd sbatch munged >/dev/null; then
    [ -n "${INSTALL_SLURM:-}" ] || unavailable \
        "its commands were not found (INSTALL_SLURM=1 lets apt-get install them)"
    command -v apt-get >/dev/null || unavailable "neither its commands nor apt-get were found"
    # keep the packages from starting anything
    [ -e /usr/sbin/policy-rc.d ] || {
        printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
        chmod 755 /usr/sbin/policy-rc.d
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    }
    export DEBIAN_FRONTEND=noninteractive
    # one at a time: other tests install a browser
    exec 9>"${TMPDIR:-/tmp}/apt-of-tests.lock" && flock 9
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends \
        munge slurmctld slurmd slurm-client; } >"$home/log/apt.log" 2>&1 ||
        unavailable "its packages could not be installed ($(tail -n 1 "$home/log/apt.log"))"
    exec 9>&-
fi

# --- munge, which signs what SLURM's parts tell each other; a key and socket of its own
mkdir -p "$home/munge" && chmod 0755 "$home/munge"
[ -s "$home/munge/key" ] || (umask 077 && head -c 1024 /dev/urandom >"$home/munge/key")
socket=$home/munge/socket
munged --force --socket="$socket" --key-file="$home/munge/key" --pid-file="$home/munge/munged.pid" \
    --log-file="$home/munge/log" --seed-file="$home/munge/seed" 2>"$home/log/munged.out"

# --- configuration
host=$(hostname -s)
getent hosts "$host" >/dev/null || echo "127.0.0.1 $host" >>/etc/hosts
memory=$(awk '/MemTotal/ {print int($2 / 1024)}' /proc/meminfo)
mkdir -p /etc/slurm
for n in $(seq 0 $((gpus - 1))); do
    # slurmd wants devices behind declared GPUs: these are /dev/null by another name
    [ -e "$home/dev/nvidia$n" ] || mknod "$home/dev/nvidia$n" c 1 3
done
cat >/etc/slurm/slurm.conf <<CONF
$mark
ClusterName=one-node
SlurmctldHost=$host(127.0.0.1)
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$socket
MailProg=/bin/true
StateSaveLocation=$home/state
SlurmdSpoolDir=$home/spool
SlurmctldPidFile=$home/run/slurmctld.pid
SlurmdPidFile=$home/run/slurmd.pid
SlurmctldLogFile=$home/log/slurmctld.log
SlurmdLogFile=$home/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SwitchType=switch/none
MpiDefault=none
PropagateResourceLimits=NONE
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
MinJobAge=3600
JobRequeue=0
ReturnToService=2
KillWait=2
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cpus RealMemory=$memory Gres=gpu:$gpus State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE DefaultTime=5 State=UP
CONF
cat >/etc/slurm/gres.conf <<CONF
AutoDetect=off
NodeName=$host Name=gpu File=$home/dev/nvidia[0-$((gpus - 1))] Count=$gpus
CONF
echo "CgroupAutomount=no" >/etc/slurm/cgroup.conf

# --- daemons, and the proof
failed() { tail -n 5 "$home"/log/* >&2; exit 1; }
setsid slurmctld -c </dev/null >"$home/log/slurmctld.out" 2>&1 || failed
for _ in $(seq 50); do timeout 2 scontrol ping | grep -q "is UP" && break; sleep 0.1; done
timeout 2 scontrol ping | grep -q "is UP" || failed
setsid slurmd -c </dev/null >"$home/log/slurmd.out" 2>&1 || failed
for _ in $(seq 100); do
    [ "$(timeout 2 sinfo -h -o %T)" != idle ] || break
    sleep 0.1
done
timeout 30 srun --ntasks=1 --mem=16 --time=1 true || failed
echo "SLURM $(sinfo -V | cut -d' ' -f2) is ready: $cpus CPUs, $memory MB, $gpus GPUs"
