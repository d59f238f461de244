# Sourced by scripts that start servers. Servers refuse to run as root, and the checkout may be somewhere
# the server's user cannot read (/root): such scripts work in a scratch directory that it can.
#
# Gives: pg_config, bindir, server_user, as_server (runs a command as that user), scratch_dir NAME.

# Below our own make, the server's makefiles would leave out what they generate.
unset MAKELEVEL MAKEFLAGS MFLAGS

pg_config=${PG_CONFIG:-pg_config}
if ! bindir=$("$pg_config" --bindir 2>/dev/null); then
  echo "$pg_config: not found. Run 'make deps', or set PG_CONFIG." >&2
  exit 1
fi

if [ "$(id -u)" = 0 ]; then
  server_user=${SERVER_USER:-postgres}
  if ! id "$server_user" >/dev/null 2>&1; then
    echo "servers cannot run as root and there is no user $server_user: set SERVER_USER" >&2
    exit 1
  fi
else
  server_user=$(id -un)
fi

# The caller's environment must not leak in: PGPORT, PGHOST or a service file would reach another server.
as_server() {
  local clean=(env -u PGHOST -u PGPORT -u PGDATABASE -u PGUSER -u PGSERVICE -u PGOPTIONS -u PGPASSWORD
    HOME=/tmp LC_ALL=C.UTF-8 PATH="$bindir:$PATH")
  if [ "$(id -u)" = 0 ]; then
    runuser -u "$server_user" -- "${clean[@]}" "$@"
  else
    "${clean[@]}" "$@"
  fi
}

# A fresh directory of the server's user; short, for a unix socket's path has at most 107 bytes.
scratch_dir() {
  local dir
  dir=$(mktemp -d "/tmp/$1.XXXXXX")
  chmod 755 "$dir"
  [ "$(id -u)" = 0 ] && chown "$server_user" "$dir"
  echo "$dir"
}
