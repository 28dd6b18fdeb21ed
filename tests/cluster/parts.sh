# What slurm.sh and accounting.sh have in common; sourced by both.
conf=/etc/slurm/slurm.conf

refuse() { echo "$1" >&2 && exit 3; }

wait_for() { # SECONDS COMMAND...
  local end=$((SECONDS + $1)) && shift
  until "$@" >/dev/null 2>&1; do [ $SECONDS -lt $end ] || return 1; sleep 0.1; done
}

there() { # NAME...: all of these programs
  local name
  for name in "$@"; do command -v "$name" >/dev/null || return 1; done
}

install_by_apt() { # WHAT PACKAGE...: refused where it cannot be
  local what=$1 && shift
  command -v apt-get >/dev/null || refuse "$what is not installed, and there is no apt-get to install it with"
  [ "$(id -u)" = 0 ] || refuse "$what is not installed, and apt-get needs root"
  local quick=(-o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o DPkg::Lock::Timeout=60)
  (
    apt-get "${quick[@]}" update
    DEBIAN_FRONTEND=noninteractive apt-get "${quick[@]}" install -y --no-install-recommends "$@"
  ) >/dev/null 2>&1 || refuse "$what is not installed, and apt-get install $* failed"
}

end_daemon() { # NAME STATE_DIR: the process that stands in its file
  local pid
  [ -f "$2/$1.pid" ] || return 0
  pid=$(cat "$2/$1.pid")
  if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$1" ]; then
    kill "$pid"
    wait_for 20 test ! -e "/proc/$pid" || kill -9 "$pid"
  fi
  rm -f "$2/$1.pid"
}
