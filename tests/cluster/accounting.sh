#!/usr/bin/env bash
# Accounting (slurmdbd, on a database of its own) for the SLURM that slurm.sh brought up, and without it again.
#   accounting.sh on STATE_DIR    apt-get first, where slurmdbd or mariadbd are not there yet
#   accounting.sh off STATE_DIR
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/parts.sh"
dbd=/etc/slurm/slurmdbd.conf
port=36819 # of the database

installed() {
  there slurmdbd mariadbd mariadb-install-db || install_by_apt slurmdbd slurmdbd mariadb-server
}

kind() { sed -i "s|^AccountingStorageType=.*|AccountingStorageType=accounting_storage/$1|" $conf; }

controller() { # STATE_DIR: once more, with the accounting that the configuration names now
  end_daemon slurmctld "$1"
  slurmctld
  wait_for 30 scontrol ping || refuse "slurmctld does not come up: $(tail -n 3 "$1/slurmctld.log")"
}

database() {
  local at=$1/database
  mariadb-install-db --no-defaults --user=root --datadir="$at" --auth-root-authentication-method=normal >/dev/null
  mariadbd --no-defaults --user=root --datadir="$at" --socket="$at/socket" --bind-address=127.0.0.1 --port=$port \
    --pid-file="$1/mariadbd.pid" --log-error="$1/mariadbd.log" >/dev/null 2>&1 &
  disown
  wait_for 30 mariadb --no-defaults --socket="$at/socket" -e 'SELECT 1' ||
    refuse "mariadbd does not come up: $(tail -n 3 "$1/mariadbd.log")"
  mariadb --no-defaults --socket="$at/socket" -e \
    "CREATE USER slurm@'127.0.0.1' IDENTIFIED BY 'tests'; GRANT ALL ON accounts.* TO slurm@'127.0.0.1';"
}

on() {
  local state && state=$(realpath "$1")
  [ "$(id -u)" = 0 ] || refuse "the daemons of SLURM need root"
  installed
  database "$state"
  (umask 077 && : >$dbd)
  cat >$dbd <<EOF
AuthType=auth/munge
DbdHost=localhost
SlurmUser=root
PidFile=$state/slurmdbd.pid
LogFile=$state/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort=$port
StorageUser=slurm
StoragePass=tests
StorageLoc=accounts
EOF
  slurmdbd
  kind slurmdbd # without it sacctmgr asks nobody
  wait_for 30 sacctmgr -n show cluster || refuse "slurmdbd does not come up: $(tail -n 3 "$state/slurmdbd.log")"
  sacctmgr -i add cluster tests >/dev/null
  controller "$state"
}

off() {
  local state && state=$(realpath "$1")
  kind none
  controller "$state"
  end_daemon slurmdbd "$state"
  end_daemon mariadbd "$state"
  rm -f $dbd
}

case "${1:-}" in
  on | off) "$1" "$2" ;;
  *) sed -n '2,4s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac
