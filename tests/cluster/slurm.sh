#!/usr/bin/env bash
# A SLURM of one node on this machine, without systemd, cgroups or accounting, for tests of the cluster profile.
#   slurm.sh install                        apt-get, where SLURM is not there yet
#   slurm.sh start STATE_DIR [CPUS] [MB]    CPUS: jobs that run at once, which may be more than the machine has
#   slurm.sh node STATE_DIR                 slurmd again, after it was killed
#   slurm.sh stop STATE_DIR                 ends what was started for STATE_DIR, and no other daemon
# Needs root. A machine that already belongs to a cluster is left alone.
set -euo pipefail
OURS="# neurodecode: a cluster of one node, for tests"
. "$(dirname "${BASH_SOURCE[0]}")/parts.sh"

install() {
  there slurmctld slurmd munged || install_by_apt SLURM slurm-wlm munge
}

authenticated() { munge -n | unmunge; }
idle() { sinfo -h -o %T -n "$(hostname -s)" | grep -Eq 'idle|mixed|allocated'; }

start() {
  local state cpus=${2:-2} memory=${3:-8000} host && state=$(realpath -m "$1") && host=$(hostname -s)
  [ "$(id -u)" = 0 ] || refuse "the daemons of SLURM need root"
  [ ! -e $conf ] || head -n 1 $conf | grep -qF "$OURS" || refuse "$conf belongs to another cluster"
  [ ! -e $conf ] || ! scontrol ping 2>/dev/null | grep -q 'is UP' || refuse "a cluster of one node is up already"
  mkdir -p /run/munge /etc/slurm "$state/controller" "$state/node"
  if ! authenticated >/dev/null 2>&1; then
    chown munge:munge /run/munge
    su -s /bin/sh munge -c munged
    wait_for 10 authenticated || refuse "munge does not come up"
    cp /run/munge/munged.pid "$state/munged.pid"
  fi
  # A GPU that SLURM hands out and no driver knows.
  echo "NodeName=$host Name=gpu Count=1 File=/dev/null" >/etc/slurm/gres.conf
  cat >$conf <<EOF
$OURS
ClusterName=tests
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
StateSaveLocation=$state/controller
SlurmdSpoolDir=$state/node
SlurmctldPidFile=$state/slurmctld.pid
SlurmdPidFile=$state/slurmd.pid
SlurmctldLogFile=$state/slurmctld.log
SlurmdLogFile=$state/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
ReturnToService=2
SlurmdTimeout=60
MinJobAge=600
KillWait=3
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=2
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
GresTypes=gpu
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cpus RealMemory=$memory Gres=gpu:1 State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes=$host MaxTime=INFINITE State=UP
EOF
  slurmctld
  slurmd -N "$host"
  wait_for 30 idle || refuse "SLURM does not come up: $(tail -n 3 "$state"/slurm*.log)"
}

stop() {
  local daemon
  for daemon in slurmd slurmctld slurmdbd mariadbd munged; do end_daemon $daemon "$1"; done
  if [ -e $conf ] && head -n 1 $conf | grep -qF "$OURS"; then rm -f $conf /etc/slurm/{gres,slurmdbd}.conf; fi
}

case "${1:-}" in
  install) install ;;
  start) install && start "${@:2}" ;;
  node) slurmd -N "$(hostname -s)" ;;
  stop) stop "$2" ;;
  *) sed -n '2,7s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac
