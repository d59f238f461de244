# Sourced: bare Debian releases by debootstrap, in $servers. Sets top, servers; gives bootstrap and inside.

top=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
mirror=${MATRIX_MIRROR:-http://deb.debian.org/debian}
mkdir -p "${ASSIST_SERVERS:-$top/.servers}"
servers=$(readlink -f "${ASSIST_SERVERS:-$top/.servers}")
[ "$(id -u)" = 0 ] || { echo "debootstrap and chroot need root" >&2; exit 1; }

bootstrap() { # bootstrap RELEASE LOG: unless it is there
  local script=/usr/share/debootstrap/scripts/$1 # all of Debian's are the same: one for a release yet unknown
  [ ! -e "$servers/$1/.bootstrapped" ] || return 0
  rm -rf "${servers:?}/$1"
  [ -e "$script" ] || script=/usr/share/debootstrap/scripts/sid
  debootstrap --variant=minbase --include=git,make,ca-certificates "$1" "$servers/$1" "$mirror" "$script" >"$2" 2>&1 ||
    { tail -n 5 "$2"; return 1; }
  # A mirror may lag behind: a release before its time is signed for a week only.
  echo 'Acquire::Check-Valid-Until "false";' >"$servers/$1/etc/apt/apt.conf.d/90mirror"
  touch "$servers/$1/.bootstrapped"
}

# inside RELEASE COMMAND: a shell command in the release, with /proc, /dev, a network, the checkout as /src and
# OTHER, when set, another release as /other; all of that is gone at its end.
inside() {
  root=$servers/$1 command=$2 top=$top other=${OTHER:+$servers/$OTHER} unshare --mount --pid --fork --kill-child bash -c '
    mount --make-rprivate / && mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" &&
    mount -t tmpfs tmpfs "$root/tmp" && chmod 1777 "$root/tmp" && mkdir -p "$root/src" "$root/other" &&
    mount --bind "$top" "$root/src" && mount -o remount,bind,ro "$root/src" &&
    { [ -z "$other" ] || mount --bind "$other" "$root/other"; } && cp /etc/resolv.conf "$root/etc/resolv.conf" &&
    exec chroot "$root" env -i HOME=/root ASSIST_SERVERS=/srv/servers LC_ALL=C.UTF-8 \
      PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive bash -c "$command"'
}

# A clone of the last commit in /root/pg_assist; what was built for the same commit before is kept.
clone() { # clone RELEASE
  inside "$1" 'git config --global --replace-all safe.directory "*" && cd /root &&
    if [ -d pg_assist ]; then cd pg_assist && git fetch -q /src HEAD && git checkout -q -f FETCH_HEAD;
    else git clone -q /src pg_assist; fi'
}
