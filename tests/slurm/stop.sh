#!/usr/bin/env bash
# End the SLURM that start.sh started in FOLDER: its jobs, daemons and configuration.
set -uo pipefail
home=$1
timeout 10 scancel --user="$(id -un)" 2>/dev/null
for _ in $(seq 50); do
    [ -n "$(timeout 5 squeue -h 2>/dev/null)" ] || break
    sleep 0.2
done
for file in "$home"/run/slurmd.pid "$home"/run/slurmctld.pid "$home"/munge/munged.pid; do
    [ -s "$file" ] || continue
    pid=$(cat "$file") name=$(basename "$file" .pid)
    [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$name" ] || continue
    kill "$pid"
    for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
done
! grep -qsxF "# of tests/slurm/start.sh" /etc/slurm/slurm.conf ||
    rm -f /etc/slurm/{slurm,gres,cgroup}.conf
